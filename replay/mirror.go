package replay

import (
	"iter"

	"github.com/iotrace-xen/iotrace/format"
)

// A Mirror follows a trace while it is written and makes its key-frames: a
// replay that gives no verdicts. Its state at a key-frame is the one that every
// later replay of the trace has there:
//
//	for each event e, numbered as in the file:
//		if m.Due(e) { write all of m.KeyFrame(e.Time) }
//		m.Step(e); write e
//
// It keeps what is open (see the package
// documentation) and a bounded past of each domain that was busy since the last
// key-frame, whatever the length of the trace. A Mirror is not safe for
// concurrent use.
type Mirror struct {
	s     *session
	pacer Pacer
}

// NewMirror returns a mirror of a trace with header h, before its first event.
// A header that implies no profile is an error: such a trace has no key-frames.
func NewMirror(h format.Header) (*Mirror, error) {
	p, source, err := choose(h, Options{})
	if err != nil {
		return nil, err
	}
	m := &Mirror{s: newSession(p, Options{})}
	m.s.quiet, m.s.report.ProfileSource = true, source
	return m, nil
}

// Step follows one event, which carries the sequence number that it has in the
// file. Events of key-frames that the trace has already count too.
func (m *Mirror) Step(e format.Event) {
	m.pacer.Step(e)
	m.s.take(e)
}

// Due says whether a key-frame is due in front of next, as a Pacer paces it.
// Ask it once an event, before Step. None is due between a hole in the file and
// the key-frame that the trace has behind it.
func (m *Mirror) Due(next format.Event) bool {
	if m.s.damaged && m.s.report.KeyFrames > 0 {
		return false
	}
	return m.pacer.Due(next, func() bool { return m.s.calmAt(next.Time) })
}

// Calm says whether nothing that a verdict can hang on is in flight.
func (m *Mirror) Calm() bool { return m.s.calmAt(m.s.now) }

// KeyFrame returns the key-frame that stands at that time behind the last
// event, and continues as a replay does that begins with it. So what is
// returned must be written. The events of its state have the number behind the
// last event's; the slice is the caller's.
func (m *Mirror) KeyFrame(time uint64) []format.Event { return m.keyFrame(m.s.next, time) }

func (m *Mirror) keyFrame(seq, time uint64) []format.Event {
	s := m.s
	s.endFrame()
	s.begun, s.calm = true, s.calmAt(time)
	f := s.keyFrame(seq, time, s.calm)
	s.renew(f)
	s.damaged = false
	m.pacer.Reset(time)
	return f
}

// WithKeyFrames returns events with key-frames at the places where a Pacer has
// them. Key-frames that are there already stay, and count. A tool that changes
// what events say must leave those out before, but for one that opens the
// trace. Where the header implies no profile, the events come as they are.
func WithKeyFrames(h format.Header, events iter.Seq2[format.Event, error]) iter.Seq2[format.Event, error] {
	return withKeyFrames(h, events, (*Mirror).Due)
}

// withKeyFrames puts a key-frame in front of every event for which due says so.
func withKeyFrames(h format.Header, events iter.Seq2[format.Event, error], due func(*Mirror, format.Event) bool) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		m, err := NewMirror(h)
		if err != nil {
			events(yield)
			return
		}
		for e, err := range events {
			if err == nil && !e.Kind.InKeyFrame() && due(m, e) {
				for _, k := range m.keyFrame(e.Seq, e.Time) {
					if !yield(k, nil) {
						return
					}
				}
			}
			if err == nil {
				m.Step(e)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
