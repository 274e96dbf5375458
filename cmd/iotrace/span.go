package main

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

// A span is the stretch of a trace between --from and --to. It begins with the
// first event that is not before from, and ends in front of the first that is
// not before to: times may go back a little, the order does not.
type span struct {
	from, to bound

	origin  uint64 // time of the trace's first event
	started bool
	begun   bool     // from was reached
	ended   bool     // to was
	early   bool     // to is before the trace's first event
	frame   position // of the key-frame at hand
	inFrame bool
}

// position says where an event stands.
type position uint8

const (
	ahead  position = iota // in front of the span
	inside                 // in it
	behind                 // behind it
)

// spanHelp is for the long help of commands that take a span.
const spanHelp = `Of the events it takes those not before --from and before --to, so that parts
that meet in one place make the whole. A place is a time as cat prints it (12.5),
a time since the first event (+5s, +1m30s, +200us) or an event (seq:1000); a --from
behind the end is wrong usage, and so is a --to before the first event. Of a binary
file only the segments that are needed are read.`

func (s *span) addFlags(cmd *cobra.Command) {
	cmd.Flags().Var(&s.from, "from", "leave out what is before this place: seconds, +5s or seq:N")
	cmd.Flags().Var(&s.to, "to", "leave out this place and what is behind it")
	cmd.PreRunE = func(*cobra.Command, []string) error { return s.check() }
}

// check refuses an end that is before the beginning, as far as that shows without the
// trace.
func (s *span) check() error {
	if s.from.kind != noBound && s.from.kind == s.to.kind && s.to.n < s.from.n {
		return usagef("--to %s is before --from %s", s.to.text, s.from.text)
	}
	return nil
}

// all says whether nothing is left out.
func (s *span) all() bool { return s.from.kind == noBound && s.to.kind == noBound }

// step says where e, the next event of the trace, stands. A key-frame stands
// where its first event says.
func (s *span) step(e *format.Event) position {
	if !s.started && e.Kind < format.KindOpen {
		s.origin, s.started = e.Time, true
		s.early = s.to.before(e)
	}
	if s.inFrame && e.Kind.InKeyFrame() && e.Kind != format.KindKeyFrame {
		return s.frame
	}
	begun := s.begun || !s.from.after(e, s.origin)
	ended := s.ended || s.to.kind != noBound && !s.to.after(e, s.origin)
	at := ahead
	switch {
	case ended:
		at = behind
	case begun:
		at = inside
	}
	if s.inFrame = e.Kind.InKeyFrame(); s.inFrame {
		s.frame = at
	} else {
		s.begun, s.ended = begun, ended
	}
	return at
}

// events returns the events of in up to the end of the span. They begin with the
// key-frame at or before the span's first event where in can seek, else with
// the trace.
func (s *span) events(in *input) iter.Seq2[format.Event, error] {
	if s.from.kind != noBound {
		if f := in.seekable(); f != nil {
			first := firstEvent(f)
			s.origin, s.started, s.early = first.Time, true, s.to.before(&first)
			s.from.resolve(f, first.Time)
			s.to.resolve(f, first.Time)
			in.at = f
			return f.From(s.from.n)
		}
	}
	return in.Events()
}

// firstEvent returns the first event that is no copy of an earlier one; the zero one if
// there is none.
func firstEvent(f *format.File) format.Event {
	for e, err := range f.Events(1) {
		if err != nil || e.Kind < format.KindOpen {
			return e
		}
	}
	return format.Event{}
}

// until passes on events up to the end of the span.
func (s *span) until(events iter.Seq2[format.Event, error]) iter.Seq2[format.Event, error] {
	if s.all() {
		return events
	}
	return func(yield func(format.Event, error) bool) {
		for e, err := range events {
			if err == nil && s.step(&e) == behind {
				if s.ended {
					return
				}
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// through passes on all events, those behind the span as well, when the span knows of
// each where it stands.
func (s *span) through(events iter.Seq2[format.Event, error]) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		for e, err := range events {
			if err == nil {
				s.step(&e)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// missed is the error about a span that no event can be in, as in shows now that it was
// read up to err: nil if one was, or if that cannot be told.
func (s *span) missed(in *input, err error) error {
	switch {
	case s.early:
		return usagef("%s: --to %s is before the first event", in.name, s.to.text)
	case s.from.kind == noBound, s.begun, err != nil && !errors.Is(err, format.ErrTruncated):
		return nil
	case s.ended:
		return usagef("%s: --to %s is before --from %s", in.name, s.to.text, s.from.text)
	}
	return usagef("%s: --from %s is behind the end", in.name, s.from.text)
}

// A bound is a place in a trace.
type bound struct {
	kind boundKind
	n    uint64 // nanoseconds, or a sequence number
	text string
}

type boundKind uint8

const (
	noBound boundKind = iota
	atTime
	sinceStart
	atSeq
)

func (b *bound) String() string { return b.text }
func (b *bound) Type() string   { return "PLACE" }

// Set reads seconds, +duration or seq:N.
func (b *bound) Set(s string) error {
	want := fmt.Errorf("want seconds as cat prints them (12.5), a time since the first event (+5s) or an event (seq:1000), got %q", s)
	if n, ok := strings.CutPrefix(s, "seq:"); ok {
		v, err := strconv.ParseUint(n, 10, 64)
		if err != nil {
			return want
		}
		*b = bound{atSeq, v, s}
		return nil
	}
	if since, ok := strings.CutPrefix(s, "+"); ok {
		d, err := time.ParseDuration(since)
		if err != nil || d < 0 {
			return want
		}
		*b = bound{sinceStart, uint64(d), s}
		return nil
	}
	ns, ok := format.ParseSeconds(s)
	if !ok {
		return want
	}
	*b = bound{atTime, ns, s}
	return nil
}

// resolve makes the place an event's number, which f's index knows.
func (b *bound) resolve(f *format.File, origin uint64) {
	switch b.kind {
	case atTime:
		b.n = f.SeekTime(b.n)
	case sinceStart:
		b.n = f.SeekTime(origin + b.n)
	default:
		return
	}
	b.kind = atSeq
}

// after says whether the place is behind e.
func (b *bound) after(e *format.Event, origin uint64) bool {
	switch b.kind {
	case atTime:
		return e.Time < b.n
	case sinceStart:
		return e.Time < origin || e.Time-origin < b.n
	case atSeq:
		return e.Seq < b.n
	}
	return false
}

// before says whether the place is in front of e, the first event of a trace.
func (b *bound) before(e *format.Event) bool {
	return b.kind == atTime && b.n < e.Time || b.kind == atSeq && b.n < e.Seq
}

// noneThere goes behind the words that an event is not in the trace.
func (b *bound) noneThere() string {
	switch b.kind {
	case atTime:
		return " at " + b.text + " s or later; seq:N is the event with that number"
	case sinceStart:
		return " at " + b.text + " or later"
	}
	return ""
}
