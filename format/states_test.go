package format

import (
	"reflect"
	"testing"
	"testing/quick"

	"github.com/iotrace-xen/iotrace/xen"
)

// repackState is repack for the state of key-frames.
func repackState(e Event) Event {
	switch e.Kind {
	case KindKeyFrame:
		return e.KeyFrame().Event(e.Time)
	case KindStateClock:
		return e.StateClock().State(e.Time)
	case KindStateProcess:
		return e.StateProcess().State(e.Time)
	case KindStatePort:
		return e.StatePort().State(e.Time)
	case KindStateJail:
		return e.StateJail().Event(e.Time)
	case KindStateDomain:
		return e.StateDomain().Event(e.Time)
	case KindStateClaim:
		return e.StateClaim().Event(e.Time)
	case KindStateLatch:
		return e.StateLatch().Event(e.Time)
	case KindStateServer:
		return e.StateServer().Event(e.Time)
	case KindStateServerInfo:
		return e.StateServerInfo().Event(e.Time)
	case KindStateRange:
		return e.StateRange().Event(e.Time)
	case KindStatePages:
		return e.StatePages().Event(e.Time)
	case KindStateTable, KindStateTracked:
		return e.StateRun().Event(e.Kind, e.Time)
	case KindStateAlly:
		return e.StateAlly().Event(e.Time)
	case KindStateSlot:
		return e.StateSlot().Event(e.Time)
	case KindStateDoomed:
		return e.StateDoomed().Event(e.Time)
	case KindStateRing:
		return e.StateRing().State(e.Time)
	case KindStateRequest:
		return e.StateRequest().Event(e.Time)
	case KindStateCall:
		return e.StateCall().Event(e.Time)
	case KindStateApplied:
		return e.StateApplied().Event(e.Time)
	}
	return Event{}
}

// everyState is a key-frame with each of its kinds. read is an open request.
func everyState(read IOReq) []Event {
	const dom = 1
	qemu := Caller{PID: 1234, TID: 1235}
	state := []Event{
		Clock{WallNS: 1_700_000_000_000_000_000, RawNS: 999, TSC: 1 << 62, XenNS: 77}.State(0),
		Process{PID: 1234, Comm: "qemu-system-i386"}.State(0),
		PortFound{Dom: dom, Local: 61, RemoteInDom: 5}.State(0),
		StateJail{PID: 1234, Dom: dom}.Event(0),
		StateDomain{Dom: dom, Complete: true, Typed: true, Rest: 0xef, MappedKnown: true, Mapped: 0xfffff, Marks: 0x200}.Event(0),
		StateDomain{Dom: 2, Dying: true, Gone: true, LogDirty: true, Shadow: true, Rest: 0xff}.Event(0),
		StateClaim{Dom: dom, Server: 1, Held: Yes}.Event(0),
		StateClaim{Dom: 2, Server: xen.NoServer, Held: Maybe}.Event(0),
		StateLatch{Dom: dom, Known: true, Value: 0x80001000, Extended: No}.Event(0),
		StateServer{Dom: dom, Server: 1, Exists: Yes, Enabled: Yes, Ring: No, EPort: Yes, Pages: 3, Closed: true, Owned: true}.Event(0),
		StateServer{Dom: 2, Server: 3}.Event(0),
		StateServerInfo{Dom: dom, Server: 1, Words: [3]uint64{9 << 32}, Mask: [3]uint64{0xffffffff << 32}}.Event(0),
		StateRange{Dom: dom, Server: 1, Range: xen.Range{Space: xen.SpacePCI, First: 0x10, Last: 0x17}}.Event(0),
		StatePages{Dom: dom, First: 0x100, Last: 0x1ff, Types: 1 << 4}.Event(0),
		StatePages{Dom: dom, First: 0x200, Last: 0x200, Types: 9}.Event(0),
		StateRun{Dom: dom, First: 1, Last: 2}.Event(KindStateTable, 0),
		StateRun{Dom: dom, First: 0xa0, Last: 0xbf}.Event(KindStateTracked, 0),
		StateAlly{Dom: dom, Ally: 7}.Event(0),
		StateSlot{Dom: dom, Server: 1, VCPU: 2, State: xen.StateInProcess}.Event(0),
		StateDoomed{Dom: dom, Server: 0}.Event(0),
		RingCount{Dom: dom, Server: 1, Captured: 2, Lost: 3}.State(0),
		OpenEvent(read.Event(KindIOReq, 0)),
		StateRequest{Dom: dom, ID: read.ID, Disputed: true}.Event(0),
		OpenEvent(DMOpEnter{Dom: dom, ID: 2, Caller: qemu, NrBufs: 1, Known: true, Size0: 32, Op: xen.NewDMOp(xen.DestroyIOReqServer{})}.Event(0)),
		OpenEvent(DMOpBuf{Dom: dom, ID: 2, Buf: 1, Size: 16, Words: [2]uint64{1, 0x100}}.Event(0)),
		StateCall{ID: 2, Life: LifeFormer, Stale: true}.Event(0),
		StateApplied{ID: 2, Errno: xen.EBusy, Words: [3]uint64{2 << 32}, Mask: [3]uint64{0xffff << 32}}.Event(0),
		OpenEvent(HypercallEnter{Dom: dom, ID: 3, Caller: qemu, Nr: xen.HyperDomctl, Sub: 2}.Event(0)),
		OpenEvent(MmapResourceEnter{Dom: dom, ID: 4, Caller: qemu, ResID: 1, Frame: 1, Num: 1}.Event(0)),
		OpenEvent(IoctlEnter{Dom: dom, ID: 5, Caller: qemu, Cmd: xen.EvtchnUnbind, Arg: 61}.Event(0)),
	}
	head := KeyFrame{Count: uint64(len(state) + 1), Lost: 3, Calm: true, CallsLost: true}
	return append([]Event{head.Event(0)}, state...)
}

func TestStateViewsSurviveTheEvent(t *testing.T) {
	checks := []any{
		func(v KeyFrame) bool { return v == v.Event(1).KeyFrame() },
		func(v Clock) bool { return v == v.State(1).StateClock() },
		func(v PortFound) bool { return v == v.State(1).StatePort() },
		func(v RingCount) bool { return v == v.State(1).StateRing() },
		func(v StateJail) bool { return v == v.Event(1).StateJail() },
		func(v StateDomain) bool { return v == v.Event(1).StateDomain() },
		func(v StateClaim) bool { return v == v.Event(1).StateClaim() },
		func(v StateLatch) bool { return v == v.Event(1).StateLatch() },
		func(v StateServer) bool { return v == v.Event(1).StateServer() },
		func(v StateServerInfo) bool { return v == v.Event(1).StateServerInfo() },
		func(v StateRange) bool { return v == v.Event(1).StateRange() },
		func(v StatePages) bool { return v == v.Event(1).StatePages() },
		func(v StateRun) bool { return v == v.Event(KindStateTable, 1).StateRun() },
		func(v StateRun) bool { return v == v.Event(KindStateTracked, 1).StateRun() },
		func(v StateAlly) bool { return v == v.Event(1).StateAlly() },
		func(v StateSlot) bool { v.State &= 15; return v == v.Event(1).StateSlot() },
		func(v StateDoomed) bool { return v == v.Event(1).StateDoomed() },
		func(v StateRequest) bool { return v == v.Event(1).StateRequest() },
		func(v StateCall) bool { return v == v.Event(1).StateCall() },
		func(v StateApplied) bool { return v == v.Event(1).StateApplied() },
	}
	for _, check := range checks {
		if err := quick.Check(check, nil); err != nil {
			t.Errorf("%v: %v", reflect.TypeOf(check), err)
		}
	}
}

// TestOpenKindsAreTheirOriginals: the copy in a key-frame has the fields of the
// event, and gives it back.
func TestOpenKindsAreTheirOriginals(t *testing.T) {
	rng := newRand(4)
	n := 0
	for k := range Kinds() {
		if k < KindOpen {
			if o, ok := fieldEvent(rng, k).Opened(); ok || o != (Event{}) {
				t.Errorf("%v was open as %v", k, o.Kind)
			}
			continue
		}
		n++
		if !k.InKeyFrame() || k.String() != "open_"+(k-KindOpen).String() || !reflect.DeepEqual(specs[k].fields, specs[k-KindOpen].fields) {
			t.Errorf("%v is not the open form of %v", k, k-KindOpen)
		}
		e := fieldEvent(rng, k-KindOpen)
		e.Seq = 17
		if o, ok := OpenEvent(e).Opened(); !ok || o != e {
			t.Errorf("%v came back as %+v", e, o)
		}
	}
	if n != len(openKinds) {
		t.Errorf("%d open kinds, want %d", n, len(openKinds))
	}
}

func TestPageTypesRead(t *testing.T) {
	for v, want := range map[PageTypes]string{0: "none", 1: "ram_rw", 0x90: "ioreq_server|special", 0xef: "untyped", 0xff: "unknown"} {
		if v.String() != want {
			t.Errorf("%#x is %q, want %q", uint8(v), v, want)
		}
	}
}
