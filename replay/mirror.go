package replay

import (
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
// Plain says of which events that need not be asked.
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
	m := &Mirror{s: newSession(p, blindness(h), Options{})}
	m.s.quiet, m.s.report.ProfileSource = true, source
	return m, nil
}

// Step follows one event, which carries the sequence number that it has in the
// file. Events of key-frames that the trace has already count too.
func (m *Mirror) Step(e format.Event) {
	m.pacer.Step(e)
	m.s.take(&e)
}

// Plain returns how many of the events, which come next, need no question whether a
// key-frame is due in front of them. StepAll follows such.
func (m *Mirror) Plain(events []format.Event) int { return m.pacer.Plain(events) }

// StepAll follows events as Step does.
func (m *Mirror) StepAll(events []format.Event) {
	m.pacer.StepAll(events)
	m.s.takeBatch(events)
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
	m.s.endFrame()
	return m.makeKeyFrame(seq, time, m.s.calmAt(time))
}

func (m *Mirror) makeKeyFrame(seq, time uint64, calm bool) []format.Event {
	s := m.s
	s.begun, s.calm = true, calm
	f := s.keyFrame(seq, time, s.calm)
	if err := s.renew(f); err != nil {
		s.mismatch(seq, err.Error())
	}
	s.damaged = false
	m.pacer.Reset(time)
	return f
}
