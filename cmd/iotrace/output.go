package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"
)

// createOutput opens the file that a command writes a trace to; "-" is stdout,
// which must not be a terminal. An existing file is kept unless force is set.
func createOutput(name string, force bool, stdout io.Writer) (io.WriteCloser, error) {
	if name == "-" {
		return nopCloser{stdout}, refuseTerminal(stdout)
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, usagef("%s exists; give -f to replace it, or another name with -o", name)
	}
	if err != nil {
		return nil, usagef("output: %w", err)
	}
	return f, nil
}

func refuseTerminal(stdout io.Writer) error {
	if isTerminal(stdout) {
		return usagef("refusing to write a binary trace to a terminal; give -o FILE or pipe it")
	}
	return nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// outFormat is the value of --format.
type outFormat string

const (
	formatText  outFormat = "text"
	formatJSON  outFormat = "json"
	formatJSONL outFormat = "jsonl"
)

func (f *outFormat) String() string { return string(*f) }
func (f *outFormat) Type() string   { return "text|json|jsonl" }

func (f *outFormat) Set(s string) error {
	switch outFormat(s) {
	case formatText, formatJSON, formatJSONL:
		*f = outFormat(s)
		return nil
	}
	return fmt.Errorf("want text, json or jsonl, got %q", s)
}
