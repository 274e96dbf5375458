package engine

import "github.com/iotrace-xen/iotrace/xen"

// hvmOp is do_hvm_op: the device model's interface up to 4.8. From 4.9 on all of
// it but get_mem_type is gone. Effect.Out has the form of the dm_op that came
// after.
func (d *Domain) hvmOp(op *Op) Effect {
	if r := d.hvmEntry(op); !r.ok() {
		return Effect{Ret: r}
	}
	dm, ok := op.asDM()
	if !ok {
		return Effect{Ret: done("a continuation with nothing left to do")}
	}
	var e Effect
	if d.perform(&dm, &e); e.Again {
		e.Out = Out{} // the structure is not written: the number of the operation carries what is done
	}
	return e
}

// hvmEntry makes the checks that come before an hvm_op's own.
func (d *Domain) hvmEntry(op *Op) Ret {
	switch {
	case d.cfg.Profile.DMOp && wasDeviceModels(op.HVM):
		return fail(xen.ENoSys, "the operation is a dm_op in this release")
	case op.DM.Op == 0:
		return unknown("the operation is not modelled")
	}
	return d.target(op.Caller)
}

// asDM returns the operation as the dm_op that came after, without what an
// earlier part of it has done. ok is false if that leaves nothing.
func (op *Op) asDM() (dm Op, ok bool) {
	dm = Op{Kind: OpDM, Caller: op.Caller, NrBufs: maxBufs, Size0: xen.DMOpSize, Preempt: op.Preempt, DM: op.DM}
	if op.DM.Op == 0 {
		return dm, false
	}
	if b, is := dm.DM.DecodeBody().(xen.SetMemType); is && op.Done != 0 {
		if op.Done >= uint64(b.Nr) {
			return dm, false
		}
		b.First += xen.GFN(op.Done)
		b.Nr -= uint32(op.Done)
		dm.DM = xen.NewDMOp(b)
	}
	return dm, true
}

// wasDeviceModels says whether an hvm_op became a dm_op.
func wasDeviceModels(c xen.HVMOpCode) bool {
	switch c {
	case xen.HVMSetPCIIntxLevel, xen.HVMSetISAIRQLevel, xen.HVMSetPCILinkRoute, xen.HVMTrackDirtyVRAM, xen.HVMModifiedMemory,
		xen.HVMSetMemType, xen.HVMInjectTrap, xen.HVMInjectMSI:
		return true
	}
	return c >= xen.HVMCreateIOReqServer && c <= xen.HVMSetIOReqServerState
}
