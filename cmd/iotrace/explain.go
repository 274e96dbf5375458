package main

import (
	"errors"
	"io"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/spf13/cobra"
)

func explainCommand(stdin io.Reader) *cobra.Command {
	flags := replayFlags{format: formatText}
	cmd := &cobra.Command{
		Use:   "explain FILE PLACE",
		Short: "Say which way one request or call takes through Xen",
		Long: `explain replays a trace up to one event, a request, an answer or a call, and
prints what Xen looks at there, function by function, up to what decides; then
what was recorded, and the verdict. A call is explained as the model is at the
event: name its return for the moment at which it counts.

PLACE is an event (seq:1000), or a time (12.5 or +5s), which stands for the first
such event that is not before it. Of a binary file only the segment that is needed is
read. FILE may be "-".`,
		Args: takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.from.Set(args[1]); err != nil {
				return usagef("PLACE: %w", err)
			}
			in, err := openInput(args[0], stdin)
			if err != nil {
				return err
			}
			defer in.close()
			return runExplain(cmd, in, &flags)
		},
	}
	f := cmd.Flags()
	f.Var(formatValue(&flags.format), "format", "how to print it")
	f.StringVar(&flags.profile, "profile", "", profileHelp)
	return cmd
}

func runExplain(cmd *cobra.Command, in *input, flags *replayFlags) error {
	opts, err := replayOptions(flags)
	if err != nil {
		return err
	}
	place := flags.from
	if place.kind == atSeq { // which no later event stands for
		flags.to = bound{kind: atSeq, n: place.n + 1}
	}
	at := func(format.Event) bool { return flags.begun }
	opts.To = func(format.Event) bool { return flags.ended }
	x, err := replay.Explain(in.Header(), flags.through(flags.events(in)), at, opts)
	if err := notReplayed(in, err); err != nil {
		return err
	}
	switch {
	case errors.Is(err, replay.ErrNoEvent):
		return usagef("%s: %w%s", in.name, err, place.noneThere())
	case errors.Is(err, replay.ErrNoPath):
		return usagef("%s: %w", in.name, err)
	case err != nil:
		return in.unreadable(err)
	}
	if flags.format == formatText {
		return x.WriteText(cmd.OutOrStdout())
	}
	return printJSON(cmd.OutOrStdout(), x, flags.format)
}
