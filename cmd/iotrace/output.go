package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/store"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// An output is what a command writes a trace to: standard output, or a file that
// has an incomplete name until Close.
type output struct {
	io.Writer
	file *store.File
}

// outputFlags say where a command writes a trace.
type outputFlags struct {
	output string
	force  bool
}

// addFlags makes flags of them; what output has is the default.
func (o *outputFlags) addFlags(f *pflag.FlagSet, usage string) {
	f.StringVarP(&o.output, "output", "o", o.output, usage)
	f.BoolVarP(&o.force, "force", "f", false, "replace an existing file")
}

// create opens the file that a command writes a trace to; "-" is stdout, which must
// not be a terminal. An existing file is kept unless force is set, and then replaced
// by Close; one of the inputs never is.
func (o *outputFlags) create(stdout io.Writer, inputs ...string) (*output, error) {
	name := o.output
	if name == "-" {
		return &output{Writer: stdout}, refuseTerminal(stdout)
	}
	if slices.ContainsFunc(inputs, func(in string) bool { return sameFile(in, name) }) {
		return nil, usagef("%s would be written over itself; give another name with -o", name)
	}
	opts := store.FileOptions{Replace: o.force}
	if slices.ContainsFunc(inputs, func(in string) bool { return sameFile(in, name+store.Suffix) }) {
		opts.Suffix = ".repaired" // what a capture left gets its name; it has the usual one itself
	}
	f, err := store.Create(name, opts)
	if err != nil {
		return nil, outputError(err)
	}
	return &output{f, f}, nil
}

// outputName is what messages call an output.
func outputName(name string) string {
	if name == "-" {
		return "standard output"
	}
	return name
}

// sameFile says whether two names are of one file.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// Close gives a whole file its name.
func (o *output) Close() error {
	f := o.file
	if f == nil {
		return nil
	}
	o.file = nil
	return f.Finish()
}

// discard removes the file unless Close has been called: what a command could
// not write whole, it can write again.
func (o *output) discard() {
	if o.file != nil {
		o.file.Discard()
		o.file = nil
	}
}

// outputError says what to do about a name that cannot be written to.
func outputError(err error) error {
	switch {
	case errors.Is(err, store.ErrBusy):
		return usagef("%w; give another name with -o", err)
	case errors.Is(err, store.ErrExists) && strings.Contains(err.Error(), store.Suffix):
		return usagef("%w, left by a capture that did not end cleanly; keep it with 'iotrace repair', give -f to replace it, or another name with -o", err)
	case errors.Is(err, store.ErrExists):
		return usagef("%w; give -f to replace it, or another name with -o", err)
	case errors.Is(err, store.ErrFolder):
		return usagef("%w; name a file in it with -o", err)
	case errors.Is(err, store.ErrSpecial):
		return usagef("%w; write to standard output with -o -", err)
	case errors.Is(err, store.ErrFull):
		return exit(exitIncomplete, err)
	}
	return usagef("output: %w", err)
}

func refuseTerminal(stdout io.Writer) error {
	if isTerminal(stdout) {
		return usagef("refusing to write a binary trace to a terminal; give -o FILE or pipe it")
	}
	return nil
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// outFormat is what --format says.
type outFormat string

const (
	formatText  outFormat = "text"
	formatJSON  outFormat = "json"
	formatJSONL outFormat = "jsonl"
)

// formatValue returns the value of --format.
func formatValue(at *outFormat) pflag.Value { return oneOf(at, formatText, formatJSON, formatJSONL) }
