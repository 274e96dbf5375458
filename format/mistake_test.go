package format

import (
	"errors"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// mistaken returns a trace of three blocks of 5000 events, of which the second has
// right checksums and a latest time that none of its events has.
func mistaken(t testing.TB) (b []byte, events []Event) {
	events = number(session(15000))
	b = binaryOf(t, testHeader, events, 5000)
	head := b[partsOf(t, b)[2].start:][:blockHead]
	le.PutUint64(head[56:], le.Uint64(head[56:])+1)
	le.PutUint32(head[blockHead-crcSize:], crc32.Checksum(head[:blockHead-crcSize], castagnoli))
	return b, events
}

// TestWriterMistakeShowsAtTheEndOfItsBlock reads a block whose last events turn out
// to be wrong: those before are delivered, in whatever way they are read, and the
// others are missing.
func TestWriterMistakeShowsAtTheEndOfItsBlock(t *testing.T) {
	b, events := mistaken(t)
	const good = 5000 + 5000/decodeChunk*decodeChunk
	l := Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: ProbeFile, Reason: ReasonDamaged, CPU: -1, Count: 10000 - good}
	hole := l.Event(events[good-1].Time)
	hole.Seq = good
	want := slices.Concat(events[:good], []Event{hole}, events[10000:])
	got, closed, errs := readOn(t, b)
	if !slices.Equal(got, want) || !closed || len(errs) != 1 || !errors.Is(errs[0], ErrMalformed) {
		t.Errorf("resumed: %d events, not %d, closed %v, %v", len(got), len(want), closed, errs)
	}
	for workers := range 3 {
		got, err := fileEvents(openFile(t, b), workers)
		if !slices.Equal(got, events[:good]) || !errors.Is(err, ErrMalformed) {
			t.Errorf("%d workers: %d events, not %d, %v", workers, len(got), good, err)
		}
	}
}

// TestWriterMistakeIsNotRepaired leaves out the whole block.
func TestWriterMistakeIsNotRepaired(t *testing.T) {
	b, events := mistaken(t)
	whole, report := repaired(t, b)
	if report.Missing != 5000 || report.Events != 10000 {
		t.Errorf("%+v", report)
	}
	got, closed, err := readAll(whole)
	if len(got) != 10001 || !slices.Equal(got[:5000], events[:5000]) || !slices.Equal(got[5001:], events[10000:]) || !closed || err != nil {
		t.Errorf("%d events, closed %v, %v", len(got), closed, err)
	}
}

// TestBatchesMayBeChanged overwrites what was delivered of a block before it reads
// on: nothing that follows looks at it.
func TestBatchesMayBeChanged(t *testing.T) {
	b, events := longTrace(t, 20000)
	var got []Event
	for batch, err := range openFile(t, b).Batches(1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, batch...)
		clear(batch)
	}
	if !slices.Equal(got, events) {
		t.Error("others come back")
	}
}
