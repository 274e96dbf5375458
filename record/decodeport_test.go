package record

import (
	"errors"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// with adds to a slot's record what it tells besides.
func with(b []byte, t, by uint64) []byte {
	le.PutUint64(b[88:], t)
	le.PutUint64(b[96:], by)
	return b
}

// rawPort is a record of the port that rawSlot has.
func rawPort(k rawKind, t uint64, cpu uint16) []byte {
	b := rawRecord(k, t)
	le.PutUint32(b[32:], 7)
	le.PutUint16(b[40:], testDom)
	le.PutUint16(b[42:], cpu)
	return b
}

// tellWaiting returns the events of what waits in the table, of port 7, for the last
// time or not.
func tellWaiting(t *testing.T, d *decoder, w waiting, last bool) []format.Event {
	t.Helper()
	if err := d.tellWaiting(func(port uint32) (waiting, error) {
		if port != 7 {
			t.Errorf("asked for port %d", port)
		}
		return w, nil
	}, last); err != nil {
		t.Fatal(err)
	}
	return decodeAll(d)
}

var (
	askedIn  = xen.IOReq{Addr: 0x5678, Size: 1, Count: 1, EPort: 9, State: xen.StateReady}
	askedBy  = format.Caller{PID: testPID, TID: 102} // who unmasks
	unmasker = uint64(askedBy.PID)<<32 | uint64(askedBy.TID)
)

func answerTo(q xen.IOReq) xen.IOReq {
	q.State = xen.StateRespReady
	return q
}

// TestSlotsTellOfTheirPorts: the interrupt stands before the read, the unmask before the
// answer, each with its own time, CPU and thread, as records of their own would have told.
func TestSlotsTellOfTheirPorts(t *testing.T) {
	d := newDecoder()
	got := decodeAll(d, with(rawSlot(rawSlotIn, 10, 1, askedIn), 8, 3), with(rawSlot(rawSlotOut, 20, 1, answerTo(askedIn)), 15, unmasker))
	alone := newDecoder()
	unmask := rawPort(rawUnmask, 15, 0)
	le.PutUint32(unmask[20:], askedBy.TID)
	want := decodeAll(alone, rawPort(rawInterrupt, 8, 3), rawSlot(rawSlotIn, 10, 1, askedIn), unmask, rawSlot(rawSlotOut, 20, 1, answerTo(askedIn)))
	if !slices.Equal(got, want) || len(want) != 5 {
		t.Errorf("together %v\nalone    %v", got, want)
	}
}

// TestWhatARecordTellsBesidesIsCounted by its probe and number.
func TestWhatARecordTellsBesidesIsCounted(t *testing.T) {
	d := newDecoder()
	in := with(rawSlot(rawSlotIn, 10, 1, askedIn), 8, 3)
	in[30] = byte(format.ProbeIOReq)
	decodeAll(d, in)
	r := d.received.at(0)
	if r.next != 2 || r.by[format.ProbeIOReq] != 1 || r.by[format.ProbeInterrupt] != 1 || d.gaps != 0 {
		t.Errorf("received %+v, %d missing", r, d.gaps)
	}
}

// TestWaitingIsToldOnce, whichever comes first, the look into the table or the record.
func TestWaitingIsToldOnce(t *testing.T) {
	d := newDecoder()
	decodeAll(d, rawPort(rawInterrupt, 1, 0), rawSlot(rawSlotIn, 2, 1, askedIn), rawSlot(rawSlotOut, 3, 1, answerTo(askedIn)))
	w := waiting{arrived: 8, cpu: 3, unmasked: 15, by: askedBy}
	if early := tellWaiting(t, d, w, false); len(early) != 0 {
		t.Errorf("told at the first look: %v", early)
	}
	told := tellWaiting(t, d, w, false)
	if want := []format.Kind{format.KindEvtchnInterrupt, format.KindEvtchnUnmask}; !slices.Equal(kindsOf(told), want) {
		t.Fatalf("told kinds %v, want %v", kindsOf(told), want)
	}
	if p := told[0].PortEvent(); p.CPU != 3 || p.Port != 7 || told[0].Time != 8 {
		t.Errorf("interrupt %+v at %d", p, told[0].Time)
	}
	if p := told[1].PortEvent(); p.Caller != askedBy || p.Dom != testDom || told[1].Time != 15 {
		t.Errorf("unmask %+v at %d", p, told[1].Time)
	}
	if again := tellWaiting(t, d, w, true); len(again) != 0 {
		t.Errorf("told again: %v", again)
	}
	later := tellWaiting(t, d, waiting{arrived: 30, unmasked: 40, by: askedBy}, true)
	got := decodeAll(d, with(rawSlot(rawSlotIn, 10, 1, askedIn), 8, 3), with(rawSlot(rawSlotOut, 20, 1, answerTo(askedIn)), 15, unmasker),
		with(rawSlot(rawSlotIn, 32, 1, askedIn), 30, 3), with(rawSlot(rawSlotOut, 42, 1, answerTo(askedIn)), 40, unmasker))
	if want := []format.Kind{
		format.KindEvtchnRead, format.KindIOReq, format.KindIOResp, format.KindEvtchnRead, format.KindIOReq, format.KindIOResp,
	}; len(later) != 2 || !slices.Equal(kindsOf(got), want) {
		t.Errorf("later %v; the records tell kinds %v, want %v", kindsOf(later), kindsOf(got), want)
	}
}

// TestToldDoesNotGrow where the records of what was told are lost.
func TestToldDoesNotGrow(t *testing.T) {
	var o told
	for at := range uint64(100) {
		if !o.add(1+2*at) || o.add(1+2*at) || !o.news(2+2*at) || len(o) != 0 {
			t.Fatalf("at %d: %v", at, o)
		}
	}
	o.add(300)
	if !o.news(299) || o.news(300) || len(o) != 0 {
		t.Errorf("told %v", o)
	}
}

// TestPortsOfTheDeadAreForgotten once nothing waits for them.
func TestPortsOfTheDeadAreForgotten(t *testing.T) {
	d := newDecoder()
	decodeAll(d, rawSlot(rawSlotIn, 2, 1, askedIn))
	tellWaiting(t, d, waiting{}, false)
	if len(d.ports) != 1 {
		t.Errorf("%d ports while the device model lives, want 1", len(d.ports))
	}
	decodeAll(d, rawRecord(rawExit, 3))
	if told := tellWaiting(t, d, waiting{arrived: 5}, true); len(told) != 1 || len(d.ports) != 1 {
		t.Errorf("told %v, %d ports known", told, len(d.ports))
	}
	if tellWaiting(t, d, waiting{}, false); len(d.ports) != 0 {
		t.Errorf("%d ports are left", len(d.ports))
	}
}

func TestTableThatCannotBeRead(t *testing.T) {
	d, broken := newDecoder(), errors.New("broken")
	decodeAll(d, rawPort(rawRead, 1, 0))
	if err := d.tellWaiting(func(uint32) (waiting, error) { return waiting{}, broken }, false); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
