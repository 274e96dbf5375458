package xen

import "testing"

// hvmOpLayouts has each legacy structure as bytes in memory, one group a field,
// from public/hvm/hvm_op.h of Xen 4.8. The domain, 0x0102, is always first.
// dmop is nil for an operation that no single dm_op replaces.
var hvmOpLayouts = []struct {
	code HVMOpCode
	name string
	raw  string
	dmop Body
}{
	{0, "set_param", "0201 0000 07060504 0f0e0d0c0b0a0908", nil},
	{1, "get_param", "0201 0000 07060504 0f0e0d0c0b0a0908", nil},
	{2, "set_pci_intx_level", "0201 03 04 05 06 07 00",
		SetPCIIntxLevel{Domain: 3, Bus: 4, Device: 5, Intx: 6, Level: 7}},
	{3, "set_isa_irq_level", "0201 03 04", SetISAIRQLevel{IRQ: 3, Level: 4}},
	{4, "set_pci_link_route", "0201 03 04", SetPCILinkRoute{Link: 3, IRQ: 4}},
	{6, "track_dirty_vram", "0201 0000 08070605 100f0e0d0c0b0a09 1817161514131211",
		TrackDirtyVRAM{Nr: 0x05060708, First: 0x090a0b0c0d0e0f10}},
	{7, "modified_memory", "0201 0000 08070605 100f0e0d0c0b0a09", nil},
	{8, "set_mem_type", "0201 0403 08070605 100f0e0d0c0b0a09",
		SetMemType{Type: 0x0304, Nr: 0x05060708, First: 0x090a0b0c0d0e0f10}},
	{14, "inject_trap", "0201 0000 04030201 08070605 0c0b0a09 100f0e0d 14131211 1c1b1a1918171615", nil},
	{15, "get_mem_type", "0201 0403 00000000 100f0e0d0c0b0a09", nil},
	{16, "inject_msi", "0201 0000 08070605 100f0e0d0c0b0a09",
		InjectMSI{Data: 0x05060708, Addr: 0x090a0b0c0d0e0f10}},
	{17, "create_ioreq_server", "0201 01 00 0605", CreateIOReqServer{HandleBufIOReq: BufLegacy, ID: 0x0506}},
	{18, "get_ioreq_server_info", "0201 0403 08070605 100f0e0d0c0b0a09 1817161514131211",
		GetIOReqServerInfo{ID: 0x0304, BufPort: 0x05060708, IOReqGFN: 0x090a0b0c0d0e0f10, BufReqGFN: 0x1112131415161718}},
	{19, "map_io_range_to_ioreq_server", "0201 0403 02000000 100f0e0d0c0b0a09 1817161514131211",
		MapIORange{ID: 0x0304, Range: Range{SpacePCI, 0x090a0b0c0d0e0f10, 0x1112131415161718}}},
	{20, "unmap_io_range_from_ioreq_server", "0201 0403 01000000 100f0e0d0c0b0a09 1817161514131211",
		UnmapIORange{ID: 0x0304, Range: Range{SpaceMemory, 0x090a0b0c0d0e0f10, 0x1112131415161718}}},
	{21, "destroy_ioreq_server", "0201 0403", DestroyIOReqServer{ID: 0x0304}},
	{22, "set_ioreq_server_state", "0201 0403 05 00", SetIOReqServerState{ID: 0x0304, Enabled: 5}},
}

func TestHVMOpLayouts(t *testing.T) {
	for _, l := range hvmOpLayouts {
		raw := unhex(t, l.raw)
		if l.code.Size() != len(raw) || l.code.String() != l.name {
			t.Errorf("hvm_op %d: %s, %d bytes, want %s, %d", l.code, l.code, l.code.Size(), l.name, len(raw))
		}
		op, err := DecodeHVMOp(l.code, raw)
		if err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		if op.Dom() != 0x0102 {
			t.Errorf("%s: domain 0x%x", l.name, op.Dom())
		}
		d, ok := op.DMOp()
		if ok != (l.dmop != nil) {
			t.Errorf("%s: has a dm_op: %v", l.name, ok)
		} else if ok && d != NewDMOp(l.dmop) {
			t.Errorf("%s: became %+v, want %+v", l.name, d.DecodeBody(), l.dmop)
		}
		checkShort(t, l.name, len(raw), func(b []byte) error {
			_, err := DecodeHVMOp(l.code, b)
			return err
		})
	}
	known := 0
	for _, s := range hvmOpSpecs {
		if s.name != "" {
			known++
		}
	}
	if known != len(hvmOpLayouts) {
		t.Errorf("%d operations have names, %d are tested", known, len(hvmOpLayouts))
	}
}

func TestUnknownHVMOp(t *testing.T) {
	op, err := DecodeHVMOp(99, unhex(t, "0201 03"))
	if err != nil || op.Dom() != 0x0102 || op.Op.String() != "hvm_op99" {
		t.Errorf("%+v, %v", op, err)
	}
	if _, ok := op.DMOp(); ok {
		t.Error("an unknown operation has a dm_op")
	}
}

// TestHVMOpContinuations: a recorder that sees 0x308 sees set_mem_type after
// 768 pages (do_hvm_op, 4.5 to 4.8).
func TestHVMOpContinuations(t *testing.T) {
	for _, c := range []struct {
		arg  uint64
		code HVMOpCode
		done uint64
	}{
		{8, HVMSetMemType, 0}, {0x308, HVMSetMemType, 768}, {0x107, HVMModifiedMemory, 256},
		{0xffffff00_00000016, HVMSetIOReqServerState, 0xffffff00_00000000},
	} {
		if code, done := SplitHVMOp(c.arg); code != c.code || done != c.done {
			t.Errorf("0x%x: %v after %d, want %v after %d", c.arg, code, done, c.code, c.done)
		}
	}
}
