package xen

// bodyDecoders has one decoder a dm_op; each mirrors the put method below it.
var bodyDecoders = [...]func([]byte) Body{
	OpCreateIOReqServer:   func(b []byte) Body { return decodeCreateIOReqServer(b) },
	OpGetIOReqServerInfo:  func(b []byte) Body { return decodeGetIOReqServerInfo(b) },
	OpMapIORange:          func(b []byte) Body { return decodeMapIORange(b) },
	OpUnmapIORange:        func(b []byte) Body { return decodeUnmapIORange(b) },
	OpSetIOReqServerState: func(b []byte) Body { return decodeSetIOReqServerState(b) },
	OpDestroyIOReqServer:  func(b []byte) Body { return decodeDestroyIOReqServer(b) },
	OpTrackDirtyVRAM:      func(b []byte) Body { return decodeTrackDirtyVRAM(b) },
	OpSetPCIIntxLevel:     func(b []byte) Body { return decodeSetPCIIntxLevel(b) },
	OpSetISAIRQLevel:      func(b []byte) Body { return decodeSetISAIRQLevel(b) },
	OpSetPCILinkRoute:     func(b []byte) Body { return decodeSetPCILinkRoute(b) },
	OpModifiedMemory:      func(b []byte) Body { return decodeModifiedMemory(b) },
	OpSetMemType:          func(b []byte) Body { return decodeSetMemType(b) },
	OpInjectEvent:         func(b []byte) Body { return decodeInjectEvent(b) },
	OpInjectMSI:           func(b []byte) Body { return decodeInjectMSI(b) },
	OpMapMemType:          func(b []byte) Body { return decodeMapMemType(b) },
	OpRemoteShutdown:      func(b []byte) Body { return decodeRemoteShutdown(b) },
	OpRelocateMemory:      func(b []byte) Body { return decodeRelocateMemory(b) },
	OpPinMemoryCacheAttr:  func(b []byte) Body { return decodePinMemoryCacheAttr(b) },
	OpSetIRQLevel:         func(b []byte) Body { return decodeSetIRQLevel(b) },
	OpNrVCPUs:             func(b []byte) Body { return decodeNrVCPUs(b) },
}

func decodeCreateIOReqServer(b []byte) CreateIOReqServer {
	return CreateIOReqServer{
		HandleBufIOReq: BufMode(b[0]),
		Pad:            [3]byte(b[1:]),
		ID:             ServerID(le.Uint16(b[4:])),
	}
}

func (x CreateIOReqServer) put(b *[DMOpBodySize]byte) {
	b[0] = uint8(x.HandleBufIOReq)
	copy(b[1:], x.Pad[:])
	le.PutUint16(b[4:], uint16(x.ID))
}

func decodeGetIOReqServerInfo(b []byte) GetIOReqServerInfo {
	return GetIOReqServerInfo{
		ID:        ServerID(le.Uint16(b[0:])),
		Flags:     le.Uint16(b[2:]),
		BufPort:   Port(le.Uint32(b[4:])),
		IOReqGFN:  GFN(le.Uint64(b[8:])),
		BufReqGFN: GFN(le.Uint64(b[16:])),
	}
}

func (x GetIOReqServerInfo) put(b *[DMOpBodySize]byte) {
	le.PutUint16(b[0:], uint16(x.ID))
	le.PutUint16(b[2:], x.Flags)
	le.PutUint32(b[4:], uint32(x.BufPort))
	le.PutUint64(b[8:], uint64(x.IOReqGFN))
	le.PutUint64(b[16:], uint64(x.BufReqGFN))
}

func decodeSetIOReqServerState(b []byte) SetIOReqServerState {
	return SetIOReqServerState{
		ID:      ServerID(le.Uint16(b[0:])),
		Enabled: b[2],
		Pad:     b[3],
	}
}

func (x SetIOReqServerState) put(b *[DMOpBodySize]byte) {
	le.PutUint16(b[0:], uint16(x.ID))
	b[2] = x.Enabled
	b[3] = x.Pad
}

func decodeDestroyIOReqServer(b []byte) DestroyIOReqServer {
	return DestroyIOReqServer{
		ID:  ServerID(le.Uint16(b[0:])),
		Pad: le.Uint16(b[2:]),
	}
}

func (x DestroyIOReqServer) put(b *[DMOpBodySize]byte) {
	le.PutUint16(b[0:], uint16(x.ID))
	le.PutUint16(b[2:], x.Pad)
}

func decodeTrackDirtyVRAM(b []byte) TrackDirtyVRAM {
	return TrackDirtyVRAM{
		Nr:    le.Uint32(b[0:]),
		Pad:   le.Uint32(b[4:]),
		First: GFN(le.Uint64(b[8:])),
	}
}

func (x TrackDirtyVRAM) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.Nr)
	le.PutUint32(b[4:], x.Pad)
	le.PutUint64(b[8:], uint64(x.First))
}

func decodeSetPCIIntxLevel(b []byte) SetPCIIntxLevel {
	return SetPCIIntxLevel{
		Domain: le.Uint16(b[0:]),
		Bus:    b[2],
		Device: b[3],
		Intx:   b[4],
		Level:  b[5],
	}
}

func (x SetPCIIntxLevel) put(b *[DMOpBodySize]byte) {
	le.PutUint16(b[0:], x.Domain)
	b[2] = x.Bus
	b[3] = x.Device
	b[4] = x.Intx
	b[5] = x.Level
}

func decodeSetISAIRQLevel(b []byte) SetISAIRQLevel {
	return SetISAIRQLevel{
		IRQ:   b[0],
		Level: b[1],
	}
}

func (x SetISAIRQLevel) put(b *[DMOpBodySize]byte) {
	b[0] = x.IRQ
	b[1] = x.Level
}

func decodeSetPCILinkRoute(b []byte) SetPCILinkRoute {
	return SetPCILinkRoute{
		Link: b[0],
		IRQ:  b[1],
	}
}

func (x SetPCILinkRoute) put(b *[DMOpBodySize]byte) {
	b[0] = x.Link
	b[1] = x.IRQ
}

func decodeModifiedMemory(b []byte) ModifiedMemory {
	return ModifiedMemory{
		NrExtents: le.Uint32(b[0:]),
		Opaque:    le.Uint32(b[4:]),
	}
}

func (x ModifiedMemory) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.NrExtents)
	le.PutUint32(b[4:], x.Opaque)
}

func decodeSetMemType(b []byte) SetMemType {
	return SetMemType{
		Nr:    le.Uint32(b[0:]),
		Type:  MemType(le.Uint16(b[4:])),
		Pad:   le.Uint16(b[6:]),
		First: GFN(le.Uint64(b[8:])),
	}
}

func (x SetMemType) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.Nr)
	le.PutUint16(b[4:], uint16(x.Type))
	le.PutUint16(b[6:], x.Pad)
	le.PutUint64(b[8:], uint64(x.First))
}

func decodeInjectEvent(b []byte) InjectEvent {
	return InjectEvent{
		VCPU:      le.Uint32(b[0:]),
		Vector:    b[4],
		Type:      b[5],
		InsnLen:   b[6],
		Pad0:      b[7],
		ErrorCode: le.Uint32(b[8:]),
		Pad1:      le.Uint32(b[12:]),
		CR2:       le.Uint64(b[16:]),
	}
}

func (x InjectEvent) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.VCPU)
	b[4] = x.Vector
	b[5] = x.Type
	b[6] = x.InsnLen
	b[7] = x.Pad0
	le.PutUint32(b[8:], x.ErrorCode)
	le.PutUint32(b[12:], x.Pad1)
	le.PutUint64(b[16:], x.CR2)
}

func decodeInjectMSI(b []byte) InjectMSI {
	return InjectMSI{
		Data: le.Uint32(b[0:]),
		Pad:  le.Uint32(b[4:]),
		Addr: le.Uint64(b[8:]),
	}
}

func (x InjectMSI) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.Data)
	le.PutUint32(b[4:], x.Pad)
	le.PutUint64(b[8:], x.Addr)
}

func decodeMapMemType(b []byte) MapMemType {
	return MapMemType{
		ID:     ServerID(le.Uint16(b[0:])),
		Type:   MemType(le.Uint16(b[2:])),
		Flags:  le.Uint32(b[4:]),
		Opaque: le.Uint64(b[8:]),
	}
}

func (x MapMemType) put(b *[DMOpBodySize]byte) {
	le.PutUint16(b[0:], uint16(x.ID))
	le.PutUint16(b[2:], uint16(x.Type))
	le.PutUint32(b[4:], x.Flags)
	le.PutUint64(b[8:], x.Opaque)
}

func decodeRemoteShutdown(b []byte) RemoteShutdown {
	return RemoteShutdown{
		Reason: le.Uint32(b[0:]),
	}
}

func (x RemoteShutdown) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.Reason)
}

func decodeRelocateMemory(b []byte) RelocateMemory {
	return RelocateMemory{
		Size: le.Uint32(b[0:]),
		Pad:  le.Uint32(b[4:]),
		Src:  GFN(le.Uint64(b[8:])),
		Dst:  GFN(le.Uint64(b[16:])),
	}
}

func (x RelocateMemory) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.Size)
	le.PutUint32(b[4:], x.Pad)
	le.PutUint64(b[8:], uint64(x.Src))
	le.PutUint64(b[16:], uint64(x.Dst))
}

func decodePinMemoryCacheAttr(b []byte) PinMemoryCacheAttr {
	return PinMemoryCacheAttr{
		First: GFN(le.Uint64(b[0:])),
		Last:  GFN(le.Uint64(b[8:])),
		Type:  le.Uint32(b[16:]),
		Pad:   le.Uint32(b[20:]),
	}
}

func (x PinMemoryCacheAttr) put(b *[DMOpBodySize]byte) {
	le.PutUint64(b[0:], uint64(x.First))
	le.PutUint64(b[8:], uint64(x.Last))
	le.PutUint32(b[16:], x.Type)
	le.PutUint32(b[20:], x.Pad)
}

func decodeSetIRQLevel(b []byte) SetIRQLevel {
	return SetIRQLevel{
		IRQ:   le.Uint32(b[0:]),
		Level: b[4],
		Pad:   [3]byte(b[5:]),
	}
}

func (x SetIRQLevel) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.IRQ)
	b[4] = x.Level
	copy(b[5:], x.Pad[:])
}

func decodeNrVCPUs(b []byte) NrVCPUs {
	return NrVCPUs{
		VCPUs: le.Uint32(b[0:]),
	}
}

func (x NrVCPUs) put(b *[DMOpBodySize]byte) {
	le.PutUint32(b[0:], x.VCPUs)
}

func decodeMapIORange(b []byte) MapIORange {
	return MapIORange{
		ID: ServerID(le.Uint16(b)), Pad: le.Uint16(b[2:]),
		Range: Range{Space: Space(le.Uint32(b[4:])), First: le.Uint64(b[8:]), Last: le.Uint64(b[16:])},
	}
}

func (x MapIORange) put(b *[DMOpBodySize]byte) {
	le.PutUint16(b[0:], uint16(x.ID))
	le.PutUint16(b[2:], x.Pad)
	le.PutUint32(b[4:], uint32(x.Range.Space))
	le.PutUint64(b[8:], x.Range.First)
	le.PutUint64(b[16:], x.Range.Last)
}

func decodeUnmapIORange(b []byte) UnmapIORange { return UnmapIORange(decodeMapIORange(b)) }

func (x UnmapIORange) put(b *[DMOpBodySize]byte) { MapIORange(x).put(b) }
