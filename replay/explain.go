package replay

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// An Explanation is what the model makes of one event, step by step. Reasons end
// with the one that decided. Of a call they are those of the moment of the event:
// at its entry, or at its return. Verdict is null where the event has none, as
// the entry of a call.
type Explanation struct {
	Profile string          `json:"profile"`
	Event   uint64          `json:"event"`
	TimeNS  uint64          `json:"time_ns"`
	Kind    string          `json:"kind"`
	Dom     xen.DomID       `json:"dom"`
	Reasons []engine.Reason `json:"reasons"`
	Verdict *Verdict        `json:"verdict"`
}

// Errors of Explain.
var (
	ErrNoEvent = errors.New("no such event in the trace")
	ErrNoPath  = errors.New("no request, no answer and no call that the model knows")
)

// Explain replays a trace up to the first event for which at says so and at which the
// model does something, and says which way it takes there. at is not asked for events
// of key-frames. ErrNoPath means that the model does nothing at any such event, and
// comes with the first of them, ErrNoEvent that there is none. Of opts only Profile
// and To count. What is behind the event is read as behind Options.To.
func Explain(h format.Header, events iter.Seq2[format.Event, error], at func(format.Event) bool, opts Options) (Explanation, error) {
	var x Explanation
	s, err := begin(h, Options{Profile: opts.Profile, OnVerdict: func(v Verdict) {
		if v.Event == x.Event && x.Reasons != nil {
			x.Verdict = &v
		}
	}})
	if err != nil {
		return x, err
	}
	none := ErrNoEvent
	for ev, err := range events {
		switch {
		case s.ended && (err != nil || !s.overhear(&ev)):
			s.broken(err)
			s.finish()
			return x, nil
		case s.ended:
			continue
		case err != nil:
			return x, err
		case !ev.Kind.InKeyFrame() && opts.To != nil && opts.To(ev):
			return x, none
		}
		if ev.Kind.InKeyFrame() || !at(ev) {
			s.take(&ev)
			continue
		}
		s.endFrame()
		x, err = s.path(&ev)
		s.take(&ev)
		switch {
		case err == nil:
			s.ended = true
		case !errors.Is(err, ErrNoPath):
			return x, fmt.Errorf("event %d, %v: %w", ev.Seq, ev.Kind, err)
		case none == ErrNoEvent:
			none = fmt.Errorf("event %d, %v: %w", ev.Seq, ev.Kind, err)
		}
	}
	if s.ended {
		s.finish()
		return x, nil
	}
	return x, none
}

// path says what the model will do at an event.
func (s *session) path(ev *format.Event) (Explanation, error) {
	var t trial
	if !isDomain(ev.Dom) || !s.asks(&t, ev) {
		return Explanation{}, ErrNoPath
	}
	found, err := s.living(ev.Dom).model.Explain(t.op)
	return Explanation{
		Profile: s.report.Profile, Event: ev.Seq, TimeNS: ev.Time, Kind: ev.Kind.String(), Dom: ev.Dom, Reasons: found.Reasons,
	}, err
}

// asks makes t what an event asks of the model, and says whether it asks anything.
func (s *session) asks(t *trial, ev *format.Event) bool {
	var c *call
	switch ev.Kind {
	case format.KindIOReq:
		t.slot.Unpack(ev)
		t.askRequest()
		return t.slot.Req.State == xen.StateReady // else no request was found
	case format.KindIOResp:
		t.slot.Unpack(ev)
		t.askAnswer()
		return true
	case format.KindBufIOReq:
		t.ring.Unpack(ev)
		t.askRing()
		return true
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter:
		c = &call{}
		s.decode(c, ev)
	case format.KindDMOpReturn, format.KindHypercallReturn, format.KindIoctlReturn:
		c = s.calls.at(ev.ID())
	}
	if c == nil || !c.judged() {
		return false
	}
	t.of(c)
	return true
}

// WriteText writes the explanation for a human.
func (x *Explanation) WriteText(w io.Writer) error {
	width := 0
	for _, r := range x.Reasons {
		width = max(width, len(r.Function))
	}
	text := fmt.Appendf(nil, "event %d %s dom%d at %s s under %s\n", x.Event, x.Kind, x.Dom, format.FormatSeconds(x.TimeNS), x.Profile)
	for _, r := range x.Reasons {
		text = fmt.Appendf(text, "  %-*s  %s\n", width, r.Function, r.Found)
	}
	if v := x.Verdict; v != nil {
		text = fmt.Appendf(text, "want %s\ngot  %s\n%v: %s\n", v.Want, v.Got, v.Kind, v.Why)
	}
	_, err := w.Write(text)
	return err
}
