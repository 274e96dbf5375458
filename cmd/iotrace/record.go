package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
	"github.com/iotrace-xen/iotrace/xen"
	"github.com/spf13/cobra"
)

type recordFlags struct {
	output   string
	force    bool
	data     string
	tier     string
	domains  []uint
	sample   time.Duration
	duration time.Duration
	events   uint64
	strict   bool
}

func recordCommand() *cobra.Command {
	var flags recordFlags
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Capture device-model traffic in this dom0",
		Long: `record attaches eBPF programs to dom0's privcmd and evtchn devices and writes
what device models do until it is interrupted: Ctrl-C once ends the capture
cleanly (detach, drain, final counts, close), twice aborts it. SIGUSR1 prints
progress. Values of guest data are left out unless --data full is given; what
steers routing (PCI configuration cycles) is always kept.

Start it before the domain for a trace that replays completely. What existed
already is recorded as far as the kernel shows it, and marked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRecord(cmd, flags) },
	}
	f := cmd.Flags()
	f.StringVarP(&flags.output, "output", "o", "", `trace to write, "-" for standard output (default iotrace_TIME.iot)`)
	f.BoolVarP(&flags.force, "force", "f", false, "replace an existing file")
	f.StringVar(&flags.data, "data", "none", "guest data to keep: none or full")
	f.StringVar(&flags.tier, "tier", "", "how to attach: A (fentry) or B (kprobe) (default: the best that works)")
	f.UintSliceVar(&flags.domains, "domain", nil, "record these domains only")
	f.DurationVar(&flags.sample, "sample", 0, "CPU time of a device model between looks at its buffered ring (default 200µs)")
	f.DurationVarP(&flags.duration, "time", "T", 0, "end after this time (default: until interrupted)")
	f.Uint64VarP(&flags.events, "events", "n", 0, "end after this many events (default: until interrupted)")
	f.BoolVar(&flags.strict, "strict", false, "exit 4 if events were lost")
	return cmd
}

func (f recordFlags) options() (record.Options, error) {
	opts := record.Options{SamplePeriod: f.sample}
	switch f.data {
	case "none":
	case "full":
		opts.Data = record.DataFull
	default:
		return opts, usagef("--data: want none or full, got %q", f.data)
	}
	switch strings.ToUpper(f.tier) {
	case "":
	case "A":
		opts.Tier = record.TierA
	case "B":
		opts.Tier = record.TierB
	default:
		return opts, usagef("--tier: want A or B, got %q", f.tier)
	}
	for _, d := range f.domains {
		if d >= uint(xen.DomSelf) {
			return opts, usagef("--domain: want a number below %d, got %d", xen.DomSelf, d)
		}
		opts.Domains = append(opts.Domains, xen.DomID(d))
	}
	return opts, nil
}

func runRecord(cmd *cobra.Command, flags recordFlags) error {
	if flags.output == "" {
		flags.output = "iotrace_" + time.Now().Format("20060102T150405") + ".iot"
	}
	opts, err := flags.options()
	if err != nil {
		return err
	}
	if err := mayWrite(flags, cmd.OutOrStdout()); err != nil {
		return err
	}
	signals := catchSignals()
	defer signal.Stop(signals)
	s, err := record.Open(opts)
	if errors.Is(err, record.ErrOptions) {
		return usagef("%w", err)
	}
	if err != nil {
		return exit(exitNoCapture, fmt.Errorf("cannot capture here: %w\n'iotrace doctor' lists every check", err))
	}
	defer s.Close()
	out, err := createOutput(flags.output, flags.force, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	c := capture{session: s, out: out, name: flags.output, flags: flags, stderr: cmd.ErrOrStderr()}
	return c.run(signals)
}

// mayWrite refuses an output before anything is attached.
func mayWrite(flags recordFlags, stdout io.Writer) error {
	if flags.output == "-" {
		return refuseTerminal(stdout)
	}
	if flags.force {
		return nil
	}
	if _, err := os.Lstat(flags.output); err == nil {
		return usagef("%s exists; give -f to replace it, or another name with -o", flags.output)
	}
	return nil
}

// A capture is one run of record, from the attached session to the closed file.
type capture struct {
	session *record.Session
	out     io.WriteCloser
	name    string
	flags   recordFlags
	stderr  io.Writer
}

func (c *capture) run(signals <-chan os.Signal) error {
	h := c.session.Header()
	h.Writer = "iotrace " + version
	w, err := format.NewWriter(c.out, h, format.WriterOptions{})
	if err != nil {
		return c.writeFailed(err)
	}
	fmt.Fprintf(c.stderr, "recording to %s: Xen %s, Linux %s, tier %s, data %s, %d probes (%s)\n",
		c.name, h.XenVersion, h.Kernel, h.Tier, h.Data, len(h.Attached), strings.Join(h.Attached, " "))
	stop := watch(c.session, c.flags.duration, c.stderr, signals)
	defer stop()
	if err := c.copy(w); err != nil {
		return errors.Join(err, c.out.Close(), c.summary())
	}
	if err := errors.Join(w.Close(), c.out.Close()); err != nil {
		return errors.Join(c.writeFailed(err), c.summary())
	}
	return c.summary()
}

// flushPeriod bounds what a crash can lose, in ns of event time.
const flushPeriod = uint64(time.Second)

// copy writes the session's events. If it fails, the trace has no end mark, so
// that nobody takes it for a whole one.
func (c *capture) copy(w *format.Writer) error {
	var n, flushed uint64
	for e, err := range c.session.Events() {
		if err != nil {
			return errors.Join(exit(exitIncomplete, fmt.Errorf("capture: %w", err)), w.Flush())
		}
		if err := w.Write(e); err != nil {
			return c.writeFailed(err)
		}
		if n++; n == c.flags.events {
			c.session.Stop()
		}
		if e.Time < flushed+flushPeriod {
			continue
		}
		flushed = e.Time
		if err := w.Flush(); err != nil {
			return c.writeFailed(err)
		}
	}
	return nil
}

func (c *capture) writeFailed(err error) error {
	c.session.Stop()
	return exit(exitIncomplete, fmt.Errorf("%s: %w; the trace ends at its last whole block", c.name, err))
}

// summary prints the loss line that ends every capture.
func (c *capture) summary() error {
	st := c.session.Stats()
	fmt.Fprintf(c.stderr, "captured %d events, lost %d%s\n", st.Events, st.Total(), lostDetail(st))
	if c.flags.strict && st.Total() > 0 {
		return exit(exitIncomplete, nil)
	}
	return nil
}

func lostDetail(st record.Stats) string {
	if len(st.Lost) == 0 {
		return ""
	}
	var parts []string
	for _, l := range st.Lost {
		parts = append(parts, fmt.Sprintf("%d %s/%s", l.Count, l.Probe, l.Reason))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
