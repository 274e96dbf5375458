package replay

import (
	"iter"

	"github.com/iotrace-xen/iotrace/format"
)

// BeginAt returns the events from the first on for which begins says so; it is
// not asked for events of key-frames. In front stands a key-frame with what the
// events before it say. Where the header implies no profile, there is none.
func BeginAt(h format.Header, events iter.Seq2[format.Event, error], begins func(format.Event) bool) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		m, _ := NewMirror(h)
		begun := false
		for e, err := range events {
			if err == nil && !begun {
				begun = !e.Kind.InKeyFrame() && begins(e)
				if !begun && m != nil {
					m.Step(e)
				}
				if !begun {
					continue
				}
				if m != nil && !yieldAll(m.keyFrame(e.Seq, e.Time), yield) {
					return
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func yieldAll(events []format.Event, yield func(format.Event, error) bool) bool {
	for _, e := range events {
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// WithKeyFrames returns events with key-frames at the places where a Pacer has
// them. Key-frames that are there already stay, and count. A tool that changes
// what events say remakes those first. Where the header implies no profile, the
// events come as they are.
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
				if !yieldAll(m.keyFrame(e.Seq, e.Time), yield) {
					return
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

// RemakeKeyFrames returns events with other key-frames at the places where they
// have some: with what the events before them say. It is for tools that change
// or leave out events; the verdicts on what they keep stay the same. What is
// taken at its word stays: a key-frame that opens the trace, and the first behind
// a hole in the file. Where the header implies no profile, all stay.
func RemakeKeyFrames(h format.Header, events iter.Seq2[format.Event, error]) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		m, err := NewMirror(h)
		if err != nil {
			events(yield)
			return
		}
		var old *format.Event // the beginning of the key-frame that is due
		for e, err := range events {
			if err == nil && e.Kind == format.KindKeyFrame {
				m.s.endFrame()
			}
			if err == nil && e.Kind.InKeyFrame() && m.s.begun && !m.s.damaged {
				if e.Kind == format.KindKeyFrame {
					old = &e
				}
				continue
			}
			if err == nil && old != nil {
				if !yieldAll(m.makeKeyFrame(e.Seq, old.Time, old.KeyFrame().Calm), yield) {
					return
				}
				old = nil
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
