package xen

// The arguments of the ioctls below hold addresses in the caller's memory. They
// are encoded by who makes the calls; no trace stores them, so nothing decodes them.

// HypercallArg is struct privcmd_hypercall, the argument of PrivcmdHypercall.
type HypercallArg struct {
	Op  Hypercall
	Arg [5]uint64
}

// Append appends the structure's 48 bytes to b.
func (h HypercallArg) Append(b []byte) []byte {
	b = le.AppendUint64(b, uint64(h.Op))
	for _, a := range h.Arg {
		b = le.AppendUint64(b, a)
	}
	return b
}

// DMOpArg is struct privcmd_dm_op, the argument of PrivcmdDMOp: Num buffers, of
// which the vector at address Bufs has a DMOpBuf each.
type DMOpArg struct {
	Dom  DomID
	Num  uint16
	Bufs uint64
}

// Append appends the structure's 16 bytes to b.
func (d DMOpArg) Append(b []byte) []byte {
	b = le.AppendUint16(b, uint16(d.Dom))
	b = le.AppendUint16(b, d.Num)
	b = le.AppendUint32(b, 0)
	return le.AppendUint64(b, d.Bufs)
}

// DMOpBuf is struct privcmd_dm_op_buf: one buffer's address and size in bytes.
type DMOpBuf struct{ Addr, Size uint64 }

// Append appends the structure's 16 bytes to b.
func (d DMOpBuf) Append(b []byte) []byte {
	return le.AppendUint64(le.AppendUint64(b, d.Addr), d.Size)
}

// MmapBatch is struct privcmd_mmapbatch_v2, the argument of PrivcmdMmapBatchV2:
// Num frames, numbered at GFNs, go to Addr; an error number for each to Errs.
type MmapBatch struct {
	Num              uint32
	Dom              DomID
	Addr, GFNs, Errs uint64
}

// Append appends the structure's 32 bytes to b.
func (m MmapBatch) Append(b []byte) []byte {
	b = le.AppendUint32(b, m.Num)
	b = le.AppendUint32(b, uint32(m.Dom))
	b = le.AppendUint64(b, m.Addr)
	b = le.AppendUint64(b, m.GFNs)
	return le.AppendUint64(b, m.Errs)
}

// BindArg is struct ioctl_evtchn_bind_interdomain, the argument of
// EvtchnBindInterdomain.
type BindArg struct {
	RemoteDom  DomID
	RemotePort Port
}

// Append appends the structure's 8 bytes to b.
func (x BindArg) Append(b []byte) []byte {
	return le.AppendUint32(le.AppendUint32(b, uint32(x.RemoteDom)), uint32(x.RemotePort))
}
