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
	Scripts []string       // files of the payload to perform first
	Steps   int            // of generated scripts, at the least
	Seed    uint64         // of the first of them
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

// scriptSteps is how many steps a generated script has, and hvmEvery how often one
// is for an HVM domain, which takes longer to make.
const (
	scriptSteps = 2000
	hvmEvery    = 3
)

// maxFailed ends a session that finds nothing but differences.
const maxFailed = 8

// differ is a session in progress.
type differ struct {
	*run
	plan   Differ
	report DifferReport
}

func playDiffer(r *run) error {
	d := &differ{run: r, plan: r.config.Differ}
	for _, name := range d.plan.Scripts {
		if err := d.given(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	start := d.report.Compared
	for i := uint64(0); d.report.Compared-start < d.plan.Steps && len(d.report.Failed) < maxFailed; i++ {
		if err := d.generated(d.plan.Seed+i, kindOf(i)); err != nil {
			return fmt.Errorf("script of seed %d: %w", d.plan.Seed+i, err)
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

func kindOf(i uint64) diff.Kind {
	if i%hvmEvery == hvmEvery-1 {
		return diff.HVM
	}
	return diff.PVH
}

// given performs a script of the payload and leaves it with its outcomes.
func (d *differ) given(name string) error {
	f, err := os.Open(filepath.Join(InDir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := diff.ReadScript(f)
	if err != nil {
		return err
	}
	v, err := d.judge(&s)
	if err != nil {
		return err
	}
	if v.Mismatch != nil {
		d.say("%s: %s", name, v.Mismatch.Text(s))
		d.report.Failed = append(d.report.Failed, name)
	}
	return writeScript(name, s)
}

// judge compares a script and reports how much was compared.
func (d *differ) judge(s *diff.Script) (diff.Verdict, error) {
	v, err := d.compare(s)
	if err == nil {
		d.report.Scripts++
		d.report.Compared += v.Compared
		d.report.Unsure += v.Unsure
	}
	return v, err
}

// compare performs a script on a domain of its own and judges it.
func (d *differ) compare(s *diff.Script) (v diff.Verdict, err error) {
	if s.Outcomes, err = performOn(*s); err != nil {
		return v, err
	}
	return diff.Judge(*s, d.plan.Release)
}

// generated makes a script and performs it. One that differs is made shorter.
func (d *differ) generated(seed uint64, kind diff.Kind) error {
	d.say("script of seed %d, %s", seed, kind) // the last words, if it kills Xen
	s, err := diff.Generate(seed, kind, d.plan.Release, scriptSteps)
	if err != nil {
		return err
	}
	v, err := d.judge(&s)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d-%s.txt", seed, kind)
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
	if v.Mismatch != nil {
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
