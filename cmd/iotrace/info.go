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
	KeyFrames uint64 `json:"key_frames"` // each begins a segment
	Marks     uint64 `json:"marks"`      // events of marks; a long mark has several
	Scanned   string `json:"scanned"`    // why all events had to be read; empty if the index was enough
}

func infoCommand(stdin io.Reader) *cobra.Command {
	out, strict := formatText, false
	cmd := &cobra.Command{
		Use:   "info FILE",
		Short: "Say what a trace contains",
		Long: `info says where a trace was taken, how, and what is in it: events by kind,
domains, ioreq servers, processes, and what was lost. Of a binary file it reads
the header and the index; if that is not enough, it reads all and says so.
FILE may be "-".`,
		Args: takes(1, 1),
		RunE: onInput(stdin, func(cmd *cobra.Command, in *input) error {
			facts, readErr := gather(in)
			if err := printInfo(cmd.OutOrStdout(), facts, out); err != nil {
				return err
			}
			if err := in.damage(readErr, strict, cmd.ErrOrStderr()); err != nil {
				return err
			}
			return in.incomplete(losses{facts.Lost, len(facts.LostBy) > 0}, strict)
		}),
	}
	cmd.Flags().Var(formatValue(&out), "format", "how to print it")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit 4 if the trace is cut or lost events")
	return cmd
}

// gather takes the facts from the index, or else from all events.
func gather(in *input) (info, error) {
	i := info{File: in.name, Header: in.Header()}
	i.Provenance, i.Attached = orEmpty(i.Provenance), orEmpty(i.Attached)
	var err error
	totals, why := totalsOf(in)
	if totals == nil {
		totals, err = tallied(in)
	}
	i.Summary, i.KeyFrames, i.Scanned = analyze.Summarize(*totals), totals.KeyFrames, why
	i.Bytes, i.Closed, i.Marks = in.Bytes(), in.Closed(), i.Kinds[format.KindMark.String()]
	return i, err
}

// orEmpty makes of no list an empty one, which JSON does not show as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// totalsOf returns what the index says of the whole trace, or why it cannot.
func totalsOf(in *input) (totals *format.Totals, why string) {
	if in.Form() != format.FormBinary {
		return nil, "text has no index"
	}
	f := in.seekable()
	if f == nil {
		return nil, "no file to seek in"
	}
	in.at = f
	if x := f.Index(); !f.Scanned() && x.Totals != nil {
		return x.Totals, ""
	}
	return nil, "no good index"
}

// tallied adds up all events, up to the error that ends them.
func tallied(in *input) (*format.Totals, error) {
	var tally format.Tally
	var readErr error
	for e, err := range in.all() {
		if err != nil {
			readErr = err
			break
		}
		tally.Add(&e)
	}
	totals := tally.Totals()
	return &totals, readErr
}

func printInfo(w io.Writer, i info, f outFormat) error {
	if f != formatText {
		return printJSON(w, i, f)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, layout string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, printable(fmt.Sprintf(layout, args...)))
	}
	i.taken(line)
	i.holds(line)
	return t.Flush()
}

// A liner prints a line of what info says.
type liner func(name, layout string, args ...any)

// taken says what the trace is, and where and how it was taken.
func (i *info) taken(line liner) {
	line("trace", "%s, %d bytes, %s%s", i.File, i.Bytes, closedWord(i.Closed), scannedWord(i.Scanned))
	i.origin(line)
	line("xen", "%s on %s (%s)", orUnknown(i.XenVersion), orUnknown(i.CPU), orUnknown(i.Paging))
	line("dom0", "%s%s", orUnknown(i.Kernel), behindComma(i.Dom0))
	line("captured", "%s by %s, tier %s, data %s%s", wallTime(i.WallNS), orUnknown(i.Writer), orUnknown(i.Tier), orUnknown(i.Data), partialWord(i.Partial))
	if i.Chosen != nil {
		line("chosen", "%v", i.Chosen)
	}
	for _, driver := range i.Unhooked {
		line("without driver", "%s", driver)
	}
	if i.TierWhy != "" {
		line("tier", "%s: %s", i.Tier, i.TierWhy)
	}
}

// holds says what is in it.
func (i *info) holds(line liner) {
	line("duration", "%v from %s s on", lengthOf(i.DurationNS), format.FormatSeconds(i.FirstNS))
	line("events", "%d, lost %d", i.Events, i.Lost)
	if i.Cut {
		line("lists", "the first 1024 of each; some have more")
	}
	if i.KeyFrames > 0 {
		line("segments", "%d key-frames", i.KeyFrames)
	}
	if i.Marks > 0 {
		line("marks", "%d events", i.Marks)
	}
	for _, k := range slices.Sorted(maps.Keys(i.LostBy)) {
		line("  lost", "%d %s", i.LostBy[k], k)
	}
	line("domains", "%s", strings.Trim(fmt.Sprint(i.Domains), "[]"))
	for _, s := range i.Servers {
		line("server", "dom %d server %s: %d ioreqs, %d answers, %d buffered", s.Dom, s.Server, s.Sync, s.Answers, s.Buffered)
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
}

// origin says what the trace is a part of, and what it was made from.
func (i *info) origin(line liner) {
	if i.CaptureUUID != "" {
		part := ""
		if i.Part > 0 {
			part = fmt.Sprintf(", part %d", i.Part)
		}
		line("capture", "%s%s", i.CaptureUUID, part)
	}
	for _, s := range i.Provenance {
		line("made by", "%s %s of %s, %s", s.Op, strings.Join(s.Args, " "), orUnknown(s.InputUUID), wallTime(s.WallNS))
	}
	if i.TimeResolutionNS > 1 {
		line("times", "multiples of %v", lengthOf(i.TimeResolutionNS))
	}
}

func scannedWord(why string) string {
	if why == "" {
		return ""
	}
	return " (scanned: " + why + ")"
}

func behindComma(s string) string {
	if s == "" {
		return ""
	}
	return ", " + s
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
