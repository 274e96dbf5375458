package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/iotrace-xen/iotrace/analyze"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

// info is what the command prints as JSON: the header's facts, the summary's,
// and the file's own. Keys are stable.
type info struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Closed bool   `json:"closed"` // the recorder closed it; false for a cut trace
	format.Header
	analyze.Summary
}

func infoCommand(stdin io.Reader) *cobra.Command {
	out, strict := formatText, false
	cmd := &cobra.Command{
		Use:   "info FILE",
		Short: "Say what a trace contains",
		Long: `info says where a trace was taken, how, and what is in it: events by kind,
domains, ioreq servers, processes, and what was lost. FILE may be "-".`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := openInput(args[0], stdin)
			if err != nil {
				return err
			}
			defer in.close()
			facts, readErr := gather(in)
			if err := printInfo(cmd.OutOrStdout(), facts, out); err != nil {
				return err
			}
			if err := in.damage(readErr, strict, cmd.ErrOrStderr()); err != nil {
				return err
			}
			return in.incomplete(facts.Lost, strict)
		},
	}
	cmd.Flags().Var(&out, "format", "how to print it")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit 4 if the trace is cut or lost events")
	return cmd
}

func gather(in *input) (info, error) {
	var sum analyze.Summarizer
	var readErr error
	for e, err := range in.Events() {
		if err != nil {
			readErr = err
			break
		}
		sum.Add(e)
	}
	return info{File: in.name, Bytes: in.Bytes(), Closed: in.Closed(), Header: in.Header(), Summary: sum.Summary()}, readErr
}

func printInfo(w io.Writer, i info, f outFormat) error {
	if f != formatText {
		return printJSON(w, i, f)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, layout string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(layout, args...))
	}
	line("trace", "%s, %d bytes, %s", i.File, i.Bytes, closedWord(i.Closed))
	line("xen", "%s on %s (%s)", orUnknown(i.XenVersion), orUnknown(i.CPU), orUnknown(i.Paging))
	line("dom0", "%s", orUnknown(i.Kernel))
	line("captured", "%s by %s, tier %s, data %s%s", wallTime(i.WallNS), orUnknown(i.Writer), orUnknown(i.Tier), orUnknown(i.Data), partialWord(i.Partial))
	line("duration", "%v", time.Duration(i.DurationNS))
	line("events", "%d, lost %d", i.Events, i.Lost)
	for _, k := range slices.Sorted(maps.Keys(i.LostBy)) {
		line("  lost", "%d %s", i.LostBy[k], k)
	}
	line("domains", "%s", strings.Trim(fmt.Sprint(i.Domains), "[]"))
	for _, s := range i.Servers {
		line("server", "dom %d server %s: %d ioreqs, %d answers, %d buffered", s.Dom, s.ID, s.Sync, s.Answers, s.Buffered)
	}
	for _, p := range i.Processes {
		line("process", "%d %s", p.PID, p.Comm)
	}
	for _, u := range i.Unlearned {
		line("unlearned", "%s", u)
	}
	for _, k := range slices.Sorted(maps.Keys(i.Kinds)) {
		line("  "+k, "%d", i.Kinds[k])
	}
	return t.Flush()
}

func wallTime(ns uint64) string {
	if ns == 0 {
		return "at an unknown time"
	}
	return time.Unix(0, int64(ns)).UTC().Format(time.RFC3339)
}

func closedWord(closed bool) string {
	if closed {
		return "closed"
	}
	return "not closed"
}

func partialWord(partial bool) string {
	if partial {
		return ", partial (domains were running before)"
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
