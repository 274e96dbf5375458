package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

type asmFlags struct {
	outputFlags
	strict bool
}

func asmCommand(stdin io.Reader) *cobra.Command {
	flags := asmFlags{outputFlags: outputFlags{output: "-"}}
	cmd := &cobra.Command{
		Use:   "asm FILE",
		Short: "Turn a trace's text or JSON Lines back into a binary trace",
		Long: `asm is cat the other way round: it reads what cat prints, or cat --format jsonl,
and writes a binary trace with the same header and the same events. FILE may be
"-". An error names the line and the column, and leaves no output behind.

A text without its end line was cut. What is whole is written then, and the
trace is not marked as closed, for its end is missing as much as the text's.`,
		Args: takes(1, 1),
		RunE: onInput(stdin, func(cmd *cobra.Command, in *input) error {
			if in.Form() == format.FormBinary {
				return usagef("%s is a binary trace already", in.name)
			}
			return runAsm(cmd, in, flags)
		}),
	}
	f := cmd.Flags()
	flags.addFlags(f, "write the binary trace to `FILE`; \"-\" is standard output")
	f.BoolVar(&flags.strict, "strict", false, "exit 4 if the text is cut")
	return cmd
}

func runAsm(cmd *cobra.Command, in *input, flags asmFlags) error {
	out, err := flags.create(cmd.OutOrStdout(), in.name)
	if err != nil {
		return err
	}
	defer out.discard()
	readErr, err := assemble(out, in)
	if err != nil {
		return err
	}
	if readErr != nil && !errors.Is(readErr, format.ErrTruncated) {
		return in.damage(readErr, flags.strict, cmd.ErrOrStderr())
	}
	// What is whole of a cut text is a trace, cut likewise.
	return errors.Join(out.Close(), in.damage(readErr, flags.strict, cmd.ErrOrStderr()))
}

// assemble writes the events of in. readErr is what ended reading early, err
// what ended writing.
func assemble(out io.Writer, in *input) (readErr, err error) {
	w, err := format.NewWriter(out, in.Header(), format.WriterOptions{})
	if err != nil {
		return nil, err
	}
	for e, err := range in.Events() {
		if err != nil {
			return err, w.Flush()
		}
		if err := w.Put(e); err != nil {
			return nil, in.atLine(err)
		}
	}
	return nil, w.Close()
}

// atLine blames the line at hand for what a writer refused, unless it was the
// output that failed.
func (in *input) atLine(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return err
	}
	return unreadable(in.name, fmt.Errorf("line %d: %w", in.Line(), err))
}
