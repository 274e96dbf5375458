package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/spf13/cobra"
)

// profileHelp is the usage of --profile.
const profileHelp = "apply the rules of `PROFILE`, such as xen-4.17/npt (default: those of the recorded Xen)"

type replayFlags struct {
	format  outFormat
	strict  bool
	verbose bool
	profile string
	span
}

func replayCommand(stdin io.Reader) *cobra.Command {
	flags := replayFlags{format: formatText}
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Check a trace against Xen's rules and count its cost",
		Long: `replay steps a model of Xen through the trace. Each recorded return value is
compared with the model's, each delivered request with the server that the
model names, each answer with the slot's state machine. A verdict is agree,
differ, or undetermined where it hangs on state that the trace does not show.
It ends with 1 if anything differs. FILE may be "-".

` + spanHelp + `
What is before --from is replayed from the key-frame before it, so that the state
is right, and is not counted.

The costs have short names in JSON. unknown counts operations whose costs are at least
those counted; what the other names stand for dom0 cannot see:

    pw  p2m entries written
    ta  p2m tables allocated
    fl  flush rounds
    lk  p2m lock sections
    fx  extra guest faults
    vx  VM exits
    rt  vCPU round trips
    ev  event notifications
    hc  hypercall entries
    rn  range nodes visited`,
		Args: takes(1, 1),
		RunE: onInput(stdin, func(cmd *cobra.Command, in *input) error { return runReplay(cmd, in, &flags) }),
	}
	f := cmd.Flags()
	f.Var(formatValue(&flags.format), "format", "how to print it; jsonl lists every verdict before the report")
	f.BoolVar(&flags.strict, "strict", false, "exit 4 if the trace is cut or lost events")
	f.BoolVarP(&flags.verbose, "verbose", "v", false, "list each verdict that is not agree")
	flags.addFlags(cmd)
	f.StringVar(&flags.profile, "profile", "", profileHelp)
	return cmd
}

func runReplay(cmd *cobra.Command, in *input, flags *replayFlags) error {
	opts, err := replayOptions(flags)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	defer w.Flush()
	opts.OnVerdict = verdictPrinter(w, flags)
	rep, runErr := flags.run(in, opts)
	if err := cmp.Or(notReplayed(in, runErr), flags.missed(in, runErr)); err != nil {
		return err
	}
	if flags.format == formatText {
		err = rep.WriteText(w)
	} else {
		err = printJSON(w, rep, flags.format)
	}
	if err := errors.Join(err, w.Flush()); err != nil {
		return err
	}
	return replayExit(cmd, in, flags, rep, runErr)
}

// notReplayed is the error about a trace that cannot be replayed at all, and says what
// helps: nil if err is another.
func notReplayed(in *input, err error) error {
	switch {
	case errors.Is(err, replay.ErrProfile):
		return unreadable(in.name, fmt.Errorf("%w; name one with --profile", err))
	case errors.Is(err, replay.ErrSelection):
		return unreadable(in.name, fmt.Errorf("%w; replay the whole with --from and --to, or make a part with 'iotrace repack' and then its text", err))
	}
	return nil
}

// run replays the span. A whole file is replayed by all processors.
func (flags *replayFlags) run(in *input, opts replay.Options) (replay.Report, error) {
	if !flags.all() {
		if flags.from.kind != noBound {
			opts.From = func(format.Event) bool { return flags.begun }
		}
		if flags.to.kind != noBound {
			opts.To = func(format.Event) bool { return flags.ended }
		}
		return replay.Run(in.Header(), flags.through(flags.events(in)), opts)
	}
	if f := in.seekable(); f != nil {
		in.at = f
		return replay.RunFile(f, runtime.GOMAXPROCS(0), opts)
	}
	return replay.RunBatches(in.Header(), in.Batches(), opts)
}

// replayExit turns a finished replay into the command's error. A difference
// before the damage stands whatever the rest of the trace holds, so it decides
// the exit code; the damage is said all the same.
func replayExit(cmd *cobra.Command, in *input, flags *replayFlags, rep replay.Report, runErr error) error {
	damage := in.damage(runErr, flags.strict, cmd.ErrOrStderr())
	if rep.Differ > 0 {
		return exit(exitDiffer, errors.Unwrap(damage))
	}
	if damage != nil {
		return damage
	}
	return in.incomplete(losses{count: rep.Lost, unknown: rep.LostUncounted}, flags.strict)
}

func verdictPrinter(w io.Writer, flags *replayFlags) func(replay.Verdict) {
	switch {
	case flags.format == formatJSONL:
		return func(v replay.Verdict) { printJSON(w, v, formatJSONL) }
	case flags.format == formatText && flags.verbose:
		return func(v replay.Verdict) {
			if v.Kind != replay.Agree {
				fmt.Fprintln(w, v)
			}
		}
	}
	return nil
}

func replayOptions(flags *replayFlags) (replay.Options, error) {
	if flags.profile == "" {
		return replay.Options{}, nil
	}
	p, err := engine.ParseProfile(flags.profile)
	if err != nil {
		return replay.Options{}, usagef("--profile: %w", err)
	}
	return replay.Options{Profile: p}, nil
}
