package format

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/quick"

	"github.com/iotrace-xen/iotrace/xen"
)

func TestSpecsAreConsistent(t *testing.T) {
	names := make(map[string]Kind)
	for k := range Kinds() {
		s := &specs[k]
		if s.name == "" {
			t.Errorf("kind %d has no row", k)
			continue
		}
		if other, ok := names[s.name]; ok {
			t.Errorf("kinds %d and %d are both called %s", other, k, s.name)
		}
		names[s.name] = k
		if strings.HasPrefix(s.name, "kind") || strings.ContainsAny(s.name, " =#\t\r") {
			t.Errorf("kind name %q would not parse", s.name)
		}
		if KindByName(s.name) != k || k.String() != s.name {
			t.Errorf("%s: name and number are not inverse", s.name)
		}
		checkFields(t, s)
	}
}

func checkFields(t *testing.T, s *spec) {
	t.Helper()
	if len(s.fields) > 32 {
		t.Errorf("%s: the text parser counts at most 32 fields", s.name)
	}
	names := make(map[string]bool)
	var taken [numSlots]uint64
	seen := 0
	for i := range s.fields {
		f := &s.fields[i]
		c := f.column()
		if names[f.name] {
			t.Errorf("%s: two fields %s", s.name, f.name)
		}
		names[f.name] = true
		if c.bits == 0 || int(c.shift)+int(c.bits) > 64 || c.slot >= numSlots {
			t.Errorf("%s.%s: bits [%d,+%d) of slot %d", s.name, f.name, c.shift, c.bits, c.slot)
			continue
		}
		if bits := c.mask() << c.shift; taken[c.slot]&bits != 0 {
			t.Errorf("%s.%s overlaps another field", s.name, f.name)
		} else {
			taken[c.slot] |= bits
		}
		if slot := slotOf(f.name); slot >= 0 && (slot < NumWords || uint8(slot) != c.slot) {
			t.Errorf("%s.%s has a key that extra bits use", s.name, f.name)
		}
		if (f.typ == typeBool || f.typ == typeSeen) && c.bits != 1 {
			t.Errorf("%s.%s: a flag of %d bits", s.name, f.name, c.bits)
		}
		if f.typ == typeSeen {
			seen++
		}
	}
	if seen > 1 {
		t.Errorf("%s: %d typeSeen fields", s.name, seen)
	}
}

// slotOf returns the slot whose extra key is name, -1 if none.
func slotOf(name string) int {
	for slot, n := range extraNames {
		if n == name {
			return slot
		}
	}
	return -1
}

// repack unpacks an event with its kind's view and packs it again.
func repack(e Event) Event {
	switch e.Kind {
	case KindClock:
		return e.Clock().Event(e.Time)
	case KindLost:
		return e.Lost().Event(e.Time)
	case KindProcess:
		return e.Process().Event(e.Time)
	case KindProcessExit:
		return e.ProcessExit().Event(e.Time)
	case KindDomainFound:
		return e.DomainFound().Event(e.Time)
	case KindServerFound:
		return e.ServerFound().Event(e.Time)
	case KindPortFound:
		return e.PortFound().Event(e.Time)
	case KindUnlearned:
		return e.Unlearned().Event(e.Time)
	case KindDMOpEnter:
		return e.DMOpEnter().Event(e.Time)
	case KindDMOpBuf:
		return e.DMOpBuf().Event(e.Time)
	case KindDMOpReturn:
		return e.DMOpReturn().Event(e.Time)
	case KindHypercallEnter:
		return e.HypercallEnter().Event(e.Time)
	case KindHypercallReturn:
		return e.HypercallReturn().Event(e.Time)
	case KindMmapResourceEnter:
		return e.MmapResourceEnter().Event(e.Time)
	case KindIoctlEnter:
		return e.IoctlEnter().Event(e.Time)
	case KindIoctlReturn:
		return e.IoctlReturn().Event(e.Time)
	case KindEvtchnInterrupt, KindEvtchnRead, KindEvtchnUnmask:
		return e.PortEvent().Event(e.Kind, e.Time)
	case KindIOReq, KindIOResp:
		return e.IOReq().Event(e.Kind, e.Time)
	case KindBufIOReq:
		return e.BufIOReq().Event(e.Time)
	case KindMark:
		return e.Mark().Event(e.Time)
	case KindLeftOut:
		return e.LeftOut().Event(e.Time)
	case KindRingCount:
		return e.RingCount().Event(e.Time)
	}
	if o, ok := e.Opened(); ok {
		return OpenEvent(repack(o))
	}
	return repackState(e)
}

// TestViewsHoldEveryField fails if a view loses a field of the table, or the
// table a part of a view.
func TestViewsHoldEveryField(t *testing.T) {
	rng := newRand(7)
	for k := range Kinds() {
		for range 200 {
			e := fieldEvent(rng, k)
			if k&^KindOpen == KindMmapResourceEnter { // its server is derived
				e.Server = xen.NoServer
				if uint32(e.W[2]) == 0 && e.W[2]>>32 < uint64(xen.NoServer) {
					e.Server = xen.ServerID(e.W[2] >> 32)
				}
			}
			if got := repack(e); got != e {
				t.Fatalf("%v:\n got %s\nwant %s", k, AppendText(nil, got), AppendText(nil, e))
			}
		}
	}
}

func TestViewsSurviveTheEvent(t *testing.T) {
	checks := []any{
		func(v Clock) bool { return v == v.Event(1).Clock() },
		func(v Lost) bool { return v == v.Event(1).Lost() },
		func(v ProcessExit) bool { return v == v.Event(1).ProcessExit() },
		func(v DomainFound) bool { return v == v.Event(1).DomainFound() },
		func(v ServerFound) bool { return v == v.Event(1).ServerFound() },
		func(v PortFound) bool { return v == v.Event(1).PortFound() },
		func(v Unlearned) bool { return v == v.Event(1).Unlearned() },
		func(v DMOpEnter) bool { return v == v.Event(1).DMOpEnter() },
		func(v DMOpBuf) bool { return v == v.Event(1).DMOpBuf() },
		func(v DMOpReturn) bool { return v == v.Event(1).DMOpReturn() },
		func(v HypercallEnter) bool {
			v.Nr &= 1<<32 - 1
			return v == v.Event(1).HypercallEnter()
		},
		func(v HypercallReturn) bool { return v == v.Event(1).HypercallReturn() },
		func(v MmapResourceEnter) bool { return v == v.Event(1).MmapResourceEnter() },
		func(v IoctlEnter) bool { return v == v.Event(1).IoctlEnter() },
		func(v IoctlReturn) bool { return v == v.Event(1).IoctlReturn() },
		func(v PortEvent) bool { v.CPU = 0; return v == v.Event(KindEvtchnRead, 1).PortEvent() },
		func(v PortEvent) bool {
			v.Dom, v.Caller = xen.DomInvalid, Caller{}
			return v == v.Event(KindEvtchnInterrupt, 1).PortEvent()
		},
		func(v IOReq) bool {
			v.Req.State, v.Req.Dir = v.Req.State&15, v.Req.Dir&1
			return v == v.Event(KindIOReq, 1).IOReq()
		},
		func(v BufIOReq) bool { v.Dir &= 1; return v == v.Event(1).BufIOReq() },
		func(part, parts uint16, text [markChars]byte) bool {
			v := Mark{part, parts, strings.TrimRight(string(text[:]), "\x00")}
			return v == v.Event(1).Mark()
		},
		func(v RingCount) bool { return v == v.Event(1).RingCount() },
		func(v LeftOut) bool { return v == v.Event(1).LeftOut() },
		func(pid uint32, name [16]byte) bool {
			v := Process{pid, string(name[:])}
			if i := strings.IndexByte(v.Comm, 0); i >= 0 {
				v.Comm = v.Comm[:i]
			}
			return v == v.Event(1).Process()
		},
	}
	for _, check := range checks {
		if err := quick.Check(check, nil); err != nil {
			t.Errorf("%v: %v", reflect.TypeOf(check), err)
		}
	}
}

func TestViewsOfOtherKindsAreZero(t *testing.T) {
	rng := newRand(9)
	for k := range Kinds() {
		e := fieldEvent(rng, k)
		e.Kind = 250
		v := reflect.ValueOf(e)
		for i := range v.NumMethod() {
			m := v.Type().Method(i)
			if m.Type.NumIn() == 1 && m.Type.NumOut() == 1 && !v.Method(i).Call(nil)[0].IsZero() {
				t.Errorf("%s of another kind is not zero", m.Name)
			}
		}
	}
}

func TestEnumsReadBack(t *testing.T) {
	for typ, e := range enums {
		if e.name == nil {
			continue
		}
		for v := range uint64(300) {
			checkEnum(t, fieldType(typ), v)
		}
		for shift := range 64 {
			checkEnum(t, fieldType(typ), 1<<shift|0x5005)
		}
		for _, v := range e.values {
			checkEnum(t, fieldType(typ), v)
		}
	}
}

func checkEnum(t *testing.T, typ fieldType, v uint64) {
	t.Helper()
	switch typ { // the Go types are as wide as the widest field
	case typeReqType, typeState, typeDir, typeKind:
		v &= 0xff
	case typeDMOp, typeIoctl, typeSpace:
		v &= 1<<32 - 1
	}
	if typ == typeDir {
		v &= 1
	}
	name := enums[typ].name(v)
	if got, ok := parseEnum(typ, []byte(name)); !ok || got != v {
		t.Errorf("type %d: %d is written %s and read %d, %v", typ, v, name, got, ok)
	}
	if got, ok := parseEnum(typ, []byte(strconv.FormatUint(v, 10))); !ok || got != v {
		t.Errorf("type %d: the bare number %d is read %d, %v", typ, v, got, ok)
	}
}

// TestEveryIoctlNameIsListed finds names that enum.go does not know of, among
// all numbers that Linux's _IOC can build for the two devices.
func TestEveryIoctlNameIsListed(t *testing.T) {
	for dir := range uint32(4) {
		for size := range uint32(256) {
			for _, device := range [...]uint32{'P', 'E'} {
				for nr := range uint32(256) {
					v := xen.Ioctl(dir<<30 | size<<16 | device<<8 | nr)
					if got, ok := parseEnum(typeIoctl, []byte(v.String())); !ok || got != uint64(v) {
						t.Errorf("%v (0x%x) is not in ioctls()", v, uint32(v))
					}
				}
			}
		}
	}
}
