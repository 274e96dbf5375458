package mediator

import (
	"testing"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

func TestDeviceHoldsWhatIsWritten(t *testing.T) {
	m := newMediator(nil, Options{})
	for _, q := range []xen.IOReq{
		{Type: xen.TypePIO, Addr: guest.PortScratch + 4, Size: 4, Data: 0x11223344},
		{Type: xen.TypeCopy, Addr: guest.MMIO + 0xffe, Size: 2, Data: 0x5566},
		{Type: xen.TypeCopy, Addr: guest.VGA + guest.VGASize - 1, Size: 1, Data: 0x77},
		{Type: xen.TypePCIConfig, Addr: xen.PCIAddr(guest.PCIDevice, 0x40), Size: 4, Data: 0x8899aabb},
	} {
		q.Count = 1
		if _, err := m.perform(q); err != nil {
			t.Errorf("write %+v: %v", q, err)
		}
		read := q
		read.Dir, read.Data = xen.DirRead, 0
		if got, err := m.perform(read); err != nil || got != q.Data {
			t.Errorf("read %+v: want %#x, got %#x, %v", read, q.Data, got, err)
		}
	}
	identity := xen.IOReq{Type: xen.TypePCIConfig, Addr: xen.PCIAddr(guest.PCIDevice, 0), Size: 4, Count: 1, Dir: xen.DirRead}
	if got, err := m.perform(identity); err != nil || got != pciIdentity {
		t.Errorf("PCI identity: want %#x, got %#x, %v", pciIdentity, got, err)
	}
}

func TestRepeatedWritesFollowTheDirectionFlag(t *testing.T) {
	m := newMediator(nil, Options{})
	down := xen.IOReq{Type: xen.TypeCopy, Addr: guest.MMIO + 12, Size: 4, Count: 3, DF: true, Data: 0xa5a5a5a5}
	if _, err := m.perform(down); err != nil {
		t.Fatal(err)
	}
	for off, want := range map[int]byte{3: 0, 4: 0xa5, 15: 0xa5, 16: 0} {
		if got := m.device.mmio[off]; got != want {
			t.Errorf("mmio[%d]: want %#x, got %#x", off, want, got)
		}
	}
}

func TestRequestsOutsideAreErrors(t *testing.T) {
	m := newMediator(nil, Options{})
	m.typed[guest.Pool] = true
	for _, q := range []xen.IOReq{
		{Type: xen.TypePIO, Addr: guest.PortEnd, Size: 2},
		{Type: xen.TypePIO, Addr: 0x60, Size: 1},
		{Type: xen.TypeCopy, Addr: guest.MMIO + guest.MMIOSize, Size: 1},
		{Type: xen.TypeCopy, Addr: guest.Pool.Addr(), Size: 4, Dir: xen.DirRead}, // Xen serves reads itself
		{Type: xen.TypeCopy, Addr: (guest.Pool + 1).Addr(), Size: 4},             // not typed
		{Type: xen.TypePCIConfig, Addr: xen.PCIAddr(guest.PCIDevice+1, 0), Size: 4},
	} {
		q.Count = 1
		if _, err := m.perform(q); err == nil {
			t.Errorf("%+v: want an error, got none", q)
		}
	}
	if err := m.device.buffered(dm.BufLine{Type: xen.TypeCopy, Addr: 0xa0000, Size: 1}); err == nil {
		t.Error("buffered write outside the window: want an error, got none")
	}
}

func TestResultAndReadsAreKept(t *testing.T) {
	m := newMediator(nil, Options{})
	m.device.scratch[0] = 5
	read := xen.IOReq{Type: xen.TypePIO, Addr: guest.PortScratch, Size: 1, Count: 1, Dir: xen.DirRead}
	for range 3 {
		if _, err := m.perform(read); err != nil {
			t.Fatal(err)
		}
	}
	result := xen.IOReq{Type: xen.TypePIO, Addr: guest.PortResult, Size: 4, Count: 1, Data: 15}
	if _, err := m.perform(result); err != nil {
		t.Fatal(err)
	}
	if want := (reply{result: 15, done: true, reads: 15}); m.reply != want {
		t.Errorf("want %+v, got %+v", want, m.reply)
	}
	if err := m.check(guest.OpPIO, 1); err != nil {
		t.Error(err)
	}
	m.reply.result++
	if err := m.check(guest.OpPIO, 1); err == nil {
		t.Error("a wrong sum: want an error, got none")
	}
}
