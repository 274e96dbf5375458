package rewrite

import (
	"iter"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// OfDomain returns the events about domain d and about none. A call belongs
// where its entry does. Key-frames stay where they are, without what they say of
// other domains; but what calls without a domain did to those is still in the
// events, so key-frames behind the first are to be remade.
func OfDomain(d xen.DomID, events iter.Seq2[format.Event, error]) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		n := narrow{dom: d, calls: map[uint64]bool{}}
		for e, err := range events {
			inFrame := err == nil && e.Kind.InKeyFrame()
			if begins := inFrame && e.Kind == format.KindKeyFrame; (begins || !inFrame) && !n.endFrame(yield) {
				return
			}
			keep := err != nil || n.keeps(&e)
			switch {
			case keep && inFrame:
				n.frame = append(n.frame, e)
			case keep && !yield(e, err):
				return
			}
		}
		n.endFrame(yield)
	}
}

// narrow follows which calls belong to one domain.
type narrow struct {
	dom   xen.DomID
	calls map[uint64]bool // in flight: whether they are kept
	lost  uint64          // things that events say were lost of other domains
	frame []format.Event  // the key-frame at hand
}

// endFrame passes on the key-frame at hand, which counts what is left of it; false if no
// more is wanted.
func (n *narrow) endFrame(yield func(format.Event, error) bool) bool {
	frame := n.frame
	n.frame = n.frame[:0]
	for i, e := range frame {
		if i == 0 && e.Kind == format.KindKeyFrame {
			e.W[0], e.W[1] = uint64(len(frame)), e.W[1]-n.lost
		}
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// keeps says whether an event is about the domain, or about none.
func (n *narrow) keeps(e *format.Event) bool {
	keep := e.Dom == n.dom || e.Dom >= xen.DomSelf
	kind, id := e.Kind, e.W[0]
	if kind >= format.KindOpen {
		kind -= format.KindOpen
	}
	switch kind {
	case format.KindKeyFrame:
		return true
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		n.calls[id] = keep
	case format.KindDMOpBuf, format.KindStateCall, format.KindStateApplied:
		if of, known := n.calls[id]; known {
			return of
		}
	case format.KindDMOpReturn, format.KindHypercallReturn, format.KindIoctlReturn:
		if of, known := n.calls[id]; known {
			keep = of
			delete(n.calls, id)
		}
	case format.KindLost:
		if !keep {
			n.lost += e.Lost().Count
		}
	}
	return keep
}
