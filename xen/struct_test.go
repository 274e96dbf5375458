package xen

import (
	"bytes"
	"testing"
)

func TestAcquireResourceLayout(t *testing.T) {
	raw := unhex(t, "0201 0403 08070605 0c0b0a09 100f0e0d 1817161514131211 0000000000000000")
	want := AcquireResource{Dom: 0x0102, Type: 0x0304, ID: 0x05060708, NrFrames: 0x090a0b0c, Pad: 0x0d0e0f10, Frame: 0x1112131415161718}
	got, err := DecodeAcquireResource(raw)
	if err != nil || got != want || len(raw) != AcquireResourceSize {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if b := want.Append(nil); !bytes.Equal(b, raw) {
		t.Errorf("% x, want % x", b, raw)
	}
	raw[24] = 0xee // the caller's pointer is not kept
	if got, err := DecodeAcquireResource(raw); err != nil || got != want {
		t.Errorf("with a frame list: %+v, %v", got, err)
	}
	checkShort(t, "acquire_resource", 32, func(b []byte) error { _, err := DecodeAcquireResource(b); return err })
	if ResourceFrameBuf != 0 || ResourceFrameSync != 1 {
		t.Error("frames of an ioreq server")
	}
}

func TestEventStatusLayout(t *testing.T) {
	raw := unhex(t, "0201 0000 08070605 02000000 100f0e0d 1211 0000 18171615")
	status := EventStatusReply{Dom: 0x0102, Port: 0x05060708, Status: PortInterdomain, VCPU: 0x0d0e0f10, RemoteDom: 0x1112, RemotePort: 0x15161718}
	if got, err := DecodeEventStatus(raw); err != nil || got != status || len(raw) != EventStatusSize {
		t.Errorf("%+v, %v, want %+v", got, err, status)
	}
	if b := status.Append(nil); !bytes.Equal(b, raw) {
		t.Errorf("% x, want % x", b, raw)
	}
	checkShort(t, "status", 24, func(b []byte) error { _, err := DecodeEventStatus(b); return err })
}

// linuxIOC is Linux's _IOC with direction none, the form that both drivers use
// but for two commands.
func linuxIOC(device byte, nr, size uint32) Ioctl { return Ioctl(size<<16 | uint32(device)<<8 | nr) }

func TestIoctlNumbers(t *testing.T) {
	const write = 1 << 30
	for _, c := range []struct {
		got  Ioctl
		want Ioctl
		raw  uint32
	}{
		{PrivcmdHypercall, linuxIOC('P', 0, 48), 0x305000}, // u64 op, arg[5]
		{PrivcmdMmap, linuxIOC('P', 2, 16), 0x105002},
		{PrivcmdMmapBatch, linuxIOC('P', 3, 24), 0x185003},
		{PrivcmdMmapBatchV2, linuxIOC('P', 4, 32), 0x205004},
		{PrivcmdDMOp, linuxIOC('P', 5, 16), 0x105005},
		{PrivcmdRestrict, linuxIOC('P', 6, 2), 0x25006},
		{PrivcmdMmapResource, linuxIOC('P', 7, MmapResourceSize), 0x205007},
		{PrivcmdIRQFD, write | linuxIOC('P', 8, 24), 0x40185008},
		{PrivcmdIOEventFD, write | linuxIOC('P', 9, 48), 0x40305009},
		{PrivcmdGetGSI, linuxIOC('P', 10, 8), 0x8500a},
		{PrivcmdUnimplProbe, linuxIOC('P', 0xff, 0), 0x50ff},
		{EvtchnBindVIRQ, linuxIOC('E', 0, 4), 0x44500},
		{EvtchnBindInterdomain, linuxIOC('E', 1, 8), 0x84501},
		{EvtchnBindUnbound, linuxIOC('E', 2, 4), 0x44502},
		{EvtchnUnbind, linuxIOC('E', 3, 4), 0x44503},
		{EvtchnNotify, linuxIOC('E', 4, 4), 0x44504},
		{EvtchnReset, linuxIOC('E', 5, 0), 0x4505},
		{EvtchnRestrictDomID, linuxIOC('E', 6, 2), 0x24506},
		{EvtchnBindStatic, linuxIOC('E', 7, 4), 0x44507},
	} {
		if c.got != c.want || uint32(c.got) != c.raw {
			t.Errorf("%v is 0x%x, want 0x%x, 0x%x", c.got, uint32(c.got), uint32(c.want), c.raw)
		}
	}
	if len(ioctlNames) != 19 {
		t.Errorf("%d ioctls have names, 19 are tested", len(ioctlNames))
	}
}

func TestMemoryOpContinuations(t *testing.T) {
	for _, c := range []struct {
		arg  uint64
		op   MemoryOp
		done uint64
	}{
		{28, MemAcquireResource, 0}, {6 | 5<<6, MemPopulatePhysmap, 5}, {1<<64 - 1, 63, 1<<58 - 1},
	} {
		if op, done := SplitMemoryOp(c.arg); op != c.op || done != c.done {
			t.Errorf("0x%x: %v after %d, want %v after %d", c.arg, op, done, c.op, c.done)
		}
	}
}

func TestErrnoOf(t *testing.T) {
	for _, c := range []struct {
		ret  int64
		want Errno
		ok   bool
	}{
		{0, OK, true}, {7, OK, true}, {-22, EInval, true}, {-4095, 4095, true}, {-4096, 0, false}, {-1 << 63, 0, false},
	} {
		if got, ok := ErrnoOf(c.ret); got != c.want || ok != c.ok {
			t.Errorf("%d: %v, %v, want %v, %v", c.ret, got, ok, c.want, c.ok)
		}
	}
	if EInval.Error() != "EINVAL" || Errno(4095).String() != "errno4095" {
		t.Errorf("%v, %v", EInval, Errno(4095))
	}
}

func TestFrames(t *testing.T) {
	if g := GFNOf(0xfebf1fff); g != 0xfebf1 || g.Addr() != 0xfebf1000 {
		t.Errorf("frame 0x%x at 0x%x", uint64(g), g.Addr())
	}
}

// TestEventOps has the numbers of public/event_channel.h.
func TestEventOps(t *testing.T) {
	for op, want := range map[EventOp]uint32{
		EventBindInterdomain: 0, EventBindVIRQ: 1, EventClose: 3, EventSend: 4, EventStatus: 5,
		EventAllocUnbound: 6, EventUnmask: 9, EventReset: 10,
	} {
		if uint32(op) != want {
			t.Errorf("operation %d is %d in Xen's header", op, want)
		}
	}
}
