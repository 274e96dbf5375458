package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"github.com/spf13/cobra"
)

func repairCommand() *cobra.Command {
	var flags outputFlags
	cmd := &cobra.Command{
		Use:   "repair FILE -o NEW",
		Short: "Save what is whole of a cut or damaged trace",
		Long: `repair writes a new trace, closed and with an index, of every block of FILE that
is whole, byte for byte. Where events are missing in between, a lost event says
how many. At the end of a trace that was cut stands one too: if it counts 0, it is
not known how much is missing there. So --strict refuses what was repaired, and
'iotrace info' shows how it was made. FILE is not changed.`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.output == "" {
				return usagef("repair never changes a file in place: give the new one with -o")
			}
			return runRepair(cmd, args, flags)
		},
	}
	flags.addFlags(cmd.Flags(), "write the trace to `NEW`")
	return cmd
}

func runRepair(cmd *cobra.Command, args []string, flags outputFlags) error {
	if args[0] == "-" {
		return usagef("standard input can be read only once; give a file")
	}
	in, openErr := openDamaged(args[0], nil)
	if in == nil {
		return openErr
	}
	defer in.close()
	h, err := derived(cmd, args, args[0], in.Header())
	if err != nil {
		return err
	}
	out, err := flags.create(cmd.OutOrStdout(), args...)
	if err != nil {
		return err
	}
	defer out.discard()
	var found health
	if f, size := in.regular(); f != nil {
		err = found.repairFile(f, size, markedWriter{out}, h)
	} else {
		err = found.repairText(in, markedWriter{out}, h, openErr)
	}
	if err != nil {
		return copyError(args[0], flags.output, err)
	}
	if err := out.Close(); err != nil {
		return notWritten(flags.output, err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s; %d events and %d key-frames saved in %s, %d events are known to be missing%s\n",
		args[0], found.reason(), found.Events, found.KeyFrames, outputName(flags.output), found.Missing, found.doubt())
	return nil
}

// repairFile copies the blocks that are whole.
func (h *health) repairFile(f io.ReaderAt, size int64, out io.Writer, header format.Header) error {
	r, err := format.Repair(out, f, size, func(format.Header) format.Header { return header })
	h.take(&r.CheckReport)
	h.open = !r.Closed
	return err
}

// repairText copies the events of a trace that has no blocks, or cannot be read
// at any place.
func (h *health) repairText(in *input, out io.Writer, header format.Header, openErr error) error {
	w, err := format.NewWriter(out, header, format.WriterOptions{})
	if err != nil {
		return err
	}
	h.note(openErr)
	s := salvage{in: in, resumed: openErr != nil, damage: h.note, event: w.Put}
	if err := s.run(); err != nil {
		return err
	}
	h.Events, h.KeyFrames, h.Missing, h.open = s.events, s.keyFrames, s.missing, !in.Closed()
	if h.open {
		if err := w.Put(missingEnd(s.time, s.next)); err != nil {
			return err
		}
	}
	return w.Close()
}

// missingEnd returns the event that stands behind the last one of a trace whose
// end is not there.
func missingEnd(time, seq uint64) format.Event {
	e := format.Lost{
		Dom: xen.DomInvalid, Server: xen.NoServer, Probe: format.ProbeFile, Reason: format.ReasonDamaged, CPU: -1,
	}.Event(time)
	e.Seq = seq
	return e
}

func (h *health) reason() string {
	if h.Why == "" {
		return "was whole"
	}
	return h.Why
}

// doubt says what is missing besides what is known to be.
func (h *health) doubt() string {
	if h.open {
		return "; its end may be missing"
	}
	return ""
}

// A salvage reads a trace past all damage.
type salvage struct {
	in      *input
	event   func(format.Event) error
	damage  func(error)
	resumed bool // the next event is the first behind damage

	events, keyFrames uint64 // that the file holds
	missing           uint64 // events that it does not
	time, next        uint64 // of the last event, and the lowest number behind it
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
	case e.Kind == format.KindKeyFrame:
		s.keyFrames++
	}
	s.resumed = false
	if e.Kind < format.KindOpen {
		s.time, s.next = e.Time, e.Seq
	}
	if !e.Kind.InKeyFrame() {
		s.next++
	}
}
