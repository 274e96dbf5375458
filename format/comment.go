package format

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// AppendComment appends a text comment, from its # on, that says in words what
// raw numbers of e mean: the operation in a dm_op or its ancestor hvm_op, the
// device of a PCI request, the error in a return value, a process's name. For
// most events there is nothing to say and b comes back as it was. Parsers
// ignore comments.
func AppendComment(b []byte, e Event) []byte { return appendComment(b, &e) }

func appendComment(b []byte, e *Event) []byte {
	switch e.Kind &^ KindOpen {
	case KindIOReq, KindIOResp:
		if xen.IOReqType(e.W[3]) == xen.TypePCIConfig {
			dev, reg := happened(e).IOReq().Req.PCI()
			return appendHex(append(appendSBDF(append(b, "# "...), dev), " register "...), uint64(reg))
		}
	case KindDMOpEnter:
		if d := happened(e).DMOpEnter(); d.Known {
			return appendDMOp(append(b, "# "...), d.Op)
		}
	case KindDMOpReturn, KindHypercallReturn, KindIoctlReturn:
		if err, ok := xen.ErrnoOf(int64(e.W[1])); ok && err != xen.OK {
			return append(append(b, "# "...), err.String()...)
		}
	case KindHypercallEnter:
		return appendHVMOp(b, happened(e).HypercallEnter())
	case KindIoctlEnter:
		return appendEventFD(b, happened(e).IoctlEnter())
	case KindProcess:
		return strconv.AppendQuote(append(b, "# "...), happened(e).Process().Comm)
	}
	return b
}

// happened returns e as it was when it happened, if it is a key-frame's copy.
func happened(e *Event) Event {
	was := *e
	was.Kind &^= KindOpen
	return was
}

// appendEventFD appends what dom0's kernel is to answer or to do by itself.
func appendEventFD(b []byte, i IoctlEnter) []byte {
	switch {
	case !i.Known:
		return b
	case i.Cmd == xen.PrivcmdIRQFD:
		f := xen.IRQFDOf(i.Dom, uint32(i.Arg), i.Words)
		return appendDMOp(appendDeassign(append(b, "# "...), f.Flags), f.Op)
	case i.Cmd == xen.PrivcmdIOEventFD:
		f := xen.IOEventFDOf(i.Dom, uint32(i.Arg), i.Words)
		b = appendHex(append(appendDeassign(append(b, "# "...), f.Flags), "device "...), f.Addr)
		return strconv.AppendUint(append(b, " queue "...), uint64(f.VQ), 10)
	}
	return b
}

func appendDeassign(b []byte, flags uint32) []byte {
	if flags&xen.EventFDDeassign != 0 {
		b = append(b, "no more "...)
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
	b = append(strconv.AppendUint(append(b, "# dom="...), uint64(op.Dom()), 10), ' ')
	if d, ok := op.DMOp(); ok {
		b = appendDMOp(b, d)
	} else {
		b = append(b, code.String()...)
	}
	if done != 0 {
		b = strconv.AppendUint(append(b, " after "...), done, 10)
	}
	return b
}

// A note is a part of what is said about a dm_op: a text, and behind it the
// number at an offset of the operation's body.
type note struct {
	text     string
	at, size uint8
	how      func(b []byte, v uint64) []byte
}

// dmOpNotes are the notes of each dm_op, in the layout of package xen.
var dmOpNotes = [...][]note{
	xen.OpCreateIOReqServer:   {{" bufioreq=", 0, 1, appendBufMode}},
	xen.OpGetIOReqServerInfo:  {{" server=", 0, 2, appendServer}, {" flags=", 2, 2, appendHex}},
	xen.OpMapIORange:          {{" server=", 0, 2, appendServer}},
	xen.OpUnmapIORange:        {{" server=", 0, 2, appendServer}},
	xen.OpSetIOReqServerState: {{" server=", 0, 2, appendServer}, {" enabled=", 2, 1, appendDec}},
	xen.OpDestroyIOReqServer:  {{" server=", 0, 2, appendServer}},
	xen.OpTrackDirtyVRAM:      {{" first=", 8, 8, appendHex}, {" nr=", 0, 4, appendDec}},
	xen.OpSetPCIIntxLevel: {{" ", 0, 2, appendHex4}, {":", 2, 1, appendHex2}, {":", 3, 1, appendHex2},
		{" intx=", 4, 1, appendDec}, {" level=", 5, 1, appendDec}},
	xen.OpSetISAIRQLevel:     {{" irq=", 0, 1, appendDec}, {" level=", 1, 1, appendDec}},
	xen.OpSetPCILinkRoute:    {{" link=", 0, 1, appendDec}, {" irq=", 1, 1, appendDec}},
	xen.OpModifiedMemory:     {{" extents=", 0, 4, appendDec}},
	xen.OpSetMemType:         {{" type=", 4, 2, appendMemType}, {" first=", 8, 8, appendHex}, {" nr=", 0, 4, appendDec}},
	xen.OpInjectEvent:        {{" vcpu=", 0, 4, appendDec}, {" vector=", 4, 1, appendDec}, {" type=", 5, 1, appendDec}},
	xen.OpInjectMSI:          {{" addr=", 8, 8, appendHex}, {" data=", 0, 4, appendHex}},
	xen.OpMapMemType:         {{" server=", 0, 2, appendServer}, {" type=", 2, 2, appendMemType}, {" ", 4, 4, appendClaim}},
	xen.OpRemoteShutdown:     {{" reason=", 0, 4, appendDec}},
	xen.OpRelocateMemory:     {{" first=", 8, 8, appendHex}, {" nr=", 0, 4, appendDec}, {" to=", 16, 8, appendHex}},
	xen.OpPinMemoryCacheAttr: {{" gfn=", 0, 8, appendHex}, {"-", 8, 8, appendHex}, {" type=", 16, 4, appendDec}},
	xen.OpSetIRQLevel:        {{" irq=", 0, 4, appendDec}, {" level=", 4, 1, appendDec}},
}

// appendDMOp appends the operation's short name and what it asks for.
func appendDMOp(b []byte, op xen.DMOp) []byte {
	name, known := enumNames[typeDMOp][uint64(op.Op)]
	if !known {
		return appendEnum(b, typeDMOp, uint64(op.Op))
	}
	name = strings.TrimSuffix(name, "_to_ioreq_server")
	b = append(b, strings.TrimSuffix(name, "_from_ioreq_server")...)
	if int(op.Op) < len(dmOpNotes) {
		for _, n := range dmOpNotes[op.Op] {
			var raw [8]byte
			copy(raw[:n.size], op.Body[n.at:])
			b = n.how(append(b, n.text...), binary.LittleEndian.Uint64(raw[:]))
		}
	}
	if op.Op == xen.OpMapIORange || op.Op == xen.OpUnmapIORange {
		w := op.Words()
		b = appendRange(b, xen.Range{Space: xen.Space(w[0] >> 32), First: w[1], Last: w[2]})
	}
	return b
}

func appendRange(b []byte, r xen.Range) []byte {
	b = append(append(append(b, ' '), r.Space.String()...), ' ')
	switch {
	case r.Space != xen.SpacePCI:
		b = appendHex(append(appendHex(b, r.First), '-'), r.Last)
	case r.First == r.Last:
		b = appendSBDF(b, xen.SBDF(r.First))
	default:
		b = appendSBDF(append(appendSBDF(b, xen.SBDF(r.First)), '-'), xen.SBDF(r.Last))
	}
	return b
}

// appendSBDF appends what SBDF.String returns.
func appendSBDF(b []byte, s xen.SBDF) []byte {
	b = append(appendHex4(b, uint64(s>>16)), ':')
	b = append(appendHex2(b, uint64(s>>8&0xff)), ':')
	b = append(appendHex2(b, uint64(s>>3&0x1f)), '.')
	return append(b, hexDigits[s&7])
}

func appendHex2(b []byte, v uint64) []byte {
	return append(b, hexDigits[v>>4&15], hexDigits[v&15])
}

func appendHex4(b []byte, v uint64) []byte { return appendHex2(appendHex2(b, v>>8), v) }

func appendDec(b []byte, v uint64) []byte { return strconv.AppendUint(b, v, 10) }

func appendServer(b []byte, v uint64) []byte {
	if xen.ServerID(v) == xen.NoServer {
		return append(b, '?')
	}
	return appendDec(b, v)
}

func appendMemType(b []byte, v uint64) []byte { return append(b, xen.MemType(v).String()...) }

var bufModes = []string{"off", "legacy", "atomic"}

func appendBufMode(b []byte, v uint64) []byte { return append(b, enumName(bufModes, v)...) }

// appendClaim appends what map_mem_type does with these flags.
func appendClaim(b []byte, flags uint64) []byte {
	switch flags {
	case 0:
		return append(b, "release"...)
	case uint64(xen.AccessWrite):
		return append(b, "claim"...)
	}
	return appendHex(append(b, "flags="...), flags)
}
