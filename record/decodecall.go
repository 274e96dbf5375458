package record

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// call is a captured call between its entry and its return.
type call struct {
	id    uint64
	enter uint64 // time of the entry's record, which the return's record names
	dom   xen.DomID
	what  hyperKey
	op    xen.DMOpCode
	probe format.Probe
	gaps  int64 // decoder.gaps at the entry
}

// begin gives a call its id. The caller must not be wanted for nothing: dropped
// calls are begun too, with drop, so that their return is dropped as well.
func (d *decoder) begin(h rawHead, c call) call {
	d.see(&h)
	d.unreturned(h)
	c.id, c.enter, c.gaps = d.newID(), h.Time, d.gaps
	if c.probe == format.ProbeUnknown {
		c.probe = format.ProbePrivcmd
	}
	d.calls[h.TID] = c
	return c
}

// drop notes a call that is not wanted.
func (d *decoder) drop(h rawHead) {
	d.unreturned(h)
	d.calls[h.TID] = call{enter: h.Time}
}

// unreturned tells, as its thread makes the next, of a call whose return nobody
// saw: the kernel does not count the returns for which a kretprobe had no
// instance left. A record that is missing since may be that return, and is told
// by its own counter; so is a return that the kernel skipped and does count.
func (d *decoder) unreturned(h rawHead) {
	c, ok := d.calls[h.TID]
	counted := d.skipsCounted && c.probe == format.ProbePrivcmd
	if ok && c.id != 0 && d.gaps <= c.gaps && !counted {
		d.missed(h.Time, c.probe)
	}
}

// ioctl begins a call whose argument has words that are kept, or none if w is nil.
func (d *decoder) ioctl(h rawHead, r rawIoctlRec, w *[4]uint64) {
	dom := xen.DomID(r.Dom)
	if !d.wanted(dom) {
		d.drop(h)
		return
	}
	c := d.begin(h, call{dom: dom, probe: ioctlProbe(r.Cmd)})
	e := format.IoctlEnter{Dom: dom, ID: c.id, Caller: h.caller(), Cmd: xen.Ioctl(r.Cmd), Arg: r.Arg, Known: w != nil}
	if w != nil {
		e.Words = *w
	}
	d.emit(e.Event(h.Time))
}

// ioctlProbe tells the devices apart by the letter in their ioctls' numbers.
func ioctlProbe(cmd uint32) format.Probe {
	if cmd>>8&0xff == 'E' {
		return format.ProbeEvtchnIoctl
	}
	return format.ProbePrivcmd
}

func (d *decoder) mmap(h rawHead, r rawMmapRec) {
	dom, typ := xen.DomID(r.Dom), xen.ResourceType(r.Type)
	if !d.wanted(dom) {
		d.drop(h)
		return
	}
	c := d.begin(h, call{dom: dom})
	d.emit(format.MmapResourceEnter{
		Dom: dom, ID: c.id, Caller: h.caller(), Type: typ, ResID: r.ID, Frame: r.Idx, Num: r.Num,
	}.Event(h.Time))
}

func (d *decoder) dmOp(h rawHead, r rawDMOpRec) {
	dom := xen.DomID(r.Dom)
	if !d.wanted(dom) {
		d.drop(h)
		return
	}
	op, err := xen.DecodeDMOp(r.Op)
	clearTail(&op)
	c := d.begin(h, call{dom: dom, op: op.Op})
	d.emit(format.DMOpEnter{
		Dom: dom, ID: c.id, Caller: h.caller(), NrBufs: uint32(r.Num), Known: err == nil, Size0: r.Size0, Op: op,
	}.Event(h.Time))
	if h.Kind == rawDMOpBuf {
		d.dmOpBuf(h, c, r)
	}
	if id, ok := serverNamed(&op); ok && err == nil {
		d.late.named(h.PID, dom, id)
	}
}

// clearTail zeroes what the operation does not use: leftovers in the caller's
// memory are none of the trace's business.
func clearTail(op *xen.DMOp) {
	if n := op.Op.BodySize(); n > 0 {
		clear(op.Body[n:])
	}
}

// dmOpBuf emits the extents of modified_memory. Of any other second buffer,
// such as track_dirty_vram's bitmap, one event tells the size.
func (d *decoder) dmOpBuf(h rawHead, c call, r rawDMOpRec) {
	const extent = 16
	b := format.DMOpBuf{Dom: c.dom, ID: c.id, Buf: 1, Size: r.Size1}
	if len(r.Data1) < extent {
		d.emit(b.Event(h.Time))
	}
	for off := 0; off+extent <= len(r.Data1); off += extent {
		b.Offset = uint32(off)
		b.Words = [2]uint64{le.Uint64(r.Data1[off:]), le.Uint64(r.Data1[off+8:])}
		d.emit(b.Event(h.Time))
	}
	if c.op != xen.OpModifiedMemory {
		return
	}
	if missing := r.Size1 - min(r.Size1, uint64(len(r.Data1))); missing >= extent {
		d.lose(h.Time, format.ProbePrivcmd, format.ReasonTruncated, h.CPU, missing/extent)
	}
}

// serverNamed returns the server that a dm_op is about. It makes no xen.Body, which takes
// an allocation: device models make calls that are about none all the time.
func serverNamed(op *xen.DMOp) (xen.ServerID, bool) {
	switch op.Op {
	case xen.OpGetIOReqServerInfo, xen.OpMapIORange, xen.OpUnmapIORange, xen.OpSetIOReqServerState,
		xen.OpDestroyIOReqServer, xen.OpMapMemType:
		return xen.ServerID(le.Uint16(op.Body[:])), true // their unions begin with its id
	}
	return xen.NoServer, false
}

func (d *decoder) hypercall(h rawHead, r rawHyperRec) {
	what := hyperKey{nr: xen.Hypercall(r.Nr)}
	what.sub = subOf(what.nr, r)
	st := structOf(what, r.Data)
	if !d.wanted(st.dom) {
		d.drop(h)
		return
	}
	c := d.begin(h, call{dom: st.dom, what: what})
	d.emit(format.HypercallEnter{
		Dom: st.dom, ID: c.id, Caller: h.caller(), Nr: what.nr, Sub: what.sub, Known: st.known, Words: st.words,
	}.Event(h.Time))
}

// callReturn ends the call that the thread has begun. A return without it
// means that the entry's record was lost.
func (d *decoder) callReturn(h rawHead, r rawRetRec) {
	c, ok := d.calls[h.TID]
	if !ok || c.enter != r.Enter {
		d.lose(h.Time, format.ProbePrivcmd, format.ReasonNoEntry, h.CPU, 1)
		return
	}
	delete(d.calls, h.TID)
	if c.id == 0 {
		return
	}
	switch h.Kind {
	case rawDMOpRet:
		op, err := xen.DecodeDMOp(r.Data)
		clearTail(&op)
		if r.Ret == 0 && err == nil {
			d.dmOpDone(c.dom, &op)
		}
		d.emit(format.DMOpReturn{Dom: c.dom, ID: c.id, Ret: r.Ret, Known: err == nil, Words: op.Words()}.Event(h.Time))
	case rawHyperRet:
		st := structOf(c.what, r.Data)
		if c.dom == xen.DomInvalid {
			c.dom = st.dom
		}
		if r.Ret == 0 {
			d.hypercallDone(c.dom, c.what)
		}
		d.emit(format.HypercallReturn{Dom: c.dom, ID: c.id, Ret: r.Ret, Known: st.known, Words: st.words}.Event(h.Time))
	default:
		d.emit(format.IoctlReturn{Dom: c.dom, ID: c.id, Ret: r.Ret}.Event(h.Time))
		if h.ring() {
			d.follow(h.PID)
		}
	}
}
