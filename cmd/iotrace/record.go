package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/iotrace-xen/iotrace/metrics"
	"github.com/iotrace-xen/iotrace/record"
	"github.com/iotrace-xen/iotrace/store"
	"github.com/spf13/cobra"
)

type recordFlags struct {
	output   string
	force    bool
	probes   probeFlags
	duration timeValue
	events   uint64
	strict   bool
	ring     ringValue
	reserve  sizeValue
	resume   bool
	flight   flightFlags
	metrics  string
	raw      string
	log      logForm
	config   string
}

func recordCommand(open opener) *cobra.Command {
	flags := recordFlags{reserve: 16 << 20, log: logPlain}
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Capture device-model traffic in this dom0",
		Long: `record attaches eBPF programs to dom0's privcmd and evtchn devices and writes
what device models do until it is interrupted: Ctrl-C once ends the capture
cleanly (detach, drain, final counts, close), twice aborts it; so do SIGTERM and,
but under nohup, SIGHUP. SIGUSR1 prints progress; 'iotrace mark' puts a remark into
the running capture. Values of guest data are left out unless --data full is given;
what steers routing (PCI configuration cycles) is always kept.

--domain, --pid, --server, --port, --gfn and --kind say what to record, in the
kernel; requests to ports and frames other than those given cost no room. What is
left out so is not lost: the trace says in its header what was chosen, and replay
takes the rest for unknown. What --sample-kind leaves out is counted; of buf_ioreq
a ring's account needs all: choose by --gfn, or leave it out with --kind.

Start it before the domain for a trace that replays completely. What existed
already is recorded as far as the kernel shows it, and marked.

The file is called FILE.incomplete until it is closed. Events are in it within a
second, so that is the most that a crash costs; 'iotrace repair' makes a whole
trace of what a crash left. When the disk is full, or --reserve-disk would be
used, the capture ends and its trace is closed in the room kept for that.

--ring files:8,size:64MiB,time:10m writes session.0001.iot, session.0002.iot and
so on for -o session.iot, each a trace in itself. size and time say when to begin
a new file (size:64MiB if neither is given), files how many to keep; each of the
three may be left out. With files the oldest also goes when the disk is full, unless
all have too little room. With --resume a new capture goes on where an earlier one's
ring ended: what a service needs that is started again.

` + flightHelp(),
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := applyConfig(cmd, flags.config); err != nil {
				return err
			}
			return logged(newLog(cmd.ErrOrStderr(), flags.log), flags.log, runRecord(cmd, flags, open))
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.output, "output", "o", "", "write the trace to `FILE`, \"-\" for standard output (default iotrace_TIME.iot)")
	f.BoolVarP(&flags.force, "force", "f", false, "replace an existing file; with --ring, all files of that ring")
	flags.probes.addFlags(f)
	f.VarP(&flags.duration, "time", "T", "end after this time (default: until interrupted)")
	f.Uint64VarP(&flags.events, "events", "n", 0, "end after `N` events (default: until interrupted)")
	f.BoolVar(&flags.strict, "fail-on-loss", false, "exit 4 if events were lost")
	f.BoolVar(&flags.strict, "strict", false, "the same as --fail-on-loss")
	f.Var(&flags.ring, "ring", "spread the capture over files (default: one file)")
	f.BoolVar(&flags.resume, "resume", false, "with --ring: go on behind the files of an earlier ring of that name, which count as its own")
	f.Var(&flags.reserve, "reserve-disk", "keep this much of the file system free")
	flags.flight.addFlags(cmd)
	f.StringVar(&flags.metrics, "metrics", "", "show counters to Prometheus at `ADDRESS`, unix:PATH or a loopback IP:PORT")
	f.Var(oneOf(&flags.log, logPlain, logText, logJSON), "log", "how to say what happens")
	addRawFlag(f, &flags.raw)
	f.StringVar(&flags.config, configFlag, "", "take more flags, by their long names, from a TOML `FILE`")
	return cmd
}

func (f recordFlags) storeOptions() store.Options {
	return store.Options{
		FileOptions: store.FileOptions{Replace: f.force, Reserve: uint64(f.reserve)},
		Ring:        store.Ring(f.ring),
		Resume:      f.resume,
	}
}

func runRecord(cmd *cobra.Command, flags recordFlags, open opener) error {
	if flags.output == "" {
		flags.output = "iotrace_" + time.Now().Format("20060102T150405") + ".iot"
	}
	opts, err := flags.probes.options()
	if err != nil {
		return err
	}
	if err := flags.flight.check(cmd); err != nil {
		return err
	}
	if err := mayWrite(flags, cmd.OutOrStdout()); err != nil {
		return err
	}
	if err := metrics.Check(flags.metrics); err != nil && flags.metrics != "" {
		return usagef("--metrics: %w", err)
	}
	if err := hasRoom(flags); err != nil {
		sayLosses(newLog(cmd.ErrOrStderr(), flags.log), lossLine, 0, record.Stats{})
		return err
	}
	rawDone, err := keepRaw(&opts, flags.raw)
	if err != nil {
		return exit(exitIncomplete, err)
	}
	caught := catchSignals()
	defer caught.release()
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away ends the capture, not the process
	src, err := open(opts)
	if err != nil {
		return cannotCapture(err)
	}
	defer src.close()
	c := &capture{src: src, flags: flags, log: newLog(cmd.ErrOrStderr(), flags.log), status: cmd.ErrOrStderr()}
	if err := c.open(cmd.OutOrStdout()); err != nil {
		sayLosses(c.log, lossLine, 0, src.stats())
		return err
	}
	return cmp.Or(c.run(caught), rawDone())
}

// cannotCapture says why a capture could not begin.
func cannotCapture(err error) error {
	var bad *record.OptionError
	if errors.As(err, &bad) {
		return usagef("--%s: %w", optionFlags[bad.Option], bad.Err)
	}
	return exit(exitNoCapture, fmt.Errorf("cannot capture here: %w\n'iotrace doctor' lists every check", err))
}

// mayWrite refuses an output before anything is attached.
func mayWrite(flags recordFlags, stdout io.Writer) error {
	ring := store.Ring(flags.ring)
	if flags.force && flags.resume {
		return usagef("--force replaces the files of a ring, --resume goes on behind them; give one of the two")
	}
	if flags.output == "-" {
		if ring.On() {
			return usagef("--ring makes files; it cannot be used with -o -")
		}
		if flags.flight.on() {
			return usagef("--flight makes files; it cannot be used with -o -")
		}
		return refuseTerminal(stdout)
	}
	if flags.flight.on() {
		return nil // dumps have names of their own
	}
	if flags.resume && !ring.On() {
		return usagef("--resume goes on with a ring; give --ring as well")
	}
	if err := store.CheckRing(flags.output, flags.storeOptions()); err != nil {
		return outputError(err)
	}
	return nil
}

// hasRoom refuses a disk that is full before anything is attached: a service is started
// again and again there, until there is room. A flight recorder needs none yet.
func hasRoom(flags recordFlags) error {
	if flags.output == "-" || flags.flight.on() {
		return nil
	}
	if err := store.CheckRoom(flags.output, flags.storeOptions()); err != nil {
		return outputError(err)
	}
	return nil
}
