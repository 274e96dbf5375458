package record

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/iotrace-xen/iotrace/format"
)

// A raw log holds the probes' records as they were read, each behind its length in
// four bytes: what tests and measurements of the user-space half are fed from.

// maxRaw is the longest record: a page of a ring.
const maxRaw = rawRingHeadSize + 4096

// writeRaw appends a record to a raw log.
func writeRaw(w io.Writer, record []byte) error {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+maxRaw), uint32(len(record)))
	if _, err := w.Write(append(b, record...)); err != nil {
		return fmt.Errorf("raw log: %w", err)
	}
	return nil
}

// DecodeRaw returns the events of a raw log that Options.Raw has received, as
// Session.Batches does, without what a capture adds to them: clocks, losses that
// counters tell, what was found at the start. An error is the last pair.
func DecodeRaw(r io.Reader) iter.Seq2[[]format.Event, error] {
	return func(yield func([]format.Event, error) bool) {
		l := rawLog{in: bufio.NewReader(r), buf: make([]byte, maxRaw), dec: newDecoder()}
		for {
			err := l.decodeSome()
			if batch := l.dec.take(); len(batch) > 0 && !yield(l.number(batch), nil) || err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("raw log: record %d: %w", l.records+1, err))
				return
			}
		}
	}
}

// A rawLog is being decoded.
type rawLog struct {
	in      io.Reader
	buf     []byte
	dec     *decoder
	records int
	seq     uint64 // of the next event
}

// decodeSome decodes a batch of records.
func (l *rawLog) decodeSome() error {
	for len(l.dec.events) < batch {
		b, err := readRaw(l.in, l.buf)
		if err != nil {
			return err
		}
		l.records++
		l.dec.decode(b)
	}
	return nil
}

func (l *rawLog) number(events []format.Event) []format.Event {
	for i := range events {
		events[i].Seq = l.seq
		l.seq++
	}
	return events
}

// readRaw reads a record into buf. The error is io.EOF only behind a whole one.
func readRaw(in io.Reader, buf []byte) ([]byte, error) {
	if _, err := io.ReadFull(in, buf[:4]); err != nil {
		return nil, err
	}
	n := le.Uint32(buf)
	if n > maxRaw {
		return nil, fmt.Errorf("%d bytes: want at most %d", n, maxRaw)
	}
	_, err := io.ReadFull(in, buf[:n])
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return buf[:n], err
}
