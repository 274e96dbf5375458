package format

import "github.com/iotrace-xen/iotrace/xen"

// StateRequest says more about the open_ioreq with its ID: that it should not
// have been there, or that its answer may have been missed.
type StateRequest struct {
	Dom              xen.DomID
	ID               uint64
	Disputed, Unsure bool
}

// Event packs s.
func (s StateRequest) Event(t uint64) Event {
	e := blank(KindStateRequest, t)
	e.Dom, e.W[0], e.W[1] = s.Dom, s.ID, flag(s.Disputed, 0)|flag(s.Unsure, 1)
	return e
}

// StateRequest unpacks a KindStateRequest event.
func (e Event) StateRequest() StateRequest {
	if e.Kind != KindStateRequest {
		return StateRequest{}
	}
	return StateRequest{e.Dom, e.W[0], has(e.W[1], 0), has(e.W[1], 1)}
}

// StateCall says more about the open call with its ID. Stale says that its
// return may be among what was lost.
type StateCall struct {
	ID    uint64
	Life  Life
	Stale bool
}

// Event packs s.
func (s StateCall) Event(t uint64) Event {
	e := blank(KindStateCall, t)
	e.W[0], e.W[1] = s.ID, uint64(s.Life)|flag(s.Stale, 8)
	return e
}

// StateCall unpacks a KindStateCall event.
func (e Event) StateCall() StateCall {
	if e.Kind != KindStateCall {
		return StateCall{}
	}
	return StateCall{e.W[0], Life(e.W[1]), has(e.W[1], 8)}
}

// StateApplied says that the open call with its ID has taken effect in the
// state that the key-frame holds: what it returns then, and the words of the
// dm_op's union that it fills in, as far as Mask says.
type StateApplied struct {
	ID          uint64
	Errno       xen.Errno
	Words, Mask [3]uint64
}

// Event packs s.
func (s StateApplied) Event(t uint64) Event {
	e := blank(KindStateApplied, t)
	e.W[0], e.W[1] = s.ID, uint64(s.Errno)
	copy(e.W[2:], s.Words[:])
	copy(e.W[5:], s.Mask[:])
	return e
}

// StateApplied unpacks a KindStateApplied event.
func (e Event) StateApplied() StateApplied {
	if e.Kind != KindStateApplied {
		return StateApplied{}
	}
	return StateApplied{e.W[0], xen.Errno(e.W[1]), [3]uint64(e.W[2:5]), [3]uint64(e.W[5:8])}
}
