package main

import (
	"io"
	"iter"
	"runtime"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

type catFlags struct {
	format     outFormat
	strict     bool
	listFields bool
	selection
}

func catCommand(stdin io.Reader) *cobra.Command {
	flags := catFlags{format: formatText}
	cmd := &cobra.Command{
		Use:     "cat FILE",
		Aliases: []string{"dump"},
		Short:   "Print a trace's events, one a line",
		Long: `cat prints a trace in its text form, which every command reads as well: change
a line and replay the result, or turn it back with asm. --format jsonl prints
JSON Lines, which every command reads too; --format json prints an array of the
events alone. FILE may be "-".

What cat selects is to be looked at: replay refuses it, for it would take what is left
out for what did not happen. 'iotrace repack --from --to' makes parts that replay.

Without a selection cat prints all there is, key-frames included.
` + selectionHelp,
		Args: func(cmd *cobra.Command, args []string) error {
			if flags.listFields {
				return takes(0, 0)(cmd, args)
			}
			return takes(1, 1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.listFields {
				return printFields(cmd.OutOrStdout())
			}
			in, err := openInput(args[0], stdin)
			if err != nil {
				return err
			}
			defer in.close()
			h := in.Header()
			if !flags.prefix() {
				h.Provenance = append(slices.Clone(h.Provenance), stepOf(cmd, nil, h)) // the same for standard input
			}
			lost, readErr, err := printEvents(cmd.OutOrStdout(), in, h, &flags)
			if err != nil {
				return err
			}
			if err := flags.missed(in, readErr); err != nil {
				return err
			}
			if err := in.damage(readErr, flags.strict, cmd.ErrOrStderr()); err != nil {
				return err
			}
			return in.incomplete(lost, flags.strict)
		},
	}
	f := cmd.Flags()
	f.Var(formatValue(&flags.format), "format", "how to print it")
	f.BoolVar(&flags.strict, "strict", false, "exit 4 if the trace is cut or lost events")
	f.BoolVar(&flags.listFields, "list-fields", false, "print what --filter can ask about, and no trace")
	flags.selection.addFlags(cmd)
	return cmd
}

// printEvents writes the selected events of in behind a header. readErr is what ended reading
// early, err what ended writing.
func printEvents(w io.Writer, in *input, h format.Header, flags *catFlags) (lost losses, readErr, err error) {
	out, err := newSink(w, h, flags.format)
	if err != nil {
		return lost, nil, err
	}
	if f := in.seekable(); f != nil && flags.span.all() {
		in.at = f
		lost, readErr, err = flags.printFile(out, f)
	} else {
		lost, readErr, err = flags.printStream(out, in)
	}
	switch {
	case err != nil:
	case readErr == nil && (flags.ended || in.Closed()):
		err = out.Close()
	default:
		err = out.Flush()
	}
	return lost, readErr, err
}

// maxPrinters is how many processors make pages: more make them faster than anything
// takes them, and a page has more than a megabyte.
const maxPrinters = 8

// A page is what was made of a block.
type page struct {
	lines  []byte
	append appender
	events int
	lost   losses
}

// printFile has processors make pages, and writes them in their order.
func (f *catFlags) printFile(out sink, file *format.File) (lost losses, readErr, err error) {
	workers := min(runtime.GOMAXPROCS(0), maxPrinters)
	pages := format.Ordered(file, 0, workers, func(p *page, chunks iter.Seq[[]format.Event]) *page {
		if p == nil {
			p = &page{append: newAppender(f.format)}
		}
		p.lines, p.events, p.lost = p.lines[:0], 0, losses{}
		for events := range chunks {
			events = f.pick(events, &p.lost)
			p.lines = p.append(p.lines, events)
			p.events += len(events)
		}
		return p
	})
	for p, err := range pages {
		if err != nil {
			return lost, err, nil
		}
		lost.merge(p.lost)
		if err := out.WriteLines(p.lines, p.events); err != nil {
			return lost, nil, err
		}
	}
	return lost, nil, nil
}

// printStream prints what comes from front to back.
func (f *catFlags) printStream(out sink, in *input) (lost losses, readErr, err error) {
	for events, err := range f.batches(in) {
		if err != nil {
			return lost, err, nil
		}
		if err := out.WriteAll(f.pick(events, &lost)); err != nil {
			return lost, nil, err
		}
		if f.ended {
			break
		}
	}
	return lost, nil, nil
}

// batches returns the events of in from where the selection begins, many at once
// where all of them are wanted.
func (f *catFlags) batches(in *input) iter.Seq2[[]format.Event, error] {
	if f.all() {
		return in.Batches()
	}
	return func(yield func([]format.Event, error) bool) {
		var one [1]format.Event
		for e, err := range f.events(in) {
			one[0] = e
			if !yield(one[:], err) {
				return
			}
		}
	}
}

// pick returns those of the events that are wanted, in the same memory, and notes
// what they and those around them say was lost.
func (s *selection) pick(events []format.Event, lost *losses) []format.Event {
	if s.all() {
		for i := range events {
			lost.add(&events[i])
		}
		return events
	}
	wanted := events[:0]
	for i := range events {
		e := &events[i]
		within, take := s.takes(e)
		if s.ended {
			break
		}
		if within {
			lost.add(e)
		}
		if take && len(wanted) < i {
			wanted = append(wanted, *e)
		} else if take {
			wanted = events[:i+1]
		}
	}
	return wanted
}
