package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// NoRecorder as Options.Recorder plays a scenario without recording it.
const NoRecorder = "none"

// DefaultCPUs is how many CPUs a machine has. A request is a switch from guest to
// dom0 and back, which two CPUs make through two host threads that wait for each
// other. That is faster on an idle host and fifty times slower on a busy one.
const DefaultCPUs = 1

// DefaultTimeout bounds a run, its soak aside. Runs take a minute on an idle machine, and
// many on a slow one with neighbours.
const DefaultTimeout = 30 * time.Minute

// DefaultSoak is how long a recorder is watched to see that it does not grow.
const DefaultSoak = 30 * time.Minute

// Options say what to run. Scenario and Out are needed, the rest has defaults.
type Options struct {
	Release  Release // default: the release of Debian 12
	Scenario string  // a name from package dom0
	Out      string  // directory for the results; made if absent

	Recorder     string        // path of a static iotrace; "" builds ./cmd/iotrace, NoRecorder has none
	RecorderArgs []string      // for iotrace record, after -o FILE
	VCPUs        int           // of the guest; default 2
	CPUs         int           // of the machine and of dom0; see DefaultCPUs
	Counted      bool          // the machine's clock counts instructions, one a nanosecond; with one CPU
	Scripts      Scripts       // that scenario differ performs
	Soak         time.Duration // how long scenario soak is; default: DefaultSoak
	Timeout      time.Duration // of all but the soak; default: DefaultTimeout
	Log          io.Writer     // progress, line by line; default: nowhere
}

// Result says what a run left.
type Result struct {
	Dir   string        // Options.Out
	Files []string      // names of the results in Dir; see package dom0
	Took  time.Duration // from power-on to power-off
}

// serialLog is the name of the machine's console log among the results.
const serialLog = "serial.log"

// Run boots a release, plays a scenario and puts its results into o.Out, together
// with the serial log. It makes the release's images if they are not cached. A
// scenario that fails is an error, and its results are kept all the same.
func Run(ctx context.Context, o Options) (Result, error) {
	o, err := o.check()
	if err != nil {
		return Result{}, err
	}
	im, err := Build(ctx, o.Release, o.Log)
	if err != nil {
		return Result{}, err
	}
	for try := 1; ; try++ {
		res, err := runOnce(ctx, o, im)
		if !errors.Is(err, errDead) || try == maxTries {
			return res, err
		}
		fmt.Fprintf(o.Log, "xenlab: %v; booting again\n", err)
	}
}

// maxTries is how often a run is begun, if the emulator fails it.
const maxTries = 3

func runOnce(ctx context.Context, o Options, im Images) (Result, error) {
	tmp, err := os.MkdirTemp("", "iotrace-lab-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(tmp)
	m, err := newMachine(ctx, o, im, tmp)
	if err != nil {
		return Result{}, err
	}
	serial := filepath.Join(o.Out, serialLog)
	if err := os.Remove(serial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Result{}, err
	}
	m.serial = "file:" + quoteOption(serial)
	ctx, cancel := context.WithTimeout(ctx, o.Timeout+o.Soak)
	defer cancel()
	fmt.Fprintf(o.Log, "xenlab: booting Xen %s, scenario %s\n", o.Release, o.Scenario)
	start := time.Now()
	bootErr := m.run(ctx, serial, o.Log)
	res := Result{Dir: o.Out, Took: time.Since(start).Round(time.Second / 10)}
	var unpackErr error
	res.Files, unpackErr = readResults(m.results, o.Out)
	if err := errors.Join(bootErr, unpackErr, verdict(serial)); err != nil {
		return res, fmt.Errorf("scenario %s on Xen %s: %w", o.Scenario, o.Release, err)
	}
	return res, nil
}

// Shell boots a release with the standard streams as its serial console and a
// shell in dom0.
func Shell(ctx context.Context, o Options) error {
	o.Scenario = "shell"
	tmp, err := os.MkdirTemp("", "iotrace-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if o.Out == "" {
		o.Out = tmp
	}
	if o, err = o.check(); err != nil {
		return err
	}
	im, err := Build(ctx, o.Release, o.Log)
	if err != nil {
		return err
	}
	m, err := newMachine(ctx, o, im, tmp)
	if err != nil {
		return err
	}
	m.serial = "mon:stdio" // raw, so that Ctrl-C reaches dom0's shell
	fmt.Fprintln(o.Log, "xenlab: leave the shell to power off; Ctrl-A X kills the machine")
	cmd := m.command(ctx, os.Stderr)
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	return cmd.Run()
}

// check fills in defaults and refuses what cannot work.
func (o Options) check() (Options, error) {
	if err := checkTools(bootTools); err != nil {
		return o, err
	}
	s, err := dom0.FindScenario(o.Scenario)
	if err != nil {
		return o, err
	}
	o = o.filled()
	if s.EventFD && !o.Release.EventFD() {
		return o, fmt.Errorf("scenario %s: the image of %v has no xen-privcmd with eventfds; 4.20-backports has", s.Name, o.Release)
	}
	if s.Package && !o.Release.Units() {
		return o, fmt.Errorf("scenario %s: the image of %v has no systemd; 4.17 has", s.Name, o.Release)
	}
	if o.Counted && o.CPUs != 1 {
		return o, fmt.Errorf("a clock that counts instructions takes one CPU, not %d: several would run one after another", o.CPUs)
	}
	if o.Out == "" {
		return o, errors.New("scenario: no directory for the results given")
	}
	if o.Out, err = filepath.Abs(o.Out); err != nil {
		return o, err
	}
	return o, os.MkdirAll(o.Out, 0o755)
}

// filled returns o with the defaults of what it leaves open.
func (o Options) filled() Options {
	if o.Release == (Release{}) {
		o.Release = releases[1]
	}
	o.CPUs = cmp.Or(o.CPUs, DefaultCPUs)
	o.VCPUs = cmp.Or(o.VCPUs, 2)
	o.Soak = cmp.Or(o.Soak, DefaultSoak)
	if o.Scenario != "soak" {
		o.Soak = 0
	}
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

// newMachine makes a run's own disks in dir.
func newMachine(ctx context.Context, o Options, im Images, dir string) (machine, error) {
	m := machine{images: im, cpus: o.CPUs, counted: o.Counted, payload: filepath.Join(dir, "payload.tar"), results: filepath.Join(dir, "results.tar")}
	files, err := payloadFiles(ctx, o, dir)
	if err != nil {
		return m, err
	}
	if err := writePayload(m.payload, files); err != nil {
		return m, err
	}
	return m, newResultsDisk(m.results)
}

// verdict reads the agent's last word from the serial log.
func verdict(serial string) error {
	b, err := os.ReadFile(serial)
	if err != nil {
		return err
	}
	said := agentLines(string(b))
	if strings.Contains(said, agentPrefix+"ok\n") {
		return nil
	}
	if said == "" {
		said = "(nothing; it never ran)\n"
	}
	return fmt.Errorf("the agent did not report success; it said:\n%send of the serial log:\n%s", said, tail(string(b), 30))
}
