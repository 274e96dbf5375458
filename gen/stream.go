package gen

import (
	"github.com/iotrace-xen/iotrace/format"
)

// A stream is one thread of what happens: a vCPU with the device models that
// work for it, a device model's own thread, a toolstack. When its time has come
// it takes a turn: it plans what happens next, with times from now on. The
// streams' events are merged by time, and a turn is taken only when nothing that
// lies before it is left, so turns see the world in the order in which the trace
// shows it.
type stream struct {
	host  *host
	order int    // decides between streams of the same time
	due   uint64 // when the next event or the next turn is
	now   uint64 // up to where it has planned
	wake  uint64 // when it wants its next turn; not before now
	over  bool   // it wants no turn any more
	turn  func(*stream)

	queue []format.Event // planned; times rise
	head  int

	skew uint64 // how far its CPU's clock is ahead, in ns
	call uint64 // id of the call that was entered last
	req  uint64 // id of the request that was taken last
}

// skewNS bounds how much the clocks of the CPUs disagree.
const skewNS = 400

// maxTurn bounds the events of one turn.
const maxTurn = 96

// add plans e for now.
func (s *stream) add(e format.Event) {
	e.Time = s.now
	s.queue = append(s.queue, e)
	s.host.queued++
}

// wait lets a latency pass.
func (s *stream) wait(typical uint64) {
	s.now += max(s.host.dice.latency(typical)*s.host.pace/paceUnit, 1)
}

// after moves on to t unless it has passed.
func (s *stream) after(t uint64) { s.now = max(s.now, t) }

// sleep ends a turn: the next one comes in so many ns.
func (s *stream) sleep(ns uint64) { s.wake = s.now + max(ns, 1) }

// take is a turn.
func (s *stream) take() {
	s.after(s.due)
	s.turn(s)
	s.wake = max(s.wake, s.now)
}

// next sets due.
func (s *stream) next() {
	if s.head < len(s.queue) {
		s.due = s.queue[s.head].Time
		return
	}
	s.queue, s.head = s.queue[:0], 0
	s.due = s.wake
}

// pop returns the first planned event as a recorder sees it.
func (s *stream) pop() format.Event {
	e := s.queue[s.head]
	s.head++
	s.number(&e)
	e.Time += s.skew
	return e
}

// idWord is the word that holds the id of every kind that has one.
const idWord = 0

// number gives calls and requests their ids, in the order in which they are
// seen, and ends the id of what they begin.
func (s *stream) number(e *format.Event) {
	switch e.Kind {
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		s.call = s.host.id()
		e.W[idWord] = s.call
	case format.KindDMOpBuf, format.KindDMOpReturn, format.KindHypercallReturn, format.KindIoctlReturn:
		e.W[idWord] = s.call
	case format.KindIOReq:
		s.req = s.host.id()
		e.W[idWord] = s.req
	case format.KindIOResp:
		e.W[idWord] = s.req
	case format.KindBufIOReq:
		e.W[idWord] = s.host.id()
	}
}

// streams is a heap: the stream that is due next comes first.
type streams []*stream

func (h streams) less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].order < h[j].order
}

func (h *streams) push(s *stream) {
	*h = append(*h, s)
	for i := len(*h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		(*h)[i], (*h)[(i-1)/2] = (*h)[(i-1)/2], (*h)[i]
	}
}

// sink puts the first stream, whose due has grown, to its place.
func (h streams) sink() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// drop removes the first stream.
func (h *streams) drop() {
	last := len(*h) - 1
	(*h)[0] = (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	h.sink()
}
