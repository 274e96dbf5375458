package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/iotrace-xen/iotrace/format"
)

// An input is a trace being read from a file or standard input, in binary or
// text form.
type input struct {
	*format.Trace
	name string
	file io.Closer
}

// openInput opens the trace called name; "-" is stdin.
func openInput(name string, stdin io.Reader) (*input, error) {
	in := &input{name: name, file: io.NopCloser(nil)}
	r := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, unreadable(name, err)
		}
		r, in.file = f, f
	} else {
		in.name = "standard input"
	}
	t, err := format.Open(r)
	if err != nil {
		in.file.Close()
		return nil, unreadable(in.name, err)
	}
	in.Trace = t
	return in, nil
}

func (in *input) close() { in.file.Close() }

// damage sorts the error that ended reading: a cut trace is incomplete, which
// only strict makes an error; anything else is unreadable. Either is said on
// stderr, since what was whole has been used.
func (in *input) damage(err error, strict bool, stderr io.Writer) error {
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, format.ErrTruncated):
		return unreadable(in.name, err)
	case strict:
		return exit(exitIncomplete, fmt.Errorf("%s: %w", in.name, err))
	}
	fmt.Fprintf(stderr, "iotrace: %s: %v; used what is whole (--strict makes this an error)\n", in.name, err)
	return nil
}

// incomplete is the error for a trace that lost events, if strict asks for one.
func (in *input) incomplete(lost uint64, strict bool) error {
	if !strict || lost == 0 {
		return nil
	}
	return exit(exitIncomplete, fmt.Errorf("%s: %d events were lost during the capture", in.name, lost))
}
