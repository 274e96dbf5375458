package main

import (
	"bufio"
	"io"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

func catCommand(stdin io.Reader) *cobra.Command {
	out, strict := formatText, false
	cmd := &cobra.Command{
		Use:     "cat FILE",
		Aliases: []string{"dump"},
		Short:   "Print a trace's events, one a line",
		Long: `cat prints a trace in its text form, which every command reads as well: change
a line and replay the result. --format jsonl prints one JSON object an event,
--format json an array of them. FILE may be "-".`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := openInput(args[0], stdin)
			if err != nil {
				return err
			}
			defer in.close()
			lost, readErr, err := printEvents(cmd.OutOrStdout(), in, out)
			if err != nil {
				return err
			}
			if err := in.damage(readErr, strict, cmd.ErrOrStderr()); err != nil {
				return err
			}
			return in.incomplete(lost, strict)
		},
	}
	cmd.Flags().Var(&out, "format", "how to print it")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit 4 if the trace is cut or lost events")
	return cmd
}

// A sink takes a trace's events in one of the forms that cat prints.
type sink struct {
	write func(format.Event) error
	close func(whole bool) error
}

func newSink(w io.Writer, h format.Header, f outFormat) (sink, error) {
	if f == formatText {
		return textSink(w, h)
	}
	return jsonSink(w, f == formatJSON), nil
}

func textSink(w io.Writer, h format.Header) (sink, error) {
	t, err := format.NewTextWriter(w, h)
	if err != nil {
		return sink{}, err
	}
	return sink{write: t.Write, close: func(whole bool) error {
		if whole {
			return t.Close()
		}
		return t.Flush()
	}}, nil
}

// jsonSink writes one object a line; as an array with commas and brackets
// around the lines. Write errors stick to the buffer and come out of Flush.
func jsonSink(w io.Writer, array bool) sink {
	buf := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	first := true
	write := func(e format.Event) error {
		line = line[:0]
		if array && first {
			line = append(line, "[\n"...)
		} else if array {
			line = append(line, ",\n"...)
		}
		first = false
		line = format.AppendJSON(line, e)
		if !array {
			line = append(line, '\n')
		}
		_, err := buf.Write(line)
		return err
	}
	return sink{write: write, close: func(bool) error {
		if array && first {
			buf.WriteString("[")
		}
		if array {
			buf.WriteString("\n]\n")
		}
		return buf.Flush()
	}}
}

// printEvents writes all events of in. readErr is what ended reading early, err
// what ended writing.
func printEvents(w io.Writer, in *input, f outFormat) (lost uint64, readErr, err error) {
	out, err := newSink(w, in.Header(), f)
	if err != nil {
		return 0, nil, err
	}
	for e, err := range in.Events() {
		if err != nil {
			readErr = err
			break
		}
		if e.Kind == format.KindLost {
			lost += e.Lost().Count
		}
		if err := out.write(e); err != nil {
			return lost, readErr, err
		}
	}
	return lost, readErr, out.close(readErr == nil && in.Closed())
}
