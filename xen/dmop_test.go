package xen

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// unhex decodes hexadecimal bytes; blanks group them and mean nothing.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkShort calls decode with every length from zero up to size.
func checkShort(t *testing.T, what string, size int, decode func([]byte) error) {
	t.Helper()
	for n := range size {
		var short *SizeError
		if err := decode(make([]byte, n)); !errors.As(err, &short) || short.Got != n || short.Want > size {
			t.Errorf("%s from %d bytes: %v", what, n, err)
		}
	}
	if err := decode(make([]byte, size)); err != nil {
		t.Errorf("%s from %d bytes: %v", what, size, err)
	}
}

// dmOpLayouts has the union of each dm_op as bytes in memory, one group a
// field, from public/hvm/dm_op.h. Every byte differs, so a field at a wrong
// offset or of a wrong width shows.
var dmOpLayouts = []struct {
	code DMOpCode
	name string
	raw  string
	body Body
}{
	{1, "create_ioreq_server", "02 a1a2a3 0504",
		CreateIOReqServer{HandleBufIOReq: BufAtomic, Pad: [3]byte{0xa1, 0xa2, 0xa3}, ID: 0x0405}},
	{2, "get_ioreq_server_info", "0201 0403 08070605 100f0e0d0c0b0a09 1817161514131211",
		GetIOReqServerInfo{ID: 0x0102, Flags: 0x0304, BufPort: 0x05060708, IOReqGFN: 0x090a0b0c0d0e0f10, BufReqGFN: 0x1112131415161718}},
	{3, "map_io_range_to_ioreq_server", "0201 0403 08070605 100f0e0d0c0b0a09 1817161514131211",
		MapIORange{ID: 0x0102, Pad: 0x0304, Range: Range{0x05060708, 0x090a0b0c0d0e0f10, 0x1112131415161718}}},
	{4, "unmap_io_range_from_ioreq_server", "0201 0403 08070605 100f0e0d0c0b0a09 1817161514131211",
		UnmapIORange{ID: 0x0102, Pad: 0x0304, Range: Range{0x05060708, 0x090a0b0c0d0e0f10, 0x1112131415161718}}},
	{5, "set_ioreq_server_state", "0201 03 04", SetIOReqServerState{ID: 0x0102, Enabled: 3, Pad: 4}},
	{6, "destroy_ioreq_server", "0201 0403", DestroyIOReqServer{ID: 0x0102, Pad: 0x0304}},
	{7, "track_dirty_vram", "04030201 08070605 100f0e0d0c0b0a09",
		TrackDirtyVRAM{Nr: 0x01020304, Pad: 0x05060708, First: 0x090a0b0c0d0e0f10}},
	{8, "set_pci_intx_level", "0201 03 04 05 06", SetPCIIntxLevel{Domain: 0x0102, Bus: 3, Device: 4, Intx: 5, Level: 6}},
	{9, "set_isa_irq_level", "01 02", SetISAIRQLevel{IRQ: 1, Level: 2}},
	{10, "set_pci_link_route", "01 02", SetPCILinkRoute{Link: 1, IRQ: 2}},
	{11, "modified_memory", "04030201 08070605", ModifiedMemory{NrExtents: 0x01020304, Opaque: 0x05060708}},
	{12, "set_mem_type", "04030201 0605 0807 100f0e0d0c0b0a09",
		SetMemType{Nr: 0x01020304, Type: 0x0506, Pad: 0x0708, First: 0x090a0b0c0d0e0f10}},
	{13, "inject_event", "04030201 05 06 07 08 0c0b0a09 100f0e0d 1817161514131211",
		InjectEvent{VCPU: 0x01020304, Vector: 5, Type: 6, InsnLen: 7, Pad0: 8, ErrorCode: 0x090a0b0c, Pad1: 0x0d0e0f10, CR2: 0x1112131415161718}},
	{14, "inject_msi", "04030201 08070605 100f0e0d0c0b0a09",
		InjectMSI{Data: 0x01020304, Pad: 0x05060708, Addr: 0x090a0b0c0d0e0f10}},
	{15, "map_mem_type_to_ioreq_server", "0201 0403 08070605 100f0e0d0c0b0a09",
		MapMemType{ID: 0x0102, Type: 0x0304, Flags: 0x05060708, Opaque: 0x090a0b0c0d0e0f10}},
	{16, "remote_shutdown", "04030201", RemoteShutdown{Reason: 0x01020304}},
	{17, "relocate_memory", "04030201 08070605 100f0e0d0c0b0a09 1817161514131211",
		RelocateMemory{Size: 0x01020304, Pad: 0x05060708, Src: 0x090a0b0c0d0e0f10, Dst: 0x1112131415161718}},
	{18, "pin_memory_cacheattr", "0807060504030201 100f0e0d0c0b0a09 14131211 18171615",
		PinMemoryCacheAttr{First: 0x0102030405060708, Last: 0x090a0b0c0d0e0f10, Type: 0x11121314, Pad: 0x15161718}},
	{19, "set_irq_level", "04030201 05 a1a2a3", SetIRQLevel{IRQ: 0x01020304, Level: 5, Pad: [3]byte{0xa1, 0xa2, 0xa3}}},
	{20, "nr_vcpus", "04030201", NrVCPUs{VCPUs: 0x01020304}},
}

func TestDMOpLayouts(t *testing.T) {
	for _, l := range dmOpLayouts {
		raw := unhex(t, l.raw)
		if got := l.code.BodySize(); got != len(raw) {
			t.Errorf("%s: BodySize %d, want %d", l.name, got, len(raw))
		}
		if got := l.code.String(); got != l.name {
			t.Errorf("dm_op %d is called %s, want %s", l.code, got, l.name)
		}
		head := []byte{byte(l.code), 0, 0, 0, 0, 0, 0, 0}
		buf := append(head, raw...)
		op, err := DecodeDMOp(buf)
		if err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		if got := op.DecodeBody(); got != l.body {
			t.Errorf("%s: decoded %+v, want %+v", l.name, got, l.body)
		}
		if got := NewDMOp(l.body); got != op {
			t.Errorf("%s: encoded % x, want % x", l.name, got, op)
		}
		want := append(buf, make([]byte, DMOpSize-len(buf))...)
		if got := op.Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%s: appended % x, want % x", l.name, got, want)
		}
	}
}

func TestEveryDMOpIsInTheTables(t *testing.T) {
	if len(dmOpLayouts) != len(bodyDecoders)-1 || len(bodyDecoders) != len(dmOpSpecs) {
		t.Errorf("%d layouts, %d decoders, %d specs", len(dmOpLayouts), len(bodyDecoders)-1, len(dmOpSpecs)-1)
	}
	types := make(map[reflect.Type]bool)
	for _, l := range dmOpLayouts {
		if types[reflect.TypeOf(l.body)] {
			t.Errorf("%T is the body of two operations", l.body)
		}
		types[reflect.TypeOf(l.body)] = true
	}
}

func TestDMOpHeader(t *testing.T) {
	raw := unhex(t, "0c000000 d4c3b2a1 04030201 0605 0807 100f0e0d0c0b0a09 1817161514131211")
	op, err := DecodeDMOp(raw)
	if err != nil {
		t.Fatal(err)
	}
	if op.Op != OpSetMemType || op.Pad != 0xa1b2c3d4 {
		t.Errorf("op %v, pad 0x%x", op.Op, op.Pad)
	}
	if got := op.Append([]byte{0xee}); !bytes.Equal(got[1:], raw) || got[0] != 0xee {
		t.Errorf("appended % x, want % x", got[1:], raw)
	}
	want := [3]uint64{0x0708050601020304, 0x090a0b0c0d0e0f10, 0x1112131415161718}
	if got := op.Words(); got != want {
		t.Errorf("words %x, want %x", got, want)
	}
	if got := DMOpFromWords(op.Op, op.Pad, want); got != op {
		t.Errorf("from words % x, want % x", got, op)
	}
}

// TestDMOpBuffersMayBeShort: Xen wants 8 bytes and the operation's own.
func TestDMOpBuffersMayBeShort(t *testing.T) {
	for _, l := range dmOpLayouts {
		checkShort(t, l.name, DMOpHeaderSize+l.code.BodySize(), func(b []byte) error {
			if len(b) > 0 {
				b[0] = byte(l.code)
			}
			_, err := DecodeDMOp(b)
			return err
		})
	}
	long := append(unhex(t, "14000000 00000000"), bytes.Repeat([]byte{0xee}, 100)...)
	if op, err := DecodeDMOp(long); err != nil || op.Body[DMOpBodySize-1] != 0xee {
		t.Errorf("a buffer of 108 bytes: %v, % x", err, op.Body)
	}
}

func TestUnknownDMOpKeepsItsBytes(t *testing.T) {
	for _, code := range []DMOpCode{0, 21, 1 << 31} {
		raw := append(le.AppendUint32(nil, uint32(code)), unhex(t, "00000000 0102030405")...)
		op, err := DecodeDMOp(raw)
		if err != nil || op.Op != code || op.Body != [DMOpBodySize]byte{1, 2, 3, 4, 5} {
			t.Errorf("dm_op %d: %+v, %v", code, op, err)
		}
		if body := op.DecodeBody(); body != nil {
			t.Errorf("dm_op %d has a body %+v", code, body)
		}
	}
	if got := DMOpCode(21).String(); got != "dm_op21" {
		t.Error(got)
	}
}
