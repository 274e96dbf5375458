package format

// fieldType is how a field is written in text and JSON, and which values it
// can have.
type fieldType uint8

const (
	typeDec     fieldType = iota // unsigned decimal
	typeInt                      // two's complement decimal
	typeHex                      // 0x...
	typeRaw                      // 0x..., of bytes that were captured only if the kind's typeSeen is set
	typeBool                     // 0 or 1
	typeSeen                     // 0 or 1: the typeRaw fields were captured
	typeChars                    // bytes of a name, NUL padded, little-endian in the word
	typeDom                      // Event.Dom
	typeServer                   // Event.Server
	typeVCPU                     // Event.VCPU
	typeDMOp                     // xen.DMOpCode
	typeHyper                    // xen.Hypercall
	typeIoctl                    // xen.Ioctl
	typeReqType                  // xen.IOReqType
	typeState                    // xen.State
	typeDir                      // xen.Dir
	typeProbe                    // Probe
	typeReason                   // Reason
	typeWhat                     // What
	typeTri                      // Tri
	typeSource                   // PagesFrom
	typePages                    // PageTypes
	typeLife                     // Life
	typeSpace                    // xen.Space
	typeKind                     // Kind
	numFieldTypes
)

// A field is one named part of an event: bits [shift, shift+bits) of a word,
// or one of the three fields that every event has.
type field struct {
	name  string
	typ   fieldType
	word  uint8
	shift uint8
	bits  uint8
}

func word(name string, typ fieldType, w uint8) field { return field{name, typ, w, 0, 64} }

func part(name string, typ fieldType, w, shift, bits uint8) field {
	return field{name, typ, w, shift, bits}
}

// A spec is all that codec, text, JSON and documentation know about a kind.
type spec struct {
	name   string
	fields []field
}

var (
	fDom    = field{name: "dom", typ: typeDom}
	fServer = field{name: "server", typ: typeServer}
	fVCPU   = field{name: "vcpu", typ: typeVCPU}
	fID     = word("id", typeDec, 0)
	fPID    = part("pid", typeDec, 1, 0, 32)
	fTID    = part("tid", typeDec, 1, 32, 32)
	fRet    = word("ret", typeInt, 1)
)

// slotFields are the fields of a synchronous slot, shared by ioreq and ioresp.
var slotFields = []field{
	fDom, fServer, fVCPU, fID, fPID, fTID,
	part("port", typeDec, 2, 0, 32), part("eport", typeDec, 2, 32, 32),
	part("type", typeReqType, 3, 0, 8), part("dir", typeDir, 3, 8, 1),
	word("addr", typeHex, 4), part("size", typeDec, 6, 0, 32), part("count", typeDec, 6, 32, 32),
	part("df", typeBool, 3, 9, 1), part("data_is_ptr", typeBool, 3, 10, 1),
	part("state", typeState, 3, 16, 4), part("from_answer", typeBool, 3, 12, 1),
	part("data_known", typeSeen, 3, 11, 1), word("data", typeRaw, 5),
}

var specs = withState([256]spec{
	KindClock:       {"clock", []field{word("wall_ns", typeDec, 0), word("raw_ns", typeDec, 1), word("tsc", typeDec, 2), word("xen_ns", typeDec, 3)}},
	KindLost:        {"lost", []field{fDom, fServer, word("probe", typeProbe, 0), word("reason", typeReason, 1), word("cpu", typeInt, 2), word("count", typeDec, 3)}},
	KindProcess:     {"process", []field{part("pid", typeDec, 0, 0, 32), word("comm", typeChars, 1), word("comm2", typeChars, 2)}},
	KindProcessExit: {"process_exit", []field{part("pid", typeDec, 0, 0, 32)}},
	KindDomainFound: {"domain_found", []field{fDom, part("vcpus", typeDec, 0, 0, 32)}},
	KindServerFound: {"server_found", []field{fDom, fServer, part("buf_port", typeDec, 0, 0, 32)}},
	KindPortFound:   {"port_found", []field{fDom, part("local_port", typeDec, 0, 0, 32), part("remote_port", typeDec, 0, 32, 32)}},
	KindUnlearned:   {"unlearned", []field{fDom, fServer, word("what", typeWhat, 0)}},
	KindDMOpEnter: {"dm_op_enter", []field{
		fDom, fID, fPID, fTID, part("nr_bufs", typeDec, 2, 0, 32), part("known", typeSeen, 2, 32, 1),
		part("implied", typeBool, 2, 33, 1), word("size0", typeDec, 3),
		part("op", typeDMOp, 4, 0, 32), part("pad", typeHex, 4, 32, 32),
		word("w0", typeRaw, 5), word("w1", typeRaw, 6), word("w2", typeRaw, 7),
	}},
	KindDMOpBuf: {"dm_op_buf", []field{
		fDom, fID, part("buf", typeDec, 1, 0, 32), part("offset", typeDec, 1, 32, 32), word("size", typeDec, 2),
		word("w0", typeRaw, 3), word("w1", typeRaw, 4),
	}},
	KindDMOpReturn: {"dm_op_return", []field{
		fDom, fID, fRet, part("squashed", typeBool, 2, 1, 1),
		part("known", typeSeen, 2, 0, 1), word("w0", typeRaw, 3), word("w1", typeRaw, 4), word("w2", typeRaw, 5),
	}},
	KindHypercallEnter: {"hypercall_enter", []field{
		fDom, fID, fPID, fTID, part("nr", typeHyper, 2, 0, 32), word("sub", typeHex, 3), part("known", typeSeen, 2, 32, 1),
		word("w0", typeRaw, 4), word("w1", typeRaw, 5), word("w2", typeRaw, 6), word("w3", typeRaw, 7),
	}},
	KindHypercallReturn: {"hypercall_return", []field{
		fDom, fID, fRet, part("known", typeSeen, 2, 0, 1), word("w0", typeRaw, 3), word("w1", typeRaw, 4), word("w2", typeRaw, 5), word("w3", typeRaw, 6),
	}},
	KindMmapResourceEnter: {"mmap_resource_enter", []field{
		fDom, fServer, fID, fPID, fTID, part("type", typeDec, 2, 0, 32), part("res_id", typeDec, 2, 32, 32),
		part("frame", typeDec, 3, 0, 32), word("num", typeDec, 4),
	}},
	KindIoctlEnter: {"ioctl_enter", []field{
		fDom, fID, fPID, fTID, part("cmd", typeIoctl, 2, 0, 32), word("arg", typeDec, 3), part("known", typeSeen, 2, 32, 1),
		word("w0", typeRaw, 4), word("w1", typeRaw, 5), word("w2", typeRaw, 6), word("w3", typeRaw, 7),
	}},
	KindIoctlReturn:     {"ioctl_return", []field{fDom, fID, fRet}},
	KindEvtchnInterrupt: {"evtchn_interrupt", []field{part("port", typeDec, 0, 0, 32), part("cpu", typeDec, 0, 32, 32)}},
	KindEvtchnRead:      {"evtchn_read", []field{fDom, part("port", typeDec, 0, 0, 32), fPID, fTID}},
	KindEvtchnUnmask:    {"evtchn_unmask", []field{fDom, part("port", typeDec, 0, 0, 32), fPID, fTID}},
	KindIOReq:           {"ioreq", slotFields},
	KindIOResp:          {"ioresp", slotFields},
	KindBufIOReq: {"buf_ioreq", []field{
		fDom, fServer, fID, fPID, fTID, part("type", typeReqType, 2, 0, 8), part("dir", typeDir, 2, 8, 1),
		part("addr", typeHex, 2, 32, 32), part("size", typeDec, 3, 0, 32),
		part("data_known", typeSeen, 2, 11, 1), word("data", typeRaw, 4),
	}},
	KindMark:      {"mark", []field{part("part", typeDec, 0, 0, 16), part("parts", typeDec, 0, 16, 16), word("t0", typeChars, 1), word("t1", typeChars, 2), word("t2", typeChars, 3), word("t3", typeChars, 4), word("t4", typeChars, 5), word("t5", typeChars, 6), word("t6", typeChars, 7)}},
	KindLeftOut:   {"left_out", []field{part("of", typeKind, 0, 0, 8), word("count", typeDec, 1)}},
	KindRingCount: {"ring_count", []field{fDom, fServer, word("captured", typeDec, 0), word("lost", typeDec, 1)}},
})
