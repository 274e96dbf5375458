package record

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// eventFD begins a call that has the kernel answer requests or make a dm_op, each
// time that somebody asks for it through an eventfd.
func (d *decoder) eventFD(h rawHead, r rawEventFDRec) {
	if w, ok := r.words(); ok {
		d.ioctl(h, r.rawIoctlRec, &w)
	} else {
		d.ioctl(h, r.rawIoctlRec, nil)
	}
}

// irqFD decodes a dm_op that the kernel has made because somebody signalled an
// eventfd. It keeps to itself which error it was.
func (d *decoder) irqFD(h rawHead, r rawRetRec) {
	dom := xen.DomID(h.Dom)
	if !d.wanted(dom) {
		return
	}
	d.see(&h)
	op, err := xen.DecodeDMOp(r.Data)
	clearTail(&op)
	id := d.newID()
	d.emit(format.DMOpEnter{
		Dom: dom, ID: id, Caller: h.caller(), NrBufs: 1, Known: err == nil, Implied: true, Size0: xen.DMOpSize, Op: op,
	}.Event(r.Enter))
	d.emit(format.DMOpReturn{
		Dom: dom, ID: id, Ret: r.Ret, Squashed: r.Ret != 0, Known: err == nil, Words: op.Words(),
	}.Event(h.Time))
}

// words are what a trace keeps, if the probe could read all of it.
func (r rawEventFDRec) words() (w [4]uint64, ok bool) {
	if xen.Ioctl(r.Cmd) == xen.PrivcmdIRQFD {
		op, err := xen.DecodeDMOp(r.Data)
		clearTail(&op)
		return xen.IRQFD{Flags: r.Flags, Op: op}.Words(), err == nil
	}
	if len(r.Data) < 32 {
		return w, false
	}
	return xen.IOEventFD{
		Addr: le.Uint64(r.Data), AddrLen: le.Uint32(r.Data[8:]), VCPUs: le.Uint32(r.Data[12:]), VQ: le.Uint32(r.Data[16:]), Flags: r.Flags,
	}.Words(), true
}
