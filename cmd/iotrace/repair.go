package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

func repairCommand() *cobra.Command {
	output, force := "", false
	cmd := &cobra.Command{
		Use:   "repair FILE -o NEW",
		Short: "Save what is whole of a cut or damaged trace",
		Long: `repair writes a new trace, closed and with an index, of every block of FILE that
is whole. Where events are missing in between, a lost event says how many. FILE
is not changed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" {
				return usagef("repair never changes a file in place: give the new one with -o")
			}
			return runRepair(cmd, args, output, force)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "trace to write")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "replace an existing file")
	return cmd
}

// runRepair is the command. AT MERGE: format.Repair copies the whole blocks as
// they are.
func runRepair(cmd *cobra.Command, args []string, output string, force bool) error {
	if args[0] == "-" {
		return usagef("standard input can be read only once; give a file")
	}
	in, openErr := openDamaged(args[0], nil)
	if in == nil {
		return openErr
	}
	defer in.close()
	var found health
	found.note(openErr)
	h, err := derived(cmd, args, args[0], in.Header())
	if err != nil {
		return err
	}
	out, err := createOutput(output, force, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	defer out.discard()
	w, err := format.NewWriter(markedWriter{out}, h, format.WriterOptions{})
	if err != nil {
		return notWritten(output, err)
	}
	s := salvage{in: in, resumed: openErr != nil, damage: found.note, event: w.Put}
	if err := s.run(); err != nil {
		return copyError(args[0], output, err)
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		return notWritten(output, err)
	}
	why := "was whole"
	if found.Why != "" {
		why = found.Why
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s; %d events and %d key-frames saved in %s, %d events are known to be missing\n",
		args[0], why, s.events, s.keyFrames, output, s.missing)
	return nil
}

// openDamaged opens a trace whose header may be damaged: then there is an input
// besides the error.
func openDamaged(name string, stdin io.Reader) (*input, error) {
	in := &input{name: name, file: io.NopCloser(nil)}
	r := stdin
	if name == "-" {
		in.name = "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, unreadable(name, err)
		}
		r, in.file = f, f
	}
	t, err := format.Open(r)
	if t == nil {
		in.file.Close()
		return nil, unreadable(in.name, err)
	}
	in.Trace = t
	if err == nil {
		return in, nil
	}
	if t.Resume() != nil { // not a block in all of it
		in.file.Close()
		return nil, unreadable(in.name, err)
	}
	return in, err
}

// A salvage reads a trace past all damage.
type salvage struct {
	in      *input
	event   func(format.Event) error
	damage  func(error)
	resumed bool // the next event is the first behind damage

	events, keyFrames uint64 // that the file holds
	missing           uint64 // events that it does not
}

// run ends with an error of event, or of reading the file; damage is none.
func (s *salvage) run() error {
	for {
		err := s.stretch()
		var corrupt *format.CorruptError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &corrupt) && !isTextError(err):
			return err
		}
		s.damage(err)
		if s.in.Resume() != nil {
			return nil
		}
		s.resumed = true
	}
}

func isTextError(err error) bool {
	var t *format.TextError
	return errors.As(err, &t)
}

// stretch reads up to the next damage.
func (s *salvage) stretch() error {
	for e, err := range s.in.Events() {
		if err != nil {
			return err
		}
		s.count(e)
		if err := s.event(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *salvage) count(e format.Event) {
	switch {
	case s.resumed && e.Kind == format.KindLost && e.Lost().Probe == format.ProbeFile:
		s.missing += e.Lost().Count // not in the file: it stands for what is not
	case !e.Kind.InKeyFrame():
		s.events++
	case e.Kind == format.KindState:
		s.keyFrames++
	}
	s.resumed = false
}
