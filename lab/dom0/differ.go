package dom0

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/diff"
)

// Differ says what scenario differ compares with the model.
type Differ struct {
	Release engine.Release // what the model is to be
	Scripts []string       // files of the payload
	Tries   int            // how many shorter ones are performed in place of one that differs; each takes a domain
	Keep    bool           // leave every script with its outcomes, not only those that differ
}

// DifferReport is what it found. Its Failed are names of results: scripts with real
// Xen's outcomes, as short as they could be made.
type DifferReport struct {
	Scripts  int
	Compared int
	Unsure   int
	Failed   []string
}

// maxFailed ends a session that finds nothing but differences.
const maxFailed = 8

// maxShown is how many steps a script has, at the most, that is written to the slow
// console as well.
const maxShown = 50

// differ is a session in progress.
type differ struct {
	*run
	plan   Differ
	report DifferReport
}

func playDiffer(r *run) error {
	d := &differ{run: r, plan: r.config.Differ}
	for _, name := range d.plan.Scripts {
		if len(d.report.Failed) == maxFailed {
			break
		}
		if err := d.script(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r.say("%d scripts, %d steps compared, %d of them unsure, %d differ",
		d.report.Scripts, d.report.Compared, d.report.Unsure, len(d.report.Failed))
	b, err := json.MarshalIndent(d.report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(OutDir, DifferFile), append(b, '\n'), 0o644)
}

// script performs a script of the payload. One that differs is made shorter.
func (d *differ) script(name string) error {
	d.say("%s", name) // the last words, if it kills Xen
	s, err := readScript(filepath.Join(InDir, name))
	if err != nil {
		return err
	}
	v, err := d.compare(&s)
	if err != nil {
		return err
	}
	d.count(v)
	if d.plan.Keep {
		if err := writeScript(name, s); err != nil {
			return err
		}
	}
	if v.Mismatch == nil {
		return nil
	}
	d.say("%s", v.Mismatch.Text(s))
	return d.shorten(s, v, "differs-"+name)
}

func readScript(path string) (diff.Script, error) {
	f, err := os.Open(path)
	if err != nil {
		return diff.Script{}, err
	}
	defer f.Close()
	return diff.ReadScript(f)
}

func (d *differ) count(v diff.Verdict) {
	d.report.Scripts++
	d.report.Compared += v.Compared
	d.report.Unsure += v.Unsure
}

// compare performs a script on a domain of its own and judges it.
func (d *differ) compare(s *diff.Script) (v diff.Verdict, err error) {
	if s.Outcomes, err = performOn(*s); err != nil {
		return v, err
	}
	return diff.Judge(*s, d.plan.Release)
}

// shorten writes the shortest script that still differs where s does.
func (d *differ) shorten(s diff.Script, v diff.Verdict, name string) error {
	s.Steps = s.Steps[:v.Mismatch.Step+1]
	s, err := diff.Shrink(s, d.plan.Release, d.plan.Tries, func(t diff.Script) (bool, error) {
		v, err := d.compare(&t)
		return v.Mismatch != nil, err
	})
	if err != nil {
		return err
	}
	v, err = d.compare(&s)
	if err != nil {
		return err
	}
	if v.Mismatch != nil && len(s.Steps) <= maxShown {
		d.say("as short as it was made:\n%s%s", scriptText(s), v.Mismatch.Text(s))
	}
	d.report.Failed = append(d.report.Failed, name)
	return writeScript(name, s)
}

func scriptText(s diff.Script) string {
	var b strings.Builder
	_, _ = s.WriteTo(&b) // a Builder takes everything
	return b.String()
}

func writeScript(name string, s diff.Script) error {
	return os.WriteFile(filepath.Join(OutDir, name), []byte(scriptText(s)), 0o644)
}
