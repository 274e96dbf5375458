package record

import (
	"encoding/binary"

	"github.com/iotrace-xen/iotrace/format"
)

// The raw records are those of bpf/records.h. The readers below take them apart
// by offset; TestLayout compares the offsets with the compiler's.

var le = binary.LittleEndian

type rawKind uint8

const (
	rawProcess rawKind = iota + 1
	rawExit
	rawInterrupt
	rawRead
	rawUnmask
	rawSlotIn
	rawSlotOut
	rawRing
	rawPage
	rawIoctl
	rawIoctlRet
	rawMmap
	rawDMOp
	rawDMOpBuf
	rawDMOpRet
	rawHyper
	rawHyperRet
	rawHook
	rawHookRet
	rawExec
	rawEventFD
	rawIRQFD
	numRawKinds
)

// answers reports whether a record comes after another that it belongs to.
func (k rawKind) answers() bool {
	return k == rawSlotOut || k == rawIoctlRet || k == rawDMOpRet || k == rawHyperRet || k == rawHookRet
}

// Flags of a record: the memory behind it could not be read; a slot was seen
// only when its port was unmasked, because the kernel skipped the read's probe; it
// was recorded already; the slot is a driver's, and its port an irq; the ring is no
// more; privcmd has answered the slot by itself; the call has mapped a buffered ring.
const (
	flagFault   = 1
	flagMissed  = 2
	flagRetry   = 4
	flagKernel  = 8
	flagEnded   = 16
	flagEventFD = 32
	flagRing    = 64
)

const (
	rawHeadSize     = 32
	rawKindAt       = 26 // where the kind stands in the head
	rawDomAt        = 28 // and the domain
	rawSlotSize     = 104
	rawRingHeadSize = 72
	rawFew          = 8 // slots in a rawRing
)

// rawSizes has the bytes of each kind of record.
var rawSizes = [numRawKinds]int{
	rawProcess: 48, rawExec: 48, rawExit: rawHeadSize, rawInterrupt: 48, rawRead: 48, rawUnmask: 48,
	rawSlotIn: rawSlotSize, rawSlotOut: rawSlotSize, rawRing: rawRingHeadSize + 8*rawFew, rawPage: rawRingHeadSize + 4096,
	rawIoctl: 48, rawEventFD: 88, rawIRQFD: 88, rawIoctlRet: 88, rawMmap: 64, rawDMOp: 80, rawDMOpBuf: 352, rawDMOpRet: 88,
	rawHyper: 88, rawHyperRet: 88, rawHook: 64 + 8*hookValues, rawHookRet: 64 + 8*hookValues,
}

// rawHead is struct rec_head.
type rawHead struct {
	Time, Seq uint64
	PID, TID  uint32
	CPU       uint16
	Kind      rawKind
	Flags     uint8
	Dom       uint16 // whose share of the buffer it took
	Probe     format.Probe
}

// parseHead reads the head of record b. It is false for a record of unknown
// kind or one that is too short for its kind.
func parseHead(b []byte) (rawHead, bool) {
	if len(b) < rawHeadSize {
		return rawHead{}, false
	}
	h := rawHead{
		Time: le.Uint64(b), Seq: le.Uint64(b[8:]), PID: le.Uint32(b[16:]), TID: le.Uint32(b[20:]),
		CPU: le.Uint16(b[24:]), Kind: rawKind(b[rawKindAt]), Flags: b[27],
		Dom: le.Uint16(b[rawDomAt:]), Probe: format.Probe(b[30]),
	}
	return h, h.Kind > 0 && h.Kind < numRawKinds && len(b) >= rawSizes[h.Kind]
}

// shareOf returns the domain whose share of the buffer record b took.
func shareOf(b []byte) (dom uint16, ok bool) {
	if len(b) < rawHeadSize {
		return 0, false
	}
	return le.Uint16(b[rawDomAt:]), true
}

func (h *rawHead) fault() bool  { return h.Flags&flagFault != 0 }
func (h *rawHead) missed() bool { return h.Flags&flagMissed != 0 }
func (h *rawHead) kernel() bool { return h.Flags&flagKernel != 0 }
func (h *rawHead) ended() bool  { return h.Flags&flagEnded != 0 }
func (h *rawHead) ring() bool   { return h.Flags&flagRing != 0 }

// eventFD says that privcmd has answered the slot by itself.
func (h *rawHead) eventFD() bool { return h.Flags&flagEventFD != 0 }

// retried says that the read of a slot's port was recorded already.
func (h *rawHead) retried() bool { return h.Flags&flagRetry != 0 }

// rawPortRec is struct rec_port.
type rawPortRec struct {
	Port, Remote uint32
	Dom, On      uint16
}

func parsePort(b []byte) rawPortRec {
	return rawPortRec{Port: le.Uint32(b[32:]), Remote: le.Uint32(b[36:]), Dom: le.Uint16(b[40:]), On: le.Uint16(b[42:])}
}

// rawSlotRec is struct rec_slot.
type rawSlotRec struct {
	Port, Remote             uint32
	Dom, Server, VCPU, Entry uint16
	Born                     uint64
	Slot                     []byte
	With, By                 uint64
}

func parseSlot(b []byte) rawSlotRec {
	_ = b[rawSlotSize-1] // one look at its length is enough
	return rawSlotRec{
		Port: le.Uint32(b[32:]), Remote: le.Uint32(b[36:]), Dom: le.Uint16(b[40:]), Server: le.Uint16(b[42:]),
		VCPU: le.Uint16(b[44:]), Entry: le.Uint16(b[46:]), Born: le.Uint64(b[48:]), Slot: b[56:88],
		With: le.Uint64(b[88:]), By: le.Uint64(b[96:]),
	}
}

// rawRingRec is struct rec_ring_head.
type rawRingRec struct {
	Born, Total                 uint64
	RP, WP, RP2, WP2            uint32
	Dom, Server, Entry, Carried uint16
}

func parseRing(b []byte) rawRingRec {
	return rawRingRec{
		Born: le.Uint64(b[32:]), Total: le.Uint64(b[40:]),
		RP: le.Uint32(b[48:]), WP: le.Uint32(b[52:]), RP2: le.Uint32(b[56:]), WP2: le.Uint32(b[60:]),
		Dom: le.Uint16(b[64:]), Server: le.Uint16(b[66:]), Entry: le.Uint16(b[68:]), Carried: le.Uint16(b[70:]),
	}
}

// rawIoctlRec is struct rec_ioctl.
type rawIoctlRec struct {
	Cmd uint32
	Dom uint16
	Arg uint64
}

func parseIoctl(b []byte) rawIoctlRec {
	return rawIoctlRec{Cmd: le.Uint32(b[32:]), Dom: le.Uint16(b[36:]), Arg: le.Uint64(b[40:])}
}

// rawEventFDRec is struct rec_eventfd. Data has the bytes that could be read.
type rawEventFDRec struct {
	rawIoctlRec
	Flags uint32
	Data  []byte
}

func parseEventFD(b []byte) rawEventFDRec {
	return rawEventFDRec{parseIoctl(b), le.Uint32(b[48:]), b[56 : 56+min(le.Uint32(b[52:]), 32)]}
}

// rawRetRec is struct rec_ret. Data has the bytes that could be read.
type rawRetRec struct {
	Enter uint64
	Ret   int64
	Cmd   uint32
	Data  []byte
}

func parseRet(b []byte) rawRetRec {
	return rawRetRec{
		Enter: le.Uint64(b[32:]), Ret: int64(le.Uint64(b[40:])), Cmd: le.Uint32(b[48:]),
		Data: b[56 : 56+min(le.Uint32(b[52:]), 32)],
	}
}

// rawMmapRec is struct rec_mmap.
type rawMmapRec struct {
	Dom           uint16
	Type, ID, Idx uint32
	Num           uint64
}

func parseMmap(b []byte) rawMmapRec {
	return rawMmapRec{
		Dom: le.Uint16(b[32:]), Type: le.Uint32(b[40:]), ID: le.Uint32(b[44:]), Idx: le.Uint32(b[48:]), Num: le.Uint64(b[56:]),
	}
}

// rawDMOpRec is struct rec_dmop and, in a rawDMOpBuf, struct rec_dmop_buf. Op
// and Data1 have the bytes that could be read.
type rawDMOpRec struct {
	Dom, Num     uint16
	Size0, Size1 uint64
	Op, Data1    []byte
}

func parseDMOp(b []byte, k rawKind) rawDMOpRec {
	r := rawDMOpRec{
		Dom: le.Uint16(b[32:]), Num: le.Uint16(b[34:]), Size0: le.Uint64(b[40:]),
		Op: b[48 : 48+min(le.Uint32(b[36:]), 32)],
	}
	if k == rawDMOpBuf {
		r.Size1 = le.Uint64(b[80:])
		r.Data1 = b[96 : 96+min(le.Uint32(b[88:]), 256)]
	}
	return r
}

// rawHyperRec is struct rec_hyper. Data has the bytes that could be read.
type rawHyperRec struct {
	Nr, Arg0 uint64
	Calls    uint32
	Data     []byte
}

func parseHyper(b []byte) rawHyperRec {
	return rawHyperRec{
		Nr: le.Uint64(b[32:]), Arg0: le.Uint64(b[40:]), Calls: le.Uint32(b[52:]),
		Data: b[56 : 56+min(le.Uint32(b[48:]), 32)],
	}
}

// rawHookRec is struct rec_hook.
type rawHookRec struct {
	Hook         uint32
	Known, Enter uint64
	Ret          int64
	Values       [hookValues]uint64
}

func parseHook(b []byte) rawHookRec {
	r := rawHookRec{Hook: le.Uint32(b[32:]), Known: le.Uint64(b[40:]), Enter: le.Uint64(b[48:]), Ret: int64(le.Uint64(b[56:]))}
	for i := range r.Values {
		r.Values[i] = le.Uint64(b[64+8*i:])
	}
	return r
}
