package format

import (
	"bytes"
	"encoding/binary"

	"github.com/iotrace-xen/iotrace/xen"
)

// Each view below is one kind's content as typed fields. Its Event method packs
// it; the method of Event with the view's name unpacks it and returns the zero
// view for an event of another kind.

// Caller is the thread that made a captured call, in dom0's pid numbers. With TID 0
// dom0's kernel acted in the process's place.
type Caller struct{ PID, TID uint32 }

func (c Caller) word() uint64 { return uint64(c.PID) | uint64(c.TID)<<32 }

func callerOf(w uint64) Caller { return Caller{PID: uint32(w), TID: uint32(w >> 32)} }

func pair(lo, hi uint32) uint64 { return uint64(lo) | uint64(hi)<<32 }

func flag(b bool, shift uint) uint64 {
	if b {
		return 1 << shift
	}
	return 0
}

func has(w uint64, shift uint) bool { return w>>shift&1 != 0 }

// Clock is one reading of the host's clocks; the event's Time is the
// CLOCK_MONOTONIC reading. RawNS is CLOCK_MONOTONIC_RAW, XenNS Xen's system
// time; TSC and XenNS are zero where they could not be read.
type Clock struct{ WallNS, RawNS, TSC, XenNS uint64 }

// Event packs c.
func (c Clock) Event(t uint64) Event {
	e := blank(KindClock, t)
	e.W[0], e.W[1], e.W[2], e.W[3] = c.WallNS, c.RawNS, c.TSC, c.XenNS
	return e
}

// Clock unpacks a KindClock event.
func (e Event) Clock() Clock {
	if e.Kind != KindClock {
		return Clock{}
	}
	return Clock{e.W[0], e.W[1], e.W[2], e.W[3]}
}

// Lost says that Count things are missing at this place. CPU is -1 where the
// loss belongs to none.
type Lost struct {
	Dom    xen.DomID
	Server xen.ServerID
	Probe  Probe
	Reason Reason
	CPU    int64
	Count  uint64
}

// Event packs l.
func (l Lost) Event(t uint64) Event {
	e := blank(KindLost, t)
	e.Dom, e.Server = l.Dom, l.Server
	e.W[0], e.W[1], e.W[2], e.W[3] = uint64(l.Probe), uint64(l.Reason), uint64(l.CPU), l.Count
	return e
}

// Lost unpacks a KindLost event.
func (e Event) Lost() Lost {
	if e.Kind != KindLost {
		return Lost{}
	}
	return Lost{e.Dom, e.Server, Probe(e.W[0]), Reason(e.W[1]), int64(e.W[2]), e.W[3]}
}

// Process names a process that makes captured calls. Comm is cut at 16 bytes.
type Process struct {
	PID  uint32
	Comm string
}

// Event packs p.
func (p Process) Event(t uint64) Event {
	e := blank(KindProcess, t)
	var b [16]byte
	copy(b[:], p.Comm)
	e.W[0] = uint64(p.PID)
	e.W[1], e.W[2] = binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
	return e
}

// Process unpacks a KindProcess event.
func (e Event) Process() Process {
	if e.Kind != KindProcess {
		return Process{}
	}
	b := binary.LittleEndian.AppendUint64(nil, e.W[1])
	b = binary.LittleEndian.AppendUint64(b, e.W[2])
	name, _, _ := bytes.Cut(b, []byte{0})
	return Process{PID: uint32(e.W[0]), Comm: string(name)}
}

// ProcessExit says that a process named before has ended.
type ProcessExit struct{ PID uint32 }

// Event packs p.
func (p ProcessExit) Event(t uint64) Event {
	e := blank(KindProcessExit, t)
	e.W[0] = uint64(p.PID)
	return e
}

// ProcessExit unpacks a KindProcessExit event.
func (e Event) ProcessExit() ProcessExit {
	if e.Kind != KindProcessExit {
		return ProcessExit{}
	}
	return ProcessExit{uint32(e.W[0])}
}

// IOReq is a synchronous slot: as the device model found it (KindIOReq) or as
// it left it (KindIOResp). Both events of one request have the same ID. The answer's
// State is none or ready if Xen had taken it before the device model's notification:
// then the slot is free, or has the next request. Data is zero unless DataKnown.
// FromAnswer marks a request that reached the slot between the probes' last look and
// the device model's: what is known of it is what the slot still held when it was
// answered, its Time is the answer's.
type IOReq struct {
	Dom       xen.DomID
	Server    xen.ServerID
	VCPU      xen.VCPU
	ID        uint64
	Caller    Caller
	Port      xen.Port // dom0's local port
	DataKnown bool
	Req       xen.IOReq

	FromAnswer bool
}

// Event packs r as kind k, KindIOReq or KindIOResp.
func (r IOReq) Event(k Kind, t uint64) (e Event) {
	r.Pack(&e, k, t)
	return e
}

// Pack makes *e what r.Event returns, without copies: it is for those who do that
// for every event of a recording.
func (r *IOReq) Pack(e *Event, k Kind, t uint64) {
	*e = Event{Time: t, Dom: r.Dom, Server: r.Server, VCPU: r.VCPU, Kind: k}
	q := &r.Req
	e.W[0], e.W[1] = r.ID, r.Caller.word()
	e.W[2] = pair(uint32(r.Port), uint32(q.EPort))
	e.W[3] = uint64(q.Type) | uint64(q.Dir&1)<<8 | flag(q.DF, 9) | flag(q.DataIsPtr, 10) |
		flag(r.DataKnown, 11) | flag(r.FromAnswer, 12) | uint64(q.State&15)<<16
	e.W[4], e.W[5] = q.Addr, q.Data
	e.W[6] = pair(q.Size, q.Count)
}

// IOReq unpacks a KindIOReq or KindIOResp event.
func (e Event) IOReq() (r IOReq) {
	r.Unpack(&e)
	return r
}

// Unpack makes *r what e.IOReq returns, without copies: it is for those who do
// that for every event of a long trace.
func (r *IOReq) Unpack(e *Event) {
	if e.Kind != KindIOReq && e.Kind != KindIOResp {
		*r = IOReq{}
		return
	}
	r.Dom, r.Server, r.VCPU = e.Dom, e.Server, e.VCPU
	r.ID, r.Caller.PID, r.Caller.TID = e.W[0], uint32(e.W[1]), uint32(e.W[1]>>32)
	r.Port, r.Req.EPort = xen.Port(uint32(e.W[2])), xen.Port(e.W[2]>>32)
	r.SetSlot(e.Slot())
}

// BufIOReq is one request of a buffered ring; one of 8 bytes, which takes two
// slots, is one event.
type BufIOReq struct {
	Dom       xen.DomID
	Server    xen.ServerID
	ID        uint64
	Caller    Caller // the device model's thread in whose context it was seen
	DataKnown bool
	Type      xen.IOReqType
	Dir       xen.Dir
	Addr      uint32
	Size      uint32
	Data      uint64
}

// Event packs b.
func (b BufIOReq) Event(t uint64) Event {
	e := blank(KindBufIOReq, t)
	e.Dom, e.Server = b.Dom, b.Server
	e.W[0], e.W[1] = b.ID, b.Caller.word()
	e.W[2] = uint64(b.Type) | uint64(b.Dir&1)<<8 | flag(b.DataKnown, 11) | uint64(b.Addr)<<32
	e.W[3], e.W[4] = uint64(b.Size), b.Data
	return e
}

// BufIOReq unpacks a KindBufIOReq event.
func (e Event) BufIOReq() (b BufIOReq) {
	b.Unpack(&e)
	return b
}

// Unpack makes *b what e.BufIOReq returns, without copies.
func (b *BufIOReq) Unpack(e *Event) {
	if e.Kind != KindBufIOReq {
		*b = BufIOReq{}
		return
	}
	b.Dom, b.Server, b.ID = e.Dom, e.Server, e.W[0]
	b.Caller.PID, b.Caller.TID = uint32(e.W[1]), uint32(e.W[1]>>32)
	b.SetRing(e.Ring())
}

// RingCount closes the account of one buffered ring: Captured plus Lost is what
// Xen put into it during the capture.
type RingCount struct {
	Dom            xen.DomID
	Server         xen.ServerID
	Captured, Lost uint64 // slots
}

// Event packs r.
func (r RingCount) Event(t uint64) Event {
	e := blank(KindRingCount, t)
	e.Dom, e.Server = r.Dom, r.Server
	e.W[0], e.W[1] = r.Captured, r.Lost
	return e
}

// RingCount unpacks a KindRingCount event.
func (e Event) RingCount() RingCount {
	if e.Kind != KindRingCount {
		return RingCount{}
	}
	return RingCount{e.Dom, e.Server, e.W[0], e.W[1]}
}

// LeftOut says how many events of kind Of sampling has left out: what the trace
// has of them and this are all that happened, as far as they were seen.
type LeftOut struct {
	Of    Kind
	Count uint64
}

// Event packs l.
func (l LeftOut) Event(t uint64) Event {
	e := blank(KindLeftOut, t)
	e.W[0], e.W[1] = uint64(l.Of), l.Count
	return e
}

// LeftOut unpacks a KindLeftOut event.
func (e Event) LeftOut() LeftOut {
	if e.Kind != KindLeftOut {
		return LeftOut{}
	}
	return LeftOut{Kind(e.W[0]), e.W[1]}
}
