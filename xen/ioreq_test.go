package xen

import (
	"bytes"
	"testing"
)

// ioreqLayouts are slots as bytes in memory: addr, data, count, size, vp_eport,
// padding, the byte of bit fields, type (public/hvm/ioreq.h).
var ioreqLayouts = []struct {
	name string
	raw  string
	want IOReq
}{
	{"every byte", "0807060504030201 100f0e0d0c0b0a09 14131211 18171615 1c1b1a19 0000 00 20",
		IOReq{Addr: 0x0102030405060708, Data: 0x090a0b0c0d0e0f10, Count: 0x11121314, Size: 0x15161718, EPort: 0x191a1b1c, Type: 0x20}},
	{"state 1", zeros30 + "01 00", IOReq{State: StateReady}},
	{"state 2", zeros30 + "02 00", IOReq{State: StateInProcess}},
	{"state 3", zeros30 + "03 00", IOReq{State: StateRespReady}},
	{"state 15", zeros30 + "0f 00", IOReq{State: 15}},
	{"data_is_ptr", zeros30 + "10 00", IOReq{DataIsPtr: true}},
	{"dir", zeros30 + "20 00", IOReq{Dir: DirRead}},
	{"df", zeros30 + "40 00", IOReq{DF: true}},
	{"copy", zeros30 + "00 01", IOReq{Type: TypeCopy}},
	{"pci_config", zeros30 + "00 02", IOReq{Type: TypePCIConfig}},
	{"timeoffset", zeros30 + "00 07", IOReq{Type: TypeTimeOffset}},
	{"invalidate", zeros30 + "00 08", IOReq{Type: TypeInvalidate}},
	{"all bits", zeros30 + "7f ff", IOReq{State: 15, DataIsPtr: true, Dir: DirRead, DF: true, Type: 255}},
}

const zeros30 = "0000000000000000 0000000000000000 00000000 00000000 00000000 0000 "

func TestIOReqLayout(t *testing.T) {
	for _, l := range ioreqLayouts {
		raw := unhex(t, l.raw)
		if len(raw) != 32 || IOReqSize != 32 {
			t.Fatalf("%s: %d bytes, IOReqSize %d", l.name, len(raw), IOReqSize)
		}
		got, err := DecodeIOReq(raw)
		if err != nil || got != l.want {
			t.Errorf("%s: %+v, %v, want %+v", l.name, got, err, l.want)
		}
		if b := l.want.Append([]byte{0xee}); !bytes.Equal(b[1:], raw) {
			t.Errorf("%s: % x, want % x", l.name, b[1:], raw)
		}
	}
	checkShort(t, "ioreq", IOReqSize, func(b []byte) error { _, err := DecodeIOReq(b); return err })
	if SlotsPerPage != 128 {
		t.Errorf("%d slots a page", SlotsPerPage)
	}
}

// TestIOReqPaddingIsDropped: bits 28..29 and bit 7 of byte 30 mean nothing.
func TestIOReqPaddingIsDropped(t *testing.T) {
	raw := unhex(t, "0000000000000000 0000000000000000 00000000 00000000 00000000 ffff 80 00")
	if got, err := DecodeIOReq(raw); err != nil || got != (IOReq{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPCIAddress(t *testing.T) {
	dev := NewSBDF(0x1234, 0x56, 0x1f, 7)
	if dev != 0x123456ff || dev.String() != "1234:56:1f.7" {
		t.Errorf("%v is 0x%x", dev, uint32(dev))
	}
	// seg 63:48, bus 47:40, dev 39:35, fn 34:32, register 31:0
	if got := PCIAddr(NewSBDF(0, 0, 2, 0), 0x10); got != 0x0000_0010_0000_0010 {
		t.Errorf("0x%x", got)
	}
	if got := PCIAddr(dev, 0xcfc); got != 0x1234_56ff_0000_0cfc {
		t.Errorf("0x%x", got)
	}
	if s, reg := (IOReq{Addr: 0x1234_56ff_0000_0cfc}).PCI(); s != dev || reg != 0xcfc {
		t.Errorf("%v register 0x%x", s, reg)
	}
	if got := NewSBDF(0, 0, 32+1, 8+2); got != NewSBDF(0, 0, 1, 2) {
		t.Errorf("%v", got)
	}
}

// bufLayouts are slots of the buffered ring: dword 0 is type 7:0, pad 8, dir 9,
// size 11:10, addr 31:12; dword 1 is data.
var bufLayouts = []struct {
	name string
	raw  string
	want BufIOReq
}{
	{"type", "01000000 00000000", BufIOReq{Type: TypeCopy, Size: 1}},
	{"dir", "00020000 00000000", BufIOReq{Dir: DirRead, Size: 1}},
	{"2 bytes", "00040000 00000000", BufIOReq{Size: 2}},
	{"4 bytes", "00080000 00000000", BufIOReq{Size: 4}},
	{"8 bytes", "000c0000 00000000", BufIOReq{Size: 8}},
	{"addr", "00503412 00000000", BufIOReq{Addr: 0x12345, Size: 1}},
	{"data", "00000000 04030201", BufIOReq{Data: 0x01020304, Size: 1}},
	{"all bits", "fffeffff ffffffff", BufIOReq{Type: 255, Dir: DirRead, Size: 8, Addr: 0xfffff, Data: 0xffffffff}},
}

func TestBufIOReqLayout(t *testing.T) {
	for _, l := range bufLayouts {
		raw := unhex(t, l.raw)
		got, err := DecodeBufIOReq(raw)
		if err != nil || got != l.want {
			t.Errorf("%s: %+v, %v, want %+v", l.name, got, err, l.want)
		}
		if b := l.want.Append(nil); !bytes.Equal(b, raw) {
			t.Errorf("%s: % x, want % x", l.name, b, raw)
		}
	}
	if got, err := DecodeBufIOReq(unhex(t, "00010000 00000000")); err != nil || got != (BufIOReq{Size: 1}) {
		t.Errorf("the padding bit: %+v, %v", got, err)
	}
	if b := (BufIOReq{Size: 3, Addr: 1 << 20}).Append(nil); !bytes.Equal(b, make([]byte, 8)) {
		t.Errorf("a size and an address that do not fit: % x", b)
	}
	checkShort(t, "buf_ioreq", BufSlotSize, func(b []byte) error { _, err := DecodeBufIOReq(b); return err })
}

func TestBufPageLayout(t *testing.T) {
	raw := make([]byte, PageSize)
	for i := range uint32(BufSlots) {
		copy(raw[8+8*i:], BufIOReq{Size: 1, Data: i}.Append(nil))
	}
	if BufSlots != 511 || 8+8*BufSlots != PageSize {
		t.Errorf("%d slots do not fill the page", BufSlots)
	}
	for ptr, want := range map[uint32]uint32{0: 0, 510: 510, 511: 0, 512: 1, 1<<32 - 1: (1<<32 - 1) % 511} {
		if got := BufPage(raw).Slot(ptr).Data; got != want {
			t.Errorf("pointer %d names slot %d, want %d", ptr, got, want)
		}
	}
}

func TestSteers(t *testing.T) {
	for _, c := range []struct {
		req  IOReq
		want bool
	}{
		{IOReq{Type: TypePIO, Addr: 0xcf7}, false}, {IOReq{Type: TypePIO, Addr: 0xcf8}, true},
		{IOReq{Type: TypePIO, Addr: 0xcff}, true}, {IOReq{Type: TypePIO, Addr: 0xd00}, false},
		{IOReq{Type: TypeCopy, Addr: 0xcf8}, false}, {IOReq{Type: TypeCopy, DataIsPtr: true}, true},
		{IOReq{Type: TypePCIConfig}, true}, {IOReq{Type: TypeInvalidate}, false},
	} {
		if got := c.req.Steers(); got != c.want {
			t.Errorf("%+v: %v", c.req, got)
		}
	}
}
