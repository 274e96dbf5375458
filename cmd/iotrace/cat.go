package main

import (
	"bufio"
	"io"
	"iter"

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
			lost, readErr, err := printEvents(cmd.OutOrStdout(), in, &flags)
			if err != nil {
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

// A sink takes a trace's events in one of the forms that cat prints. Close ends
// the trace, Flush leaves it open.
type sink interface {
	WriteAll([]format.Event) error
	Flush() error
	Close() error
}

func newSink(w io.Writer, h format.Header, f outFormat) (sink, error) {
	switch f {
	case formatText:
		return format.NewTextWriter(w, h)
	case formatJSONL:
		return format.NewJSONWriter(w, h)
	}
	return &arraySink{buf: bufio.NewWriterSize(w, 1<<16), before: "[\n"}, nil
}

// An arraySink writes an array with an object a line. Write errors stick to the
// buffer and come out of Flush.
type arraySink struct {
	buf    *bufio.Writer
	before string // what separates the next event from what is before it
	line   []byte
}

func (a *arraySink) WriteAll(events []format.Event) error {
	for _, e := range events {
		a.line = format.AppendJSON(append(a.line[:0], a.before...), e)
		a.before = ",\n"
		if _, err := a.buf.Write(a.line); err != nil {
			return err
		}
	}
	return nil
}

// Flush closes the array too: half an array is no JSON.
func (a *arraySink) Flush() error {
	if a.before != ",\n" {
		a.buf.WriteString("[")
	}
	a.buf.WriteString("\n]\n")
	return a.buf.Flush()
}

func (a *arraySink) Close() error { return a.Flush() }

// printEvents writes the selected events of in. readErr is what ended reading
// early, err what ended writing.
func printEvents(w io.Writer, in *input, flags *catFlags) (lost losses, readErr, err error) {
	out, err := newSink(w, in.Header(), flags.format)
	if err != nil {
		return lost, nil, err
	}
	for events, err := range flags.batches(in) {
		if err != nil {
			readErr = err
			break
		}
		if err := out.WriteAll(flags.pick(events, &lost)); err != nil {
			return lost, nil, err
		}
		if flags.ended {
			break
		}
	}
	if readErr == nil && (flags.ended || in.Closed()) {
		return lost, nil, out.Close()
	}
	return lost, readErr, out.Flush()
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
