package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

// An input is a trace being read from a file or standard input, in binary or
// text form.
type input struct {
	*format.Trace
	name string
	file io.Closer
	at   *format.File // what is read instead, if not from front to back
}

// seekable returns the trace for reading at any place; nil if it is no regular
// file in binary form.
func (in *input) seekable() *format.File {
	f, size := in.regular()
	if f == nil {
		return nil
	}
	t, err := format.NewFile(f, size)
	if err != nil {
		return nil // reading from front to back says what is wrong
	}
	return t
}

// regular returns the file and its size if the trace is a regular file in binary
// form, else nil.
func (in *input) regular() (*os.File, int64) {
	f, ok := in.file.(*os.File)
	if !ok || in.Form() != format.FormBinary {
		return nil, 0
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return nil, 0
	}
	return f, st.Size()
}

// all returns all events: of a file that can be read at any place, past a bad
// index.
func (in *input) all() iter.Seq2[format.Event, error] {
	if in.at != nil {
		return in.at.Events(runtime.GOMAXPROCS(0))
	}
	return in.Events()
}

// Closed says whether the trace was closed cleanly, as far as it was read.
func (in *input) Closed() bool {
	if in.at != nil {
		return in.at.Closed()
	}
	return in.Trace.Closed()
}

// Bytes returns how much was read, or the size of a file that can be read at any
// place.
func (in *input) Bytes() int64 {
	if in.at != nil {
		return in.at.Bytes()
	}
	return in.Trace.Bytes()
}

// openInput opens the trace called name; "-" is stdin.
func openInput(name string, stdin io.Reader) (*input, error) {
	in, r, err := findInput(name, stdin)
	if err != nil {
		return nil, err
	}
	if in.Trace, err = format.Open(r); err != nil {
		return nil, in.refuse(err)
	}
	return in, nil
}

// openDamaged opens a trace whose header may be damaged: then there is an input
// besides the error.
func openDamaged(name string, stdin io.Reader) (*input, error) {
	in, r, err := findInput(name, stdin)
	if err != nil {
		return nil, err
	}
	in.Trace, err = format.Open(r)
	if err != nil && (in.Trace == nil || in.Resume() != nil) { // not a block in all of it
		return nil, in.refuse(err)
	}
	return in, err
}

// findInput returns the input called name, and what its trace is to be read from.
func findInput(name string, stdin io.Reader) (*input, io.Reader, error) {
	if name == "-" {
		return &input{name: "standard input", file: io.NopCloser(nil)}, stdin, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	return &input{name: name, file: f}, f, nil
}

// refuse closes an input that err says is no trace. If it is something else that is
// known here, the error says how a trace is had from it.
func (in *input) refuse(err error) error {
	defer in.close()
	f, isFile := in.file.(io.ReaderAt)
	if !isFile || !errors.Is(err, format.ErrNotTrace) {
		return unreadable(in.name, err)
	}
	if known := foreignFile(f, in.name); known != "" {
		err = fmt.Errorf("%w but %s", err, known)
	}
	return unreadable(in.name, err)
}

func (in *input) close() { in.file.Close() }

// onInput does something with the trace that a command's operand names.
func onInput(stdin io.Reader, do func(*cobra.Command, *input) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		in, err := openInput(args[0], stdin)
		if err != nil {
			return err
		}
		defer in.close()
		return do(cmd, in)
	}
}

// damage sorts the error that ended reading: a cut trace is incomplete, which
// only strict makes an error; anything else is unreadable. Either is said on
// stderr, since what was whole has been used.
func (in *input) damage(err error, strict bool, stderr io.Writer) error {
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, format.ErrTruncated):
		return in.unreadable(err)
	case strict:
		return exit(exitIncomplete, fmt.Errorf("%s: %w", in.name, err))
	}
	fmt.Fprintf(stderr, "iotrace: %s: %v; used what is whole (--strict makes this an error)\n", in.name, err)
	return nil
}

// unreadable is the error that ended reading. Of a damaged file there is more to have
// than what was read; a text is mended by hand.
func (in *input) unreadable(err error) error {
	var corrupt *format.CorruptError
	if _, isFile := in.file.(*os.File); isFile && errors.As(err, &corrupt) {
		err = repairable(in.name, err)
	}
	return unreadable(in.name, err)
}

// incomplete is the error for a trace that lost events, if strict asks for one.
func (in *input) incomplete(l losses, strict bool) error {
	switch {
	case !strict || l == losses{}:
		return nil
	case l.count == 0:
		return exit(exitIncomplete, fmt.Errorf("%s: events may be missing at its end", in.name))
	}
	return exit(exitIncomplete, fmt.Errorf("%s: %d events were lost during the capture", in.name, l.count))
}

// losses is what a trace says is missing.
type losses struct {
	count   uint64
	unknown bool // and how much more, nobody knows: the trace was repaired
}

// add takes note of an event, in case it is about a loss.
func (l *losses) add(e *format.Event) {
	if e.Kind == format.KindLost {
		n := e.Lost().Count
		l.count += n
		l.unknown = l.unknown || n == 0
	}
}

// merge adds what another part of the trace says.
func (l *losses) merge(other losses) {
	l.count += other.count
	l.unknown = l.unknown || other.unknown
}
