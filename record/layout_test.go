//go:build linux && amd64

package record

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestLayout compares the decoder's sizes and offsets with the structures that
// the compiler laid out. Each offset is tried by the parser itself: a record
// with one field set must be parsed into that value.
func TestLayout(t *testing.T) {
	sizes := map[rawKind]uintptr{
		rawProcess: unsafe.Sizeof(fentryRecProcess{}), rawExit: unsafe.Sizeof(fentryRecHead{}),
		rawInterrupt: unsafe.Sizeof(fentryRecPort{}), rawRead: unsafe.Sizeof(fentryRecPort{}),
		rawUnmask: unsafe.Sizeof(fentryRecPort{}), rawSlotIn: unsafe.Sizeof(fentryRecSlot{}),
		rawSlotOut: unsafe.Sizeof(fentryRecSlot{}), rawRing: unsafe.Sizeof(fentryRecRing{}),
		rawPage: unsafe.Sizeof(fentryRecPage{}), rawIoctl: unsafe.Sizeof(fentryRecIoctl{}),
		rawIoctlRet: unsafe.Sizeof(fentryRecRet{}), rawMmap: unsafe.Sizeof(fentryRecMmap{}),
		rawDMOp: unsafe.Sizeof(fentryRecDmop{}), rawDMOpBuf: unsafe.Sizeof(fentryRecDmopBuf{}),
		rawDMOpRet: unsafe.Sizeof(fentryRecRet{}), rawHyper: unsafe.Sizeof(fentryRecHyper{}),
		rawHyperRet: unsafe.Sizeof(fentryRecRet{}), rawHook: unsafe.Sizeof(fentryRecHook{}),
		rawHookRet: unsafe.Sizeof(fentryRecHook{}), rawExec: unsafe.Sizeof(fentryRecProcess{}),
		rawEventFD: unsafe.Sizeof(fentryRecEventfd{}), rawIRQFD: unsafe.Sizeof(fentryRecRet{}),
	}
	for k := rawKind(1); k < numRawKinds; k++ {
		if got := uintptr(rawSizes[k]); got != sizes[k] {
			t.Errorf("kind %d: the decoder wants %d bytes, the probes make %d", k, got, sizes[k])
		}
	}
	if rawRingHeadSize != unsafe.Sizeof(fentryRecRingHead{}) || rawFew != len(fentryRecRing{}.Slots) {
		t.Error("rec_ring differs")
	}
}

// bytesOf returns the memory of a structure.
func bytesOf[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }

func TestParsersReadTheCompilersFields(t *testing.T) {
	head := fentryRecHead{Time: 1, Seq: 2, Tgid: 3, Tid: 4, Cpu: 5, Kind: uint8(rawExit), Flags: 7, Dom: 8, Probe: 9}
	if h, ok := parseHead(bytesOf(&head)); !ok || h != (rawHead{1, 2, 3, 4, 5, rawExit, 7, 8, 9}) {
		t.Errorf("head %+v %v", h, ok)
	}
	port := fentryRecPort{Port: 1, Remote: 2, Dom: 3, On: 4}
	if p := parsePort(bytesOf(&port)); p != (rawPortRec{1, 2, 3, 4}) {
		t.Errorf("port %+v", p)
	}
	slot := fentryRecSlot{Port: 1, Remote: 2, Dom: 3, Server: 4, Vcpu: 5, Entry: 6, Born: 7, Slot: [32]uint8{8, 31: 9}, With: 10, By: 11}
	if s := parseSlot(bytesOf(&slot)); s.Port != 1 || s.Remote != 2 || s.Dom != 3 || s.Server != 4 || s.VCPU != 5 ||
		s.Entry != 6 || s.Born != 7 || [32]byte(s.Slot) != slot.Slot || s.With != 10 || s.By != 11 {
		t.Errorf("slot %+v", s)
	}
	ring := fentryRecRingHead{Born: 1, Total: 2, Rp: 3, Wp: 4, Rp2: 5, Wp2: 6, Dom: 7, Server: 8, Entry: 9, Carried: 10}
	if r := parseRing(bytesOf(&ring)); r != (rawRingRec{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
		t.Errorf("ring %+v", r)
	}
	ioctl := fentryRecIoctl{Cmd: 1, Dom: 2, Arg: 3}
	if i := parseIoctl(bytesOf(&ioctl)); i != (rawIoctlRec{1, 2, 3}) {
		t.Errorf("ioctl %+v", i)
	}
	fd := fentryRecEventfd{Ioctl: ioctl, Flags: 4, Known: 32, Data: [32]uint8{5, 31: 6}}
	if f := parseEventFD(bytesOf(&fd)); f.rawIoctlRec != (rawIoctlRec{1, 2, 3}) || f.Flags != 4 || [32]byte(f.Data) != fd.Data {
		t.Errorf("eventfd %+v", f)
	}
	mmap := fentryRecMmap{Dom: 1, Type: 2, Id: 3, Idx: 4, Num: 5}
	if m := parseMmap(bytesOf(&mmap)); m != (rawMmapRec{1, 2, 3, 4, 5}) {
		t.Errorf("mmap %+v", m)
	}
}

func TestParsersReadTheCompilersCalls(t *testing.T) {
	ret := fentryRecRet{Enter: 1, Ret: -2, Cmd: 3, Known: 32, Data: [32]uint8{4, 31: 5}}
	if r := parseRet(bytesOf(&ret)); r.Enter != 1 || r.Ret != -2 || r.Cmd != 3 || [32]byte(r.Data) != ret.Data {
		t.Errorf("ret %+v", r)
	}
	op := fentryRecDmopBuf{
		Dmop:  fentryRecDmop{Dom: 1, Num: 2, Known: 32, Size0: 4, Op: [32]uint8{5, 31: 6}},
		Size1: 7, Known1: 256, Data: [256]uint8{8, 255: 9},
	}
	d := parseDMOp(bytesOf(&op), rawDMOpBuf)
	if d.Dom != 1 || d.Num != 2 || d.Size0 != 4 || d.Size1 != 7 || [32]byte(d.Op) != op.Dmop.Op || [256]byte(d.Data1) != op.Data {
		t.Errorf("dm_op %+v", d)
	}
	hyper := fentryRecHyper{Nr: 1, Arg0: 2, Known: 32, Calls: 3, Data: [32]uint8{4, 31: 5}}
	hook := fentryRecHook{Hook: 1, Known: 2, Enter: 3, Ret: -4, Values: [hookValues]uint64{5, 15: 6}}
	if h := parseHook(bytesOf(&hook)); h != (rawHookRec{1, 2, 3, -4, [hookValues]uint64{5, 15: 6}}) {
		t.Errorf("hook %+v", h)
	}
	if h := parseHyper(bytesOf(&hyper)); h.Nr != 1 || h.Arg0 != 2 || h.Calls != 3 || [32]byte(h.Data) != hyper.Data {
		t.Errorf("hypercall %+v", h)
	}
}

// TestRingNames compares the names in the probes' table, as bpf/state.h makes them,
// with those that the records of a ring tell.
func TestRingNames(t *testing.T) {
	known := rawRingRec{Dom: 3, Server: 1, Entry: 5, Born: 9}
	if got, want := parseRingName(1<<63|3<<16|1, 9), nameOfRing(7, known); got != want {
		t.Errorf("a server's ring: %+v, its records have %+v", got, want)
	}
	unknown := known
	unknown.Server = uint16(xen.NoServer)
	if got, want := parseRingName(7<<32|5, 9), nameOfRing(7, unknown); got != want {
		t.Errorf("a mapping's ring: %+v, its records have %+v", got, want)
	}
}

// lacksProgram says whether a flavour does without a program: for tier A a return has
// the arguments, and no kernel of tier C answers requests by itself.
func lacksProgram(t Tier, name string) bool {
	if t >= TierC {
		return slices.Contains(eventFDPrograms, name)
	}
	return t == TierA && name == kprobeProgEvtchnReadEnter
}

// TestFlavoursLoad reads all objects and compares what the Go side relies on:
// names, layouts, and the loss counters' dimensions.
func TestFlavoursLoad(t *testing.T) {
	for _, f := range flavours {
		spec, err := f.load()
		if err != nil {
			t.Fatal(err)
		}
		if n := spec.Maps[fentryMapLost].MaxEntries; n != lossProbes*lossReasons {
			t.Errorf("tier %v: %d loss counters, want %d", f.tier, n, lossProbes*lossReasons)
		}
		made := unsafe.Sizeof(uint64(0))
		if f.perCPU() {
			made = unsafe.Sizeof(make(recordsMade, 1)[0])
		}
		if m := spec.Maps[fentryMapSequence]; uintptr(m.ValueSize) != made || m.MaxEntries != 1 {
			t.Errorf("tier %v: records are counted in %d values of %d bytes, want one of %d", f.tier, m.MaxEntries, m.ValueSize, made)
		}
		if err := f.configure(spec, &fentrySettings{}); err != nil {
			t.Errorf("tier %v: settings: %v", f.tier, err)
		}
		for name, size := range map[string]uintptr{
			fentryMapServers: unsafe.Sizeof(fentryTable{}), fentryMapPorts: unsafe.Sizeof(fentryPort{}),
		} {
			if got := uintptr(spec.Maps[name].ValueSize); got != size {
				t.Errorf("tier %v: %d bytes in %s, want %d", f.tier, got, name, size)
			}
		}
		for name := range programProbe {
			if spec.Programs[name] == nil && !lacksProgram(f.tier, name) {
				t.Errorf("tier %v: no program %s", f.tier, name)
			}
		}
		for _, spare := range spares {
			if (spec.Programs[spare] != nil) != (f.tier == TierA) {
				t.Errorf("tier %v: want spares in tier A alone, and all: %s", f.tier, spare)
			}
			delete(spec.Programs, spare)
		}
		for name := range spec.Programs {
			if _, ok := programProbe[name]; !ok && !unaccounted[name] {
				t.Errorf("tier %v: program %s is not accounted for", f.tier, name)
			}
		}
	}
	if format.ProbeWriter != lossProbes-1 || format.ReasonShare != lossReasons-1 {
		t.Error("format has other probes or reasons than the loss counters")
	}
}
