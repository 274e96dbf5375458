package xen

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// ioctlArgs has each argument beside its bytes, written by hand from Linux's
// uapi layouts.
var ioctlArgs = []struct {
	name  string
	arg   interface{ Append([]byte) []byte }
	bytes string
}{
	{
		"privcmd_hypercall", HypercallArg{Op: HyperEventChannel, Arg: [5]uint64{5, 0x1122334455667788, 3, 4, 9}},
		"2000000000000000 0500000000000000 8877665544332211 0300000000000000 0400000000000000 0900000000000000",
	},
	{
		"privcmd_dm_op", DMOpArg{Dom: 3, Num: 2, Bufs: 0x7f0011223344},
		"0300 0200 00000000 44332211007f0000",
	},
	{
		"privcmd_dm_op_buf", DMOpBuf{Addr: 0x1000, Size: 32},
		"0010000000000000 2000000000000000",
	},
	{
		"privcmd_mmap_resource", MmapResource{Dom: 0x0102, Type: 0x05060708, ID: 0x090a0b0c, Frame: 0x0d0e0f10, Num: 0x1112131415161718, Addr: 0x191a1b1c1d1e1f20},
		"0201 0000 08070605 0c0b0a09 100f0e0d 1817161514131211 201f1e1d1c1b1a19",
	},
	{
		"privcmd_mmapbatch_v2", MmapBatch{Num: 1, Dom: 3, Addr: 0x1000, GFNs: 0x2000, Errs: 0x3000},
		"01000000 0300 0000 0010000000000000 0020000000000000 0030000000000000",
	},
	{
		"privcmd_ioeventfd", IOEventFD{Dom: 3, Slots: 0x1000, Ports: 0x2000, Addr: 0x2000000, AddrLen: 4, FD: 7, VCPUs: 2, VQ: 1, Flags: EventFDDeassign},
		"0010000000000000 0020000000000000 0000000200000000 04000000 07000000 02000000 01000000 01000000 0300 0000",
	},
	{
		"privcmd_irqfd", IRQFD{Dom: 3, OpAddr: 0x1000, Size: 32, FD: 7, Flags: EventFDDeassign},
		"0010000000000000 20000000 07000000 01000000 0300 0000",
	},
	{
		"ioctl_evtchn_bind_interdomain", BindArg{RemoteDom: 3, RemotePort: 9},
		"03000000 09000000",
	},
}

func TestIoctlArguments(t *testing.T) {
	for _, c := range ioctlArgs {
		want, err := hex.DecodeString(strings.ReplaceAll(c.bytes, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.arg.Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%s: encoded as %x, want %x", c.name, got, want)
		}
	}
}

func TestEventFDsFromTheirWords(t *testing.T) {
	io := IOEventFD{Dom: 3, FD: 7, Addr: 0x2000000, AddrLen: 4, VCPUs: 2, VQ: 1, Flags: EventFDDeassign}
	if got := IOEventFDOf(io.Dom, io.FD, io.Words()); got != io {
		t.Errorf("ioeventfd %+v, want %+v", got, io)
	}
	irq := IRQFD{Dom: 3, FD: 7, Flags: EventFDDeassign, Op: NewDMOp(SetISAIRQLevel{IRQ: 9, Level: 1})}
	if got := IRQFDOf(irq.Dom, irq.FD, irq.Words()); got != irq {
		t.Errorf("irqfd %+v, want %+v", got, irq)
	}
}
