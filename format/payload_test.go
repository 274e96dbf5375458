package format

import (
	"errors"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// testPayload puts a payload together from its parts.
func testPayload(shapes, dir, data []byte) []byte {
	b := le.AppendUint32(slices.Clone(shapes), uint32(len(dir)))
	return slices.Concat(b, dir, data)
}

// A payloadCase is a payload of two process exits and what the decoder says.
type payloadCase struct {
	name      string
	dir, data []byte
	want      error // nil for a good one
}

const exit = byte(KindProcessExit)

var (
	exitHead = []byte{1, exit, 2, 1, 2}         // unit 1, two events, one shape, two columns
	exitPID  = []byte{0, 0, 32, 3 | 1<<2, 2, 0} // word 0, bits [0,+32), coded against the one before, two bytes, from 0
	exitTime = []byte{slotTime, 0, 64, 3, 2}    // coded, two bytes
	exitData = []byte{1, 1, 0, 2}               // pids 1 and 2, times 0 and 2 later
	exitGood = slices.Concat(exitHead, exitPID, exitTime)
	tooLong  = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
)

// exitWith returns the good directory with some bytes changed from offset at.
func exitWith(at int, v ...byte) []byte {
	return slices.Concat(exitGood[:at], v, exitGood[at+len(v):])
}

// exitColumn returns a directory with another column for the pids.
func exitColumn(c ...byte) []byte { return slices.Concat(exitHead, c, exitTime) }

var payloadCases = []payloadCase{
	{"good", exitGood, exitData, nil},
	{"steps", exitColumn(0, 0, 32, 2|1<<2, 1, 0), exitData[2:], nil},
	{"unit 2", exitWith(0, 2), []byte{1, 1, 0, 1}, nil},
	{"low byte", exitColumn(0, 0, 32, 3|1<<5, 2), []byte{0, 0, 0, 2, 1, 2}, nil},
	{"signed", exitColumn(0, 0, 32, 3|1<<4|1<<2, 2, 5), []byte{7, 2, 0, 2}, nil}, // 5-4, 1+1
	{"no unit", exitWith(0, 0), exitData, ErrMalformed},
	{"nothing", nil, nil, ErrMalformed},
	{"no section", exitGood[:1], nil, ErrMalformed},
	{"three events", exitWith(2, 3), exitData, ErrMalformed},
	{"one event", exitWith(2, 1), exitData, ErrMalformed},
	{"no shapes", exitWith(3, 0), exitData, ErrMalformed},
	{"a shape too many", exitWith(3, 2), exitData, ErrMalformed},
	{"a column too many", exitWith(4, 3), exitData, ErrMalformed},
	{"a column too few", exitWith(4, 1), exitData, ErrMalformed},
	{"later than the header says", exitGood, []byte{1, 1, 0, 3}, ErrMalformed},
	{"earlier than the header says", exitGood, []byte{1, 1, 0, 1}, ErrMalformed},
	{"endless varint", exitGood, append([]byte{1}, tooLong...), ErrMalformed},
	{"section twice", slices.Concat(exitGood, exitGood[1:]), append(exitData, exitData...), ErrMalformed},
	{"kind 0", exitWith(1, 0), exitData, ErrMalformed},
	{"kinds fall", slices.Concat(exitWith(2, 1)[:10], []byte{9}, exitTime, []byte{1, 1, 1, 0}), exitData, ErrMalformed},
	{"section cut", exitGood[:3], nil, ErrMalformed},
	{"column cut", exitGood[:8], exitData, ErrMalformed},
	{"column without size", exitGood[:9], exitData, ErrMalformed},
	{"slot 13", exitWith(5, 13), exitData, ErrMalformed},
	{"numbers in a block without", exitWith(5, slotSeq, 0, 64, 3), exitData, ErrMalformed},
	{"33 bits at 32", exitWith(6, 32, 33), exitData, ErrMalformed},
	{"no bits", exitWith(7, 0), exitData, ErrMalformed},
	{"17 bits of an id", exitWith(5, slotDom, 0, 17), exitData, ErrMalformed},
	{"upper bits of an id", exitWith(5, slotDom, 1, 15), exitData, ErrMalformed},
	{"half a time", exitWith(12, 0, 32), exitData, ErrMalformed},
	{"constant with a predictor", exitColumn(0, 0, 32, 0|1<<2, 1), exitData[2:], ErrVersion},
	{"steps with low bytes", exitColumn(0, 0, 32, 2|1<<5, 1), exitData[2:], ErrVersion},
	{"times with a predictor", exitWith(14, 3|3<<2), exitData, ErrMalformed},
	{"size beyond the data", exitWith(9, 5), exitData, ErrMalformed},
	{"size short of the data", exitWith(9, 1), exitData, ErrMalformed},
	{"data left over", exitGood, append(exitData, 0), ErrMalformed},
	{"data missing", exitGood, exitData[:3], ErrMalformed},
	{"low byte missing", exitColumn(0, 0, 32, 3|1<<5, 2), []byte{0, 0, 0, 2, 1}, ErrMalformed},
	{"low byte without room", exitColumn(0, 0, 64, 3|1<<5, 11), append(tooLong[:9:9], 1, 0, 0, 2, 1, 2), ErrMalformed},
	{"column twice", slices.Concat([]byte{1, exit, 2, 1, 3}, exitPID, exitPID, exitTime), append([]byte{1, 1}, exitData...), ErrMalformed},
	{"value beyond its bits", exitWith(7, 1), exitData, ErrMalformed},
	{"value below zero", exitColumn(0, 0, 32, 3|1<<4|1<<2, 2, 5), []byte{13, 2, 0, 2}, ErrMalformed},
	{"followed value beyond its bits", exitColumn(0, 0, 1, 3|3<<2, 2), exitData, ErrMalformed},
	{"constant beyond its bits", exitColumn(0, 0, 2, 0, 4), exitData[2:], ErrMalformed},
	{"constant of a shape beyond its bits", exitColumn(0, 0, 2, 1, 4), exitData[2:], ErrMalformed},
	{"step beyond its bits", exitColumn(0, 0, 2, 2, 4), exitData[2:], ErrMalformed},
}

// TestPayloadByHand decodes two process exits at times 5 and 7 whose pids are 1
// and 2, and then what differs from a good payload in one place.
func TestPayloadByHand(t *testing.T) {
	h := blockHeader{firstTime: 5, lastTime: 7, firstSeq: 100, lastSeq: 101}
	want := []Event{ProcessExit{1}.Event(5), ProcessExit{2}.Event(7)}
	want[0].Seq, want[1].Seq = 100, 101
	for _, c := range payloadCases {
		var x blockDecoder
		got := make([]Event, 2)
		err := x.decode(testPayload([]byte{0, 0}, c.dir, c.data), &h, got)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if c.want == nil && !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, want)
		}
	}
	good := testPayload([]byte{0, 0}, exitGood, exitData)
	for what, b := range map[string][]byte{
		"empty": nil, "shapes only": good[:2], "no directory": good[:6], "directory too long": exitTooLong(),
		"unknown shape": append([]byte{0, 1}, good[2:]...),
	} {
		var x blockDecoder
		if err := x.decode(b, &h, make([]Event, 2)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func exitTooLong() []byte {
	b := testPayload([]byte{0, 0}, exitGood, exitData)
	b[5] = 255
	return b
}

// TestNumbersRise decodes sparse blocks: numbers rise, except in key-frames.
func TestNumbersRise(t *testing.T) {
	events := number(session(3))
	events[2].Seq = 1
	h := headerOf(events)
	var x blockEncoder
	payload := x.encode(events, h)
	for kind, want := range map[blockKind]error{blockEvents: ErrMalformed, blockEvents + 2: nil} {
		var d blockDecoder
		h.kind = kind
		if err := d.decode(payload, h, make([]Event, 3)); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("block of kind %d: %v", kind, err)
		}
	}
}

// TestOldReaderTakesNewFields decodes a column that no version has yet.
func TestOldReaderTakesNewFields(t *testing.T) {
	dir := []byte{1, exit, 1, 1, 3, 0, 0, 32, 0, 7, 7, 60, 4, 0, 15, slotVCPU, 0, 16, 0, 3}
	var x blockDecoder
	got := make([]Event, 1)
	err := x.decode(testPayload([]byte{0}, dir, nil), &blockHeader{}, got)
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
