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

const (
	exit    = byte(KindProcessExit)
	oneByte = 2 | 1<<4 // codes of a byte
)

var (
	exitHead = []byte{1, 0, exit, 2, 1, 0, 2, 1}         // unit 1, no escapes, two events, one shape, times from 0 in two bits, a column
	exitPID  = []byte{0, 0, 32, oneByte | 1<<2, 0, 0, 0} // word 0, bits [0,+32), bytes against the one before, from 0, no escapes, 0 before the first
	exitData = []byte{1, 1, 0 | 2<<2}                    // pids 1 and 2, times 0 and 2 later
	exitGood = slices.Concat(exitHead, exitPID)
	tooLong  = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
)

// exitWith returns the good directory with some bytes changed from offset at.
func exitWith(at int, v ...byte) []byte {
	return slices.Concat(exitGood[:at], v, exitGood[at+len(v):])
}

// exitColumn returns a directory with another column for the pids.
func exitColumn(c ...byte) []byte { return slices.Concat(exitHead, c) }

var payloadCases = []payloadCase{
	{"good", exitGood, exitData, nil},
	{"no codes", exitColumn(0, 0, 32, 2|1<<2, 2, 0), exitData[2:], nil},
	{"two bytes", exitColumn(0, 0, 32, 2|2<<4|1<<2, 0, 0, 0), []byte{1, 0, 1, 0, 8}, nil},
	{"unit 2", exitWith(0, 2), []byte{1, 1, 0 | 1<<2}, nil},
	{"base", exitColumn(0, 0, 32, oneByte|1<<2, 3, 0, 3), []byte{0, 3, 8}, nil}, // 3-2+0, 1-2+3
	{"escape of a byte", exitColumn(0, 0, 32, oneByte|1<<2, 0, 1, 0), []byte{1, 255, 2, 8}, nil},
	{"escape of two bytes", exitColumn(0, 0, 32, 2|2<<4|1<<2, 0, 1, 0), []byte{1, 0, 255, 255, 2, 8}, nil},
	{"escape of a time", exitWith(1, 1), []byte{1, 1, 4, 0 | 3<<2}, nil},
	{"rare", exitColumn(0, 0, 32, 3|1<<2, 0, 2, 1), []byte{1, 2, 8}, nil}, // 1+0, then an escape: 1+1
	{"rare, both", exitColumn(0, 0, 32, 3|1<<2, 6, 4, 0), []byte{0, 2, 0, 2, 8}, nil},
	{"rare, without any", exitColumn(0, 0, 32, 3|1<<2, 2, 0, 0), exitData[2:], nil},
	{"rare beyond the events", exitColumn(0, 0, 32, 3|1<<2, 2, 2, 0), []byte{2, 2, 8}, ErrMalformed},
	{"rare far beyond", exitColumn(0, 0, 32, 3|1<<2, 2, 10, 0), slices.Concat(tooLong[:8], []byte{0x7f, 2, 8}), ErrMalformed},
	{"rare without a value", exitColumn(0, 0, 32, 3|1<<2, 2, 1, 0), []byte{1, 8}, ErrMalformed},
	{"rare, a place left", exitColumn(0, 0, 32, 3|1<<2, 0, 3, 1), []byte{1, 2, 0, 8}, ErrMalformed},
	{"rare codes of a byte", exitColumn(0, 0, 32, 3|1<<2|1<<4, 2, 0, 0), exitData, ErrVersion},
	{"no unit", exitWith(0, 0), exitData, ErrMalformed},
	{"nothing", nil, nil, ErrMalformed},
	{"no section", exitGood[:2], nil, ErrMalformed},
	{"three events", exitWith(3, 3), exitData, ErrMalformed},
	{"one event", exitWith(3, 1), exitData, ErrMalformed},
	{"no shapes", exitWith(4, 0), exitData, ErrMalformed},
	{"a shape too many", exitWith(4, 2), exitData, ErrMalformed},
	{"a column too many", exitWith(7, 2), exitData, ErrMalformed},
	{"a column too few", exitWith(7, 0), exitData, ErrMalformed},
	{"later than the header says", exitGood, []byte{1, 1, 1 | 2<<2}, ErrMalformed},
	{"earlier than the header says", exitGood, []byte{1, 1, 0 | 1<<2}, ErrMalformed},
	{"time that must escape", exitGood, []byte{1, 1, 0 | 3<<2}, ErrMalformed},
	{"escapes of times left", exitWith(1, 1), []byte{1, 1, 4, 8}, ErrMalformed},
	{"endless escape of a time", exitWith(1, 10), slices.Concat([]byte{1, 1}, tooLong, []byte{0 | 3<<2}), ErrMalformed},
	{"times of 57 bits", exitWith(6, 57), slices.Concat([]byte{1, 1}, make([]byte, 15)), ErrMalformed},
	{"section twice", slices.Concat(exitGood, exitGood[2:]), append(exitData, exitData...), ErrMalformed},
	{"kind 0", exitWith(2, 0), exitData, ErrMalformed},
	{"kinds fall", slices.Concat(exitWith(3, 1)[:15], []byte{1, 1, 1, 0, 2, 0}), []byte{1, 8}, ErrMalformed},
	{"section cut", exitGood[:4], nil, ErrMalformed},
	{"column cut", exitGood[:10], exitData, ErrMalformed},
	{"column without size", exitGood[:13], exitData, ErrMalformed},
	{"slot 11", exitWith(8, 11), exitData, ErrMalformed},
	{"33 bits at 32", exitWith(9, 32, 33), exitData, ErrMalformed},
	{"no bits", exitWith(10, 0), exitData, ErrMalformed},
	{"17 bits of an id", exitWith(8, slotDom, 0, 17), exitData, ErrMalformed},
	{"upper bits of an id", exitWith(8, slotDom, 1, 15), exitData, ErrMalformed},
	{"constant with a predictor", exitColumn(0, 0, 32, 0|1<<2, 1), exitData[2:], ErrVersion},
	{"shapes with a predictor", exitColumn(0, 0, 32, 1|1<<2, 1), exitData[2:], ErrVersion},
	{"codes of nine bytes", exitWith(11, 2|9<<4), append(make([]byte, 18), exitData[2:]...), ErrVersion},
	{"escapes beyond the data", exitWith(13, 5), exitData, ErrMalformed},
	{"escapes left", exitWith(13, 1), []byte{1, 1, 2, 8}, ErrMalformed},
	{"endless escape", exitWith(13, 10), slices.Concat([]byte{1, 255}, tooLong, []byte{8}), ErrMalformed},
	{"escape missing", exitGood, []byte{1, 255, 8}, ErrMalformed},
	{"data left over", exitGood, append(exitData, 0), ErrMalformed},
	{"data missing", exitGood, exitData[:2], ErrMalformed},
	{"column twice", slices.Concat(exitHead[:7], []byte{2}, exitPID, exitPID), append([]byte{1, 1}, exitData...), ErrMalformed},
	{"value beyond its bits", exitWith(10, 1), exitData, ErrMalformed},
	{"value below zero", exitColumn(0, 0, 32, oneByte|1<<2, 5, 0, 0), []byte{2, 5, 8}, ErrMalformed},
	{"paired value beyond its bits", exitColumn(0, 0, 1, oneByte|2<<2, 0, 0), []byte{1, 2, 8}, ErrMalformed},
	{"constant beyond its bits", exitColumn(0, 0, 2, 0, 4), exitData[2:], ErrMalformed},
	{"constant of a shape beyond its bits", exitColumn(0, 0, 2, 1, 4), exitData[2:], ErrMalformed},
	{"difference beyond its bits", exitColumn(0, 0, 2, 2, 8), exitData[2:], ErrMalformed},
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
		err := decodeAll(&x, testPayload([]byte{0, 0}, c.dir, c.data), &h, got)
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
		if err := decodeAll(&x, b, &h, make([]Event, 2)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func exitTooLong() []byte {
	b := testPayload([]byte{0, 0}, exitGood, exitData)
	b[5] = 255
	return b
}

// TestNumbersRise decodes a sparse block whose numbers do not rise.
func TestNumbersRise(t *testing.T) {
	events := number(session(3))
	events[2].Seq = 1
	h := headerOf(events)
	var x blockEncoder
	payload, _ := x.encode(events, h)
	var d blockDecoder
	got := make([]Event, 3)
	if err := decodeAll(&d, payload, h, got); err != nil || !slices.Equal(got, events) {
		t.Errorf("%v, or others come back", err)
	}
	r := blockReader{h: blockHeader{kind: blockEvents, count: 3, firstSeq: events[0].Seq, lastSeq: events[2].Seq}, left: 3, next: events[0].Seq}
	if err := r.checkNumbers(got); !errors.Is(err, ErrMalformed) {
		t.Errorf("numbers that fall: %v", err)
	}
}

// TestOldReaderTakesNewFields decodes a column that no version has yet.
func TestOldReaderTakesNewFields(t *testing.T) {
	dir := []byte{1, 0, exit, 1, 1, 0, 0, 3, 0, 0, 32, 0, 7, 7, 60, 4, 0, 15, slotVCPU, 0, 16, 0, 3}
	var x blockDecoder
	got := make([]Event, 1)
	err := decodeAll(&x, testPayload([]byte{0}, dir, nil), &blockHeader{}, got)
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
