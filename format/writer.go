package format

import (
	"hash/crc32"
	"io"
	"math"
)

// blockPeriod is the event time after which a block ends, in ns.
const blockPeriod = 1_000_000_000

// WriterOptions adjust a Writer. The zero value is what recorders use.
type WriterOptions struct {
	Level Level // the zero value is the fastest
}

// A Writer writes a binary trace. It holds at most one block of events, and
// hands each block to the underlying writer in one call. A block ends when it is
// full, when the next event is a second younger than its first, where a
// key-frame begins or ends, and at Flush. After an error of the underlying
// writer every call returns that error.
type Writer struct {
	w      io.Writer
	zip    *compressor
	code   blockEncoder
	events []Event // of the block at hand
	times  span    // of these events
	until  uint64  // events of before then, not of key-frames, are in the block; 0 if it has none of those
	next   uint64  // the lowest sequence number that may follow
	chain  chain   // of the blocks written
	tally  Tally
	index  indexer
	offset int64
	out    []byte
	err    error
}

// NewWriter writes the header to w at once.
func NewWriter(w io.Writer, h Header, o WriterOptions) (*Writer, error) {
	out, err := appendFileHeader(nil, h)
	if err != nil {
		return nil, err
	}
	zip, err := newCompressor(o.Level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(out); err != nil {
		return nil, err
	}
	x := &Writer{w: w, zip: zip, out: out, offset: int64(len(out)), events: make([]Event, 0, maxBlockEvents)}
	x.code.unit = max(1, h.TimeResolutionNS)
	return x, nil
}

// Bytes returns how many bytes the underlying writer has taken in whole calls:
// where the last whole block ends.
func (w *Writer) Bytes() int64 { return w.offset }

// Write adds e with the next sequence number; e.Seq is ignored. State of a
// key-frame gets the next number without using it up, its open events keep
// theirs. An event without a kind is refused with ErrInvalidKind, and only that.
func (w *Writer) Write(e Event) error {
	if e.Kind < KindOpen {
		e.Seq = w.next
	}
	return w.add(&e)
}

// Put adds e with the sequence number that it has. It must be higher than that
// of the event before; state of a key-frame may share it with the next event,
// open events are not compared. Otherwise the event is refused with ErrSequence,
// and only that.
func (w *Writer) Put(e Event) error {
	return w.add(&e)
}

// PutAll puts events, which it does not keep, up to the first that is refused, and
// returns how many it has put. It is faster than Put.
func (w *Writer) PutAll(events []Event) (put int, err error) {
	for put < len(events) {
		n, err := w.putSome(events[put:])
		put += n
		if err != nil {
			return put, err
		}
	}
	return put, nil
}

// putSome puts the first of the events, up to where a block ends, and returns how
// many these are.
func (w *Writer) putSome(events []Event) (n int, err error) {
	if err := w.prepare(&events[0]); err != nil {
		return 0, err
	}
	n = w.fit(events[:min(len(events), maxBlockEvents-len(w.events))])
	if n == 0 { // of a key-frame
		n, err = 1, w.add(&events[0])
	} else if w.events = append(w.events, events[:n]...); len(w.events) == maxBlockEvents {
		err = w.Flush()
	}
	if err != nil {
		n-- // the last, as Put refuses it
	}
	return n, err
}

// fit returns how many of the events go into the block at hand and need no more
// looking at: things that happened before its period was over. It counts them as
// added.
func (w *Writer) fit(events []Event) (n int) {
	next, times, until := w.next, w.times, w.until
	for i := range events {
		e := &events[i]
		if e.Seq-next >= math.MaxUint64-next || e.Kind-1 >= KindState-1 || e.Time >= until { // lower than next, or the highest
			break
		}
		next = e.Seq + 1
		times.first, times.last = min(times.first, e.Time), max(times.last, e.Time)
		n++
	}
	w.next, w.times = next, times
	return n
}

func (w *Writer) add(e *Event) error {
	if e.Time >= w.until || e.Seq < w.next || e.Kind-1 >= KindState-1 || e.Seq == math.MaxUint64 {
		if err := w.prepare(e); err != nil {
			return err
		}
	}
	w.times.first, w.times.last = min(w.times.first, e.Time), max(w.times.last, e.Time)
	n := len(w.events)
	w.events = w.events[:n+1]
	w.events[n].set(e)
	if e.Kind < KindOpen {
		w.next = e.Seq
		if e.Kind < KindState {
			w.next++
		}
	}
	if len(w.events) == maxBlockEvents {
		return w.Flush()
	}
	return nil
}

// prepare refuses e, or makes a block that it can be added to. Things that
// happened need no more than that until the block's period is over.
func (w *Writer) prepare(e *Event) error {
	switch {
	case w.err != nil:
		return w.err
	case e.Kind == KindInvalid:
		return ErrInvalidKind
	case e.Kind < KindOpen && (e.Seq < w.next || e.Seq == math.MaxUint64):
		return ErrSequence
	}
	if len(w.events) > 0 && w.endsBefore(e) {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if len(w.events) == 0 {
		w.times = span{e.Time, e.Time}
		if !e.Kind.InKeyFrame() && e.Time <= math.MaxUint64-blockPeriod {
			w.until = e.Time + blockPeriod
		}
	}
	return nil
}

// endsBefore says whether the block at hand must end before e.
func (w *Writer) endsBefore(e *Event) bool {
	first := &w.events[0]
	if first.Kind.InKeyFrame() {
		return !e.Kind.InKeyFrame() || e.Kind == KindKeyFrame || e.Kind < KindOpen && e.Seq != w.next
	}
	return e.Kind.InKeyFrame() || e.Time > first.Time && e.Time-first.Time >= blockPeriod
}

// Flush ends the block, so that all events written so far survive a crash of
// this process. Without events it does nothing.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.events) == 0 {
		return w.err
	}
	return w.encode()
}

// encode writes the block at hand.
func (w *Writer) encode() error {
	events := w.events
	h := w.header()
	payload, times := w.code.encode(events, &h)
	lost := w.tally.sum.Lost
	w.code.tally(&w.tally, events, h.firstTime, h.lastTime)
	h.lost += w.tally.sum.Lost - lost
	w.out = append(w.out[:0], make([]byte, blockHead)...)
	w.out = w.zip.append(w.out, payload, times, len(events) == maxBlockEvents)
	body := w.out[blockHead:]
	h.csize, h.usize = uint32(len(body)), uint32(len(payload))
	h.payloadCRC = crc32.Checksum(body, castagnoli)
	h.append(w.out[:0])
	w.events, w.until = w.events[:0], 0
	return w.block(&h, w.out)
}

// A span is the earliest and the latest time of some events.
type span struct{ first, last uint64 }

// header describes the block at hand, but for what its events say is lost.
func (w *Writer) header() blockHeader {
	events := w.events
	h := blockHeader{
		kind: blockEvents, flags: blockCritical, count: uint32(len(events)),
		firstSeq: events[0].Seq, lastSeq: events[len(events)-1].Seq, firstTime: w.times.first, lastTime: w.times.last,
		lost: w.chain.lost, before: w.chain.before, stateBefore: w.chain.state, segment: w.chain.segment,
	}
	if events[0].Kind.InKeyFrame() {
		h.kind, h.flags = blockKeyFrame, h.flags|blockSparse
		h.firstSeq, h.lastSeq = w.next, w.next
		if events[0].Kind == KindKeyFrame {
			h.flags |= blockOpens
			h.segment++
		}
	} else if h.lastSeq-h.firstSeq != uint64(h.count)-1 {
		h.flags |= blockSparse
	}
	return h
}

// block writes a whole block with events, and an index when it is time for one.
func (w *Writer) block(h *blockHeader, raw []byte) error {
	if err := w.write(raw); err != nil {
		return err
	}
	w.chain.advance(h)
	if w.index.add(h); w.index.count < maxChunk {
		return nil
	}
	return w.writeIndex(nil)
}

// writeIndex writes an index block for the blocks since the last one.
func (w *Writer) writeIndex(totals *Totals) error {
	h := blockHeader{kind: blockIndex, lost: w.chain.lost, before: w.chain.before, stateBefore: w.chain.state, segment: w.chain.segment}
	var err error
	if w.out, err = w.index.append(w.out[:0], &h, totals); err != nil {
		return err
	}
	at := w.offset
	if err := w.write(w.out); err != nil {
		return err
	}
	w.index.next(at, &h)
	return nil
}

func (w *Writer) write(b []byte) error {
	if _, w.err = w.w.Write(b); w.err != nil {
		return w.err
	}
	w.offset += int64(len(b))
	return nil
}

// Close flushes, writes the index and marks the trace as closed cleanly. It does
// not close the underlying writer. Later calls return ErrClosed.
func (w *Writer) Close() error {
	if err := w.Flush(); err != nil {
		return err
	}
	totals := w.tally.Totals()
	if err := w.writeIndex(&totals); err != nil {
		return err
	}
	c := &w.chain
	h := blockHeader{
		kind: blockTrailer, flags: blockCritical, firstSeq: c.firstSeq, lastSeq: c.lastSeq, firstTime: c.firstTime, lastTime: c.lastTime,
		lost: c.lost, before: c.before, stateBefore: c.state, segment: c.segment, index: uint64(w.index.last),
	}
	if err := w.write(h.append(w.out[:0])); err != nil {
		return err
	}
	w.err = ErrClosed
	return nil
}

// lostCount returns how many things e says are missing.
func lostCount(e *Event) uint64 {
	if e.Kind == KindLost {
		return e.Lost().Count
	}
	return 0
}
