package format

import (
	"errors"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// testPayload puts a payload together from its parts.
func testPayload(kinds, times, dir, data []byte) []byte {
	b := le.AppendUint32(slices.Clone(kinds), uint32(len(times)))
	b = append(b, times...)
	b = le.AppendUint32(b, uint32(len(dir)))
	return slices.Concat(b, dir, data)
}

// TestPayloadByHand decodes two process exits at times 5 and 7 whose pids are 1
// and 2, and then what differs from a good payload in one place.
func TestPayloadByHand(t *testing.T) {
	const exit = byte(KindProcessExit)
	kinds, times := []byte{exit, exit}, []byte{0, 4}
	column := []byte{0, 0, 32, 1, 2} // word 0, bits [0,+32), deltas, two bytes
	section := slices.Concat([]byte{exit, 1}, column)
	data := []byte{2, 2}
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	with := func(n int, v byte) []byte {
		c := slices.Clone(section)
		c[n] = v
		return c
	}
	cases := []struct {
		name    string
		payload []byte
		want    error // nil for a good one
	}{
		{"good", testPayload(kinds, times, section, data), nil},
		{"constant", testPayload(kinds, times, []byte{exit, 1, 0, 0, 32, 0, 1}, []byte{1}), nil},
		{"no columns", testPayload(kinds, times, []byte{exit, 0}, nil), nil},
		{"nothing", nil, ErrMalformed},
		{"kinds only", kinds, ErrMalformed},
		{"no directory", testPayload(kinds, times, nil, nil)[:8], ErrMalformed},
		{"times too long", []byte{exit, exit, 255, 255, 255, 255, 0, 4, 0, 0, 0, 0}, ErrMalformed},
		{"one time", testPayload(kinds, times[:1], section, data), ErrMalformed},
		{"three times", testPayload(kinds, []byte{0, 4, 0}, section, data), ErrMalformed},
		{"earlier than the header says", testPayload(kinds, []byte{1, 5}, section, data), ErrMalformed},
		{"later than the header says", testPayload(kinds, []byte{0, 6}, section, data), ErrMalformed},
		{"endless varint", testPayload(kinds, huge, section, data), ErrMalformed},
		{"no section", testPayload(kinds, times, nil, nil), ErrMalformed},
		{"section twice", testPayload(kinds, times, slices.Concat(section, section), []byte{2, 2, 2, 2}), ErrMalformed},
		{"section of another kind", testPayload(kinds, times, with(0, 99), data), ErrMalformed},
		{"section of no kind", testPayload([]byte{0, 0}, times, with(0, 0), data), ErrMalformed},
		{"section cut", testPayload(kinds, times, section[:1], nil), ErrMalformed},
		{"column cut", testPayload(kinds, times, section[:4], data), ErrMalformed},
		{"column without size", testPayload(kinds, times, section[:6], data), ErrMalformed},
		{"slot 13", testPayload(kinds, times, with(2, 13), data), ErrMalformed},
		{"33 bits at 32", testPayload(kinds, times, slices.Concat([]byte{exit, 1, 0, 32, 33, 1, 2}), data), ErrMalformed},
		{"no bits", testPayload(kinds, times, with(4, 0), data), ErrMalformed},
		{"17 bits of an id", testPayload(kinds, times, []byte{exit, 1, slotDom, 0, 17, 1, 2}, data), ErrMalformed},
		{"upper bits of an id", testPayload(kinds, times, []byte{exit, 1, slotDom, 1, 15, 1, 2}, data), ErrMalformed},
		{"unknown encoding", testPayload(kinds, times, with(5, 7), data), ErrVersion},
		{"size beyond the data", testPayload(kinds, times, with(6, 3), data), ErrMalformed},
		{"size short of the data", testPayload(kinds, times, with(6, 1), data), ErrMalformed},
		{"data left over", testPayload(kinds, times, section, []byte{2, 2, 0}), ErrMalformed},
		{"column twice", testPayload(kinds, times, slices.Concat([]byte{exit, 2}, column, column), []byte{2, 2, 2, 2}), ErrMalformed},
		{"value beyond its bits", testPayload(kinds, times, with(4, 1), []byte{2, 2}), ErrMalformed},
		{"value below zero", testPayload(kinds, times, section, []byte{2, 5}), ErrMalformed},
		{"constant beyond its bits", testPayload(kinds, times, []byte{exit, 1, 0, 0, 2, 0, 1}, []byte{4}), ErrMalformed},
		{"constant of two bytes", testPayload(kinds, times, []byte{exit, 1, 0, 0, 32, 0, 2}, data), ErrMalformed},
		{"constant of no bytes", testPayload(kinds, times, []byte{exit, 1, 0, 0, 32, 0, 0}, nil), ErrMalformed},
	}
	h := blockHeader{firstTime: 5, lastTime: 7, firstSeq: 100}
	for _, c := range cases {
		var x blockDecoder
		got := make([]Event, 2)
		err := x.decode(c.payload, &h, got)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if c.name != "good" {
			continue
		}
		want := []Event{ProcessExit{1}.Event(5), ProcessExit{2}.Event(7)}
		want[0].Seq, want[1].Seq = 100, 101
		if !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// TestOldReaderTakesNewFields decodes a column that no version has yet.
func TestOldReaderTakesNewFields(t *testing.T) {
	const exit = byte(KindProcessExit)
	dir := []byte{exit, 3, 0, 0, 32, 0, 1, 7, 60, 4, 0, 1, slotVCPU, 0, 16, 0, 1}
	var x blockDecoder
	got := make([]Event, 1)
	err := x.decode(testPayload([]byte{exit}, []byte{0}, dir, []byte{7, 15, 3}), &blockHeader{}, got)
	want := ProcessExit{7}.Event(0)
	want.W[7], want.VCPU = 15<<60, xen.VCPU(3)
	if err != nil || got[0] != want {
		t.Errorf("%+v, %v, want %+v", got[0], err, want)
	}
	if got[0].ProcessExit().PID != 7 {
		t.Error("the fields that are known")
	}
}

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		"offset 8192: block 3: bad checksum":               &CorruptError{8192, 3, ErrChecksum},
		"offset 0: header: not an iotrace file":            &CorruptError{0, -1, ErrNotTrace},
		"line 7, column 12: malformed: clock has no \"a\"": &TextError{7, 12, malformed("clock has no %q", "a")},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
