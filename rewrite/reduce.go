package rewrite

import (
	"iter"

	"github.com/iotrace-xen/iotrace/format"
)

// A Reduction says what to leave out of events. The zero value leaves out
// nothing.
type Reduction struct {
	Resolution uint64 // times become multiples of it, in ns; 0 and 1 keep them
	DropData   bool   // guest data goes, as if recorded with data "none"
}

// Header changes what the header says about the events.
func (r Reduction) Header(h *format.Header) {
	if r.Resolution > 1 && h.TimeResolutionNS%r.Resolution != 0 || h.TimeResolutionNS == 0 {
		h.TimeResolutionNS = r.Resolution
	}
	if r.DropData {
		h.Data = "none"
	}
}

// Events returns events without what is to be left out. Key-frames behind the
// first are to be remade: they say what was left out before them.
func (r Reduction) Events(events iter.Seq2[format.Event, error]) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		for e, err := range events {
			if !yield(r.Event(e), err) {
				return
			}
		}
	}
}

// Event returns e without what is to be left out.
func (r Reduction) Event(e format.Event) format.Event {
	if r.Resolution > 1 {
		e.Time -= e.Time % r.Resolution
	}
	if r.DropData {
		e = withoutData(e)
	}
	return e
}

// withoutData drops a request's data as record does: see there on privacy. In a
// key-frame as well.
func withoutData(e format.Event) format.Event {
	kind, seq := e.Kind, e.Seq
	if e.Kind >= format.KindOpen {
		e.Kind -= format.KindOpen
	}
	switch e.Kind {
	case format.KindIOReq, format.KindIOResp:
		if q := e.IOReq(); !q.Req.Steers() {
			q.Req.Data, q.DataKnown = 0, false
			e = q.Event(e.Kind, e.Time)
		}
	case format.KindBufIOReq:
		q := e.BufIOReq()
		q.Data, q.DataKnown = 0, false
		e = q.Event(e.Time)
	}
	e.Kind, e.Seq = kind, seq
	return e
}
