package format

import (
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A Writer writes a binary trace. It holds at most one block of events, and
// hands each block to the underlying writer in one call. After an error every
// call returns that error.
type Writer struct {
	w      io.Writer
	zstd   *zstd.Encoder
	block  blockEncoder
	events []Event // of the block at hand
	seq    uint64  // of the next event
	lost   uint64  // by the Lost events so far
	out    []byte
	err    error
}

// NewWriter writes the header to w at once.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	out, err := appendFileHeader(nil, h)
	if err != nil {
		return nil, err
	}
	// One goroutine, a small window and little memory: this runs in dom0. What
	// the levels above would save is in FORMAT.md.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(out); err != nil {
		return nil, err
	}
	return &Writer{w: w, zstd: enc, out: out}, nil
}

// Write adds e with the next sequence number; e.Seq is ignored. The event
// reaches the underlying writer when its block is full, or at Flush or Close.
// An event without a kind is refused with ErrInvalidKind, and only that.
func (w *Writer) Write(e Event) error {
	if w.err != nil {
		return w.err
	}
	if e.Kind == KindInvalid {
		return ErrInvalidKind
	}
	e.Seq = w.seq
	w.seq++
	w.lost += lostCount(&e)
	w.events = append(w.events, e)
	if len(w.events) == maxBlockEvents {
		return w.Flush()
	}
	return nil
}

// Flush ends the block, so that all events written so far survive a crash of
// this process. Without events it does nothing.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.events) == 0 {
		return w.err
	}
	h := blockHeader{kind: blockEvents, flags: blockCritical, count: uint32(len(w.events)), lost: w.lost}
	h.firstSeq, h.lastSeq = w.events[0].Seq, w.seq-1
	h.firstTime, h.lastTime = timeSpan(w.events)
	payload := w.block.encode(w.events, &h)
	w.events = w.events[:0]

	w.out = append(w.out[:0], make([]byte, blockHead)...)
	w.out = w.zstd.EncodeAll(payload, w.out)
	frame := w.out[blockHead:]
	h.csize, h.usize = uint32(len(frame)), uint32(len(payload))
	h.payloadCRC = crc32.Checksum(frame, castagnoli)
	h.append(w.out[:0])
	_, w.err = w.w.Write(w.out)
	return w.err
}

// Close flushes and marks the trace as closed cleanly. It does not close the
// underlying writer. Later calls return ErrClosed.
func (w *Writer) Close() error {
	if err := w.Flush(); err != nil {
		return err
	}
	h := blockHeader{kind: blockTrailer, flags: blockCritical, firstSeq: w.seq, lastSeq: w.seq, lost: w.lost}
	if _, w.err = w.w.Write(h.append(w.out[:0])); w.err != nil {
		return w.err
	}
	w.err = ErrClosed
	return nil
}

// timeSpan returns the earliest and the latest time.
func timeSpan(events []Event) (first, last uint64) {
	first, last = events[0].Time, events[0].Time
	for i := range events {
		first, last = min(first, events[i].Time), max(last, events[i].Time)
	}
	return first, last
}

// lostCount returns how many things e says are missing.
func lostCount(e *Event) uint64 {
	if e.Kind == KindLost {
		return e.Lost().Count
	}
	return 0
}
