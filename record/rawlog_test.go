package record

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

func logOf(t *testing.T, records [][]byte) []byte {
	t.Helper()
	var log bytes.Buffer
	for _, r := range records {
		if err := writeRaw(&log, r); err != nil {
			t.Fatal(err)
		}
	}
	return log.Bytes()
}

func decodeRaw(log []byte) (events []format.Event, err error) {
	for batch, err := range DecodeRaw(bytes.NewReader(log)) {
		if err != nil {
			return events, err
		}
		events = append(events, batch...)
	}
	return events, nil
}

func TestDecodeRawIsTheDecoder(t *testing.T) {
	records := busyDom0(1)
	d := newDecoder()
	var want []format.Event
	for _, r := range records {
		d.decode(r)
		want = append(want, d.take()...)
	}
	got, err := decodeRaw(logOf(t, records))
	if err != nil || len(got) != len(want) {
		t.Fatalf("want %d events, got %d, %v", len(want), len(got), err)
	}
	for i, e := range got {
		want[i].Seq = uint64(i)
		if e != want[i] {
			t.Fatalf("event %d: want %v, got %v", i, want[i], e)
		}
	}
}

func TestDecodeRawRefusesWhatIsCut(t *testing.T) {
	log := logOf(t, busyDom0(1)[:2])
	for n := range len(log) {
		_, err := decodeRaw(log[:n])
		if whole := n == 0 || n == len(log)/2; whole != (err == nil) || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of %d bytes: got error %v", n, len(log), err)
		}
	}
	if _, err := decodeRaw([]byte{0, 0, 1, 0}); err == nil {
		t.Error("a record of 64 KiB: want an error, got none")
	}
}
