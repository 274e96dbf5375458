package engine

import (
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// maxBufs is how many buffers a dm_op may have.
const maxBufs = 2

// dmOp is do_dm_op and dm_op: the checks at the entry, then the operation.
func (d *Domain) dmOp(op *Op, e *Effect) {
	r := d.entry(op)
	if d.trail != nil {
		d.trail.call("do_dm_op", "caller, buffers, operation and padding", r)
	}
	if !r.ok() || d.cfg.PV {
		*e = Effect{Ret: r}
		return
	}
	d.perform(op, e)
}

// perform is the switch of dm_op.
func (d *Domain) perform(op *Op, e *Effect) {
	switch op.DM.Op {
	case xen.OpSetMemType:
		d.setMemType(op, op.DM.DecodeSetMemType(), e)
	case xen.OpTrackDirtyVRAM:
		*e = d.trackVRAM(op.NrBufs, op.DM.DecodeTrackDirtyVRAM())
	default:
		*e = d.other(op)
	}
}

// other performs what is neither a set_mem_type nor a track_dirty_vram, which are the
// most frequent by far.
func (d *Domain) other(op *Op) Effect {
	switch b := op.DM.DecodeBody().(type) {
	case xen.CreateIOReqServer:
		return d.create(op.Caller, b)
	case xen.GetIOReqServerInfo:
		return d.serverInfo(op.Caller, b)
	case xen.MapIORange:
		return d.mapRange(op.Caller, b)
	case xen.UnmapIORange:
		return d.unmapRange(op.Caller, b)
	case xen.SetIOReqServerState:
		return d.setState(op.Caller, b)
	case xen.DestroyIOReqServer:
		return d.destroy(op.Caller, b)
	case xen.MapMemType:
		return d.mapMemType(op, b)
	case xen.ModifiedMemory:
		return d.modifiedMemory(op, b)
	case xen.NrVCPUs:
		return d.nrVCPUs()
	default:
		return Effect{Ret: plain(b)}
	}
}

// entry makes the checks that every dm_op passes, in Xen's order.
func (d *Domain) entry(op *Op) Ret {
	p := &d.cfg.Profile
	switch {
	case !p.DMOp:
		return fail(xen.ENoSys, "the release has no dm_op")
	case op.NrBufs == 0 && !p.NoBufs.Known:
		return unknown("without a buffer this release reads an uninitialised one")
	case op.NrBufs == 0:
		return fail(p.NoBufs.Errno, "no buffer")
	case op.NrBufs > maxBufs:
		return fail(xen.E2Big, "more than two buffers")
	}
	if r := d.target(op.Caller); !r.ok() {
		return r
	}
	switch {
	case d.cfg.PV:
		return done("not an HVM domain: nothing is done")
	case op.Size0 < xen.DMOpHeaderSize:
		return fail(xen.EFault, "buffer 0 is shorter than the header")
	case op.DM.Op > p.LastOp:
		return fail(xen.EOpNotSupp, "operation is newer than the release")
	case op.Size0 < xen.DMOpHeaderSize+bodySize(op.DM.Op):
		return fail(xen.EFault, "buffer 0 is shorter than the operation")
	case op.DM.Pad != 0:
		return fail(xen.EInval, "padding is not zero")
	case op.DM.Op == 0 || op.DM.Op == xen.OpSetIRQLevel:
		return fail(xen.EOpNotSupp, "not an operation on x86")
	}
	return done("")
}

// bodySize is dm_op's table of sizes on x86, which has no row for
// set_irq_level.
func bodySize(c xen.DMOpCode) uint64 {
	if c == xen.OpSetIRQLevel {
		return 0
	}
	return uint64(c.BodySize())
}

// target checks who calls for whom: EPERM for the caller's own domain, then
// the kind of domain, then XSM_DM_PRIV.
func (d *Domain) target(caller xen.DomID) Ret {
	switch {
	case caller == d.cfg.Dom:
		return fail(xen.EPerm, "the caller's own domain")
	case d.cfg.PV && d.cfg.Profile.PVTarget != xen.OK:
		return fail(d.cfg.Profile.PVTarget, "not an HVM domain")
	case caller != xen.Dom0 && !slices.Contains(d.allies, caller):
		return unknown("whether the caller has privilege over the domain is not visible")
	}
	return done("")
}
