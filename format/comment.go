package format

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// AppendComment appends a text comment, from its # on, that says in words what
// raw numbers of e mean: the operation in a dm_op or its ancestor hvm_op, the
// device of a PCI request, the error in a return value, a process's name. For
// most events there is nothing to say and b comes back as it was. Parsers
// ignore comments.
func AppendComment(b []byte, e Event) []byte {
	switch e.Kind {
	case KindDMOpEnter:
		if d := e.DMOpEnter(); d.Known {
			return appendDMOp(b, d.Op)
		}
	case KindHypercallEnter:
		return appendHVMOp(b, e.HypercallEnter())
	case KindDMOpReturn, KindHypercallReturn, KindIoctlReturn:
		if err, ok := xen.ErrnoOf(int64(e.W[1])); ok && err != xen.OK {
			return fmt.Appendf(b, "# %v", err)
		}
	case KindIOReq, KindIOResp:
		if q := e.IOReq().Req; q.Type == xen.TypePCIConfig {
			dev, reg := q.PCI()
			return fmt.Appendf(b, "# %v register 0x%x", dev, reg)
		}
	case KindProcess:
		return fmt.Appendf(b, "# %q", e.Process().Comm)
	}
	return b
}

// appendHVMOp appends the dm_op that a legacy operation corresponds to.
func appendHVMOp(b []byte, h HypercallEnter) []byte {
	if h.Nr != xen.HyperHVMOp || !h.Known {
		return b
	}
	var raw [xen.HVMOpSize]byte
	for i, w := range h.Words {
		binary.LittleEndian.PutUint64(raw[8*i:], w)
	}
	code, done := xen.SplitHVMOp(h.Sub)
	op, err := xen.DecodeHVMOp(code, raw[:])
	if err != nil {
		return b
	}
	b = fmt.Appendf(b, "# dom=%d ", uint16(op.Dom()))
	if d, ok := op.DMOp(); ok {
		b = append(b[:len(b)-1], appendDMOp(nil, d)[1:]...)
	} else {
		b = append(b, code.String()...)
	}
	if done != 0 {
		b = fmt.Appendf(b, " after %d", done)
	}
	return b
}

// appendDMOp appends the operation's short name and what it asks for.
func appendDMOp(b []byte, op xen.DMOp) []byte {
	name := strings.TrimSuffix(op.Op.String(), "_to_ioreq_server")
	name = strings.TrimSuffix(name, "_from_ioreq_server")
	b = fmt.Appendf(b, "# %s", name)
	switch x := op.DecodeBody().(type) {
	case xen.CreateIOReqServer:
		return fmt.Appendf(b, " bufioreq=%s", bufMode(x.HandleBufIOReq))
	case xen.GetIOReqServerInfo:
		return fmt.Appendf(b, " server=%v flags=0x%x", x.ID, x.Flags)
	case xen.MapIORange:
		return appendRange(fmt.Appendf(b, " server=%v ", x.ID), x.Range)
	case xen.UnmapIORange:
		return appendRange(fmt.Appendf(b, " server=%v ", x.ID), x.Range)
	case xen.SetIOReqServerState:
		return fmt.Appendf(b, " server=%v enabled=%d", x.ID, x.Enabled)
	case xen.DestroyIOReqServer:
		return fmt.Appendf(b, " server=%v", x.ID)
	case xen.TrackDirtyVRAM:
		return appendFrames(b, x.First, uint64(x.Nr))
	case xen.SetPCIIntxLevel:
		return fmt.Appendf(b, " %04x:%02x:%02x intx=%d level=%d", x.Domain, x.Bus, x.Device, x.Intx, x.Level)
	case xen.SetISAIRQLevel:
		return fmt.Appendf(b, " irq=%d level=%d", x.IRQ, x.Level)
	case xen.SetPCILinkRoute:
		return fmt.Appendf(b, " link=%d irq=%d", x.Link, x.IRQ)
	case xen.ModifiedMemory:
		return fmt.Appendf(b, " extents=%d", x.NrExtents)
	case xen.SetMemType:
		return appendFrames(fmt.Appendf(b, " type=%v", x.Type), x.First, uint64(x.Nr))
	case xen.InjectEvent:
		return fmt.Appendf(b, " vcpu=%d vector=%d type=%d", x.VCPU, x.Vector, x.Type)
	case xen.InjectMSI:
		return fmt.Appendf(b, " addr=0x%x data=0x%x", x.Addr, x.Data)
	case xen.MapMemType:
		return fmt.Appendf(b, " server=%v type=%v %s", x.ID, x.Type, claim(x.Flags))
	case xen.RemoteShutdown:
		return fmt.Appendf(b, " reason=%d", x.Reason)
	case xen.RelocateMemory:
		return fmt.Appendf(appendFrames(b, x.Src, uint64(x.Size)), " to=0x%x", uint64(x.Dst))
	case xen.PinMemoryCacheAttr:
		return fmt.Appendf(b, " gfn=0x%x-0x%x type=%d", uint64(x.First), uint64(x.Last), x.Type)
	case xen.SetIRQLevel:
		return fmt.Appendf(b, " irq=%d level=%d", x.IRQ, x.Level)
	}
	return b
}

func appendRange(b []byte, r xen.Range) []byte {
	if r.Space == xen.SpacePCI {
		b = fmt.Appendf(b, "pci %v", xen.SBDF(r.First))
		if r.Last != r.First {
			b = fmt.Appendf(b, "-%v", xen.SBDF(r.Last))
		}
		return b
	}
	return fmt.Appendf(b, "%v 0x%x-0x%x", r.Space, r.First, r.Last)
}

func appendFrames(b []byte, first xen.GFN, nr uint64) []byte {
	return fmt.Appendf(b, " first=0x%x nr=%d", uint64(first), nr)
}

func bufMode(m xen.BufMode) string {
	return enumName([]string{"off", "legacy", "atomic"}, uint64(m))
}

// claim names what map_mem_type does with these flags.
func claim(flags uint32) string {
	switch flags {
	case 0:
		return "release"
	case xen.AccessWrite:
		return "claim"
	}
	return fmt.Sprintf("flags=0x%x", flags)
}
