package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/rewrite"
	"github.com/spf13/cobra"
)

func mergeCommand() *cobra.Command {
	var flags outputFlags
	cmd := &cobra.Command{
		Use:   "merge FILE FILE... -o NEW",
		Short: "Make one trace of the parts of a capture",
		Long: `merge puts the files of one capture in a row, as record --ring or split made
them, in whatever order they are given. Where the numbers of events show that one
is missing in between, a lost event says how many. Traces of different captures
are refused, and parts that overlap, as those of several domains do.`,
		Args: takes(2, anyNumber),
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.output == "" {
				return usagef("give the new trace with -o")
			}
			return runMerge(cmd, args, flags)
		},
	}
	flags.addFlags(cmd.Flags(), "write the trace to `NEW`, \"-\" for standard output")
	return cmd
}

func runMerge(cmd *cobra.Command, args []string, flags outputFlags) error {
	parts, err := partsIn(args)
	if err != nil {
		return err
	}
	h, err := mergedHeader(cmd, args, parts)
	if err != nil {
		return err
	}
	out, err := flags.create(cmd.OutOrStdout(), args...)
	if err != nil {
		return err
	}
	defer out.discard()
	w, err := format.NewWriter(markedWriter{out}, h, format.WriterOptions{})
	if err != nil {
		return notWritten(flags.output, err)
	}
	var last uint64 // time
	for i, p := range parts {
		if i > 0 {
			if e, ok := rewrite.Missing(parts[i-1], p, last); ok {
				fmt.Fprintf(cmd.ErrOrStderr(), "iotrace: %d events between %s and %s are in none of the files\n", e.Lost().Count, parts[i-1].Name, p.Name)
				if err := w.Put(e); err != nil {
					return notWritten(flags.output, err)
				}
			}
		}
		if last, err = appendPart(w, p, flags.output); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		return notWritten(flags.output, err)
	}
	return nil
}

// partsIn reads the traces through and sorts them.
func partsIn(names []string) ([]rewrite.Part, error) {
	var parts []rewrite.Part
	for _, name := range names {
		in, err := openFile(name)
		if err != nil {
			return nil, err
		}
		p, err := rewrite.Look(name, in.Header(), in.Events())
		in.close()
		if err != nil {
			return nil, needWhole(name, err)
		}
		parts = append(parts, p)
	}
	if err := rewrite.Order(parts); err != nil {
		return nil, usagef("%w", err)
	}
	return parts, nil
}

// mergedHeader is the first part's, with a step for each of them, and with what else was
// done to any: a part that is a selection makes one of the whole.
func mergedHeader(cmd *cobra.Command, args []string, parts []rewrite.Part) (format.Header, error) {
	var h format.Header
	for i, p := range parts {
		d, err := derived(cmd, args, p.Name, p.Header)
		if err != nil {
			return h, err
		}
		if i == 0 {
			h = d
			continue
		}
		for _, s := range d.Provenance {
			if !slices.ContainsFunc(h.Provenance, func(has format.Step) bool { return reflect.DeepEqual(s, has) }) {
				h.Provenance = append(h.Provenance, s)
			}
		}
		h.Partial = h.Partial || d.Partial
	}
	h.Part = 0
	return h, nil
}

// appendPart writes the events of p, and returns the last one's time.
func appendPart(w *format.Writer, p rewrite.Part, output string) (last uint64, err error) {
	in, err := openFile(p.Name)
	if err != nil {
		return 0, err
	}
	defer in.close()
	for batch, err := range in.Batches() {
		if err == nil {
			_, err = w.PutAll(batch)
		}
		if err != nil {
			return last, copyError(p.Name, output, err)
		}
		last = batch[len(batch)-1].Time
	}
	return last, nil
}
