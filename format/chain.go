package format

import (
	"math"

	"github.com/iotrace-xen/iotrace/xen"
)

// A chain knows what the blocks so far had, and so what the next one must say.
type chain struct {
	before, state uint64 // events so far, outside and inside key-frames
	next          uint64 // the lowest sequence number that may follow
	lost          uint64 // by the Lost events so far
	segment       uint32

	firstSeq, lastSeq, firstTime, lastTime uint64 // outside key-frames

	broken bool // something is missing: totals cannot agree any more
}

// chainBehind is what a chain knows that has gone past b, but for what the blocks before
// b alone can tell: the first event of all, and the times.
func chainBehind(b *Block) (c chain) {
	h := b.header()
	c.advance(&h)
	return c
}

// follows refuses a block with events, or a trailer, that is not the next one.
func (c *chain) follows(h *blockHeader) error {
	segment := c.segment
	if h.opens() {
		segment++
	}
	switch {
	case h.before < c.before || h.stateBefore < c.state || h.segment < segment:
		return malformed("counts %d events and %d of key-frames before it, where %d and %d were read", h.before, h.stateBefore, c.before, c.state)
	case h.before != c.before || h.stateBefore != c.state || h.segment != segment:
		return &gapError{h.before - c.before, h.stateBefore - c.state}
	case h.hasEvents() && h.firstSeq < c.next:
		return malformed("begins with event %d, the block before ended with %d", h.firstSeq, c.next-1)
	}
	return nil
}

// admits says whether the block may follow once blocks in between are missing.
func (c *chain) admits(h *blockHeader) bool {
	segment := c.segment
	if h.opens() {
		segment++
	}
	return h.before >= c.before && h.stateBefore >= c.state && h.segment >= segment &&
		(!h.hasEvents() || h.firstSeq >= c.next && h.firstSeq-c.next >= h.before-c.before)
}

// closes refuses a trailer that does not say what the blocks had.
func (c *chain) closes(h *blockHeader) error {
	if c.broken {
		return nil
	}
	if h.lost != c.lost || h.firstSeq != c.firstSeq || h.lastSeq != c.lastSeq || h.firstTime != c.firstTime || h.lastTime != c.lastTime {
		return malformed("trailer speaks of events %d to %d with %d lost, the blocks have %d to %d with %d",
			h.firstSeq, h.lastSeq, h.lost, c.firstSeq, c.lastSeq, c.lost)
	}
	return nil
}

// advance goes past a block with events.
func (c *chain) advance(h *blockHeader) {
	c.segment, c.lost = h.segment, h.lost
	if h.kind == blockKeyFrame {
		c.before, c.state = h.before, h.stateBefore+uint64(h.count)
		c.next = max(c.next, h.firstSeq)
		return
	}
	if c.before == 0 {
		c.firstSeq, c.firstTime, c.lastTime = h.firstSeq, h.firstTime, h.lastTime
	}
	c.before, c.state = h.before+uint64(h.count), h.stateBefore
	c.lastSeq, c.next = h.lastSeq, h.lastSeq+1
	c.firstTime, c.lastTime = min(c.firstTime, h.firstTime), max(c.lastTime, h.lastTime)
}

// hole returns the event that stands for what is missing before block h: there
// is none if only events of key-frames are.
func (c *chain) hole(h *blockHeader) (Event, bool) {
	missing := h.before - c.before
	if missing == 0 {
		return Event{}, false
	}
	t, seq := c.lastTime, c.next
	if c.before == 0 {
		t = h.firstTime
		if h.hasEvents() {
			seq = max(seq, h.firstSeq-min(missing, h.firstSeq))
		}
	}
	return damagedEvent(seq, t, missing), true
}

// damagedEvent says that count events of a file cannot be read.
func damagedEvent(seq, t, count uint64) Event {
	e := Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: ProbeFile, Reason: ReasonDamaged, CPU: -1, Count: count}.Event(t)
	e.Seq = min(seq, math.MaxUint64-1)
	return e
}
