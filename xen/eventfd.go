package xen

// IOEventFD is struct privcmd_ioeventfd, the argument of PrivcmdIOEventFD (Linux
// 6.7): dom0's kernel answers writes of AddrLen bytes to the virtio-mmio device at
// Addr that notify queue VQ, by itself, and signals FD. Slots and Ports are
// addresses in the caller's memory, of the server's page and of the VCPUs' ports.
type IOEventFD struct {
	Dom          DomID
	Slots, Ports uint64
	Addr         uint64
	AddrLen      uint32
	FD           uint32
	VCPUs        uint32
	VQ           uint32
	Flags        uint32 // EventFDDeassign
}

// EventFDDeassign undoes an earlier IOEventFD or IRQFD.
const EventFDDeassign = 1

// Append appends the structure's 48 bytes to b.
func (f IOEventFD) Append(b []byte) []byte {
	for _, v := range []uint64{f.Slots, f.Ports, f.Addr} {
		b = le.AppendUint64(b, v)
	}
	for _, v := range []uint32{f.AddrLen, f.FD, f.VCPUs, f.VQ, f.Flags, uint32(f.Dom)} {
		b = le.AppendUint32(b, v)
	}
	return b
}

// Words returns what a trace keeps besides Dom and FD.
func (f IOEventFD) Words() [4]uint64 {
	return [4]uint64{f.Addr, uint64(f.AddrLen) | uint64(f.VCPUs)<<32, uint64(f.VQ) | uint64(f.Flags)<<32}
}

// IOEventFDOf is the inverse of Words.
func IOEventFDOf(dom DomID, fd uint32, w [4]uint64) IOEventFD {
	return IOEventFD{
		Dom: dom, FD: fd, Addr: w[0], AddrLen: uint32(w[1]), VCPUs: uint32(w[1] >> 32), VQ: uint32(w[2]), Flags: uint32(w[2] >> 32),
	}
}

// IRQFD is struct privcmd_irqfd, the argument of PrivcmdIRQFD (Linux 6.6): when FD
// is signalled, dom0's kernel makes the dm_op whose Size bytes are at OpAddr in the
// caller's memory. Op is that, which the structure does not hold.
type IRQFD struct {
	Dom    DomID
	OpAddr uint64
	Size   uint32
	FD     uint32
	Flags  uint32 // EventFDDeassign
	Op     DMOp
}

// Append appends the structure's 24 bytes to b.
func (f IRQFD) Append(b []byte) []byte {
	b = le.AppendUint64(b, f.OpAddr)
	for _, v := range []uint32{f.Size, f.FD, f.Flags, uint32(f.Dom)} {
		b = le.AppendUint32(b, v)
	}
	return b
}

// Words returns what a trace keeps besides Dom and FD: not Op's padding.
func (f IRQFD) Words() [4]uint64 {
	w := f.Op.Words()
	return [4]uint64{uint64(f.Op.Op) | uint64(f.Flags)<<32, w[0], w[1], w[2]}
}

// IRQFDOf is the inverse of Words.
func IRQFDOf(dom DomID, fd uint32, w [4]uint64) IRQFD {
	return IRQFD{Dom: dom, FD: fd, Flags: uint32(w[0] >> 32), Op: DMOpFromWords(DMOpCode(uint32(w[0])), 0, [3]uint64(w[1:]))}
}
