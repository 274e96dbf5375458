package guest

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// layoutOffset is where guest.S puts the table of its own constants.
const layoutOffset = 0x160

func TestImageBootsFromABIOS(t *testing.T) {
	if len(Image)%512 != 0 {
		t.Errorf("guest.img: want whole sectors, got %d bytes", len(Image))
	}
	if got := binary.LittleEndian.Uint16(Image[510:]); got != 0xaa55 {
		t.Errorf("boot signature: want 0xaa55, got %#x", got)
	}
	for _, line := range []string{UpLine, EndLine} {
		if !bytes.Contains(Image, []byte(line+"\n\x00")) {
			t.Errorf("guest.img: does not hold the line %q", line)
		}
	}
}

func TestConstantsAgreeWithTheImage(t *testing.T) {
	b := Image[layoutOffset:]
	if string(b[:4]) != "IOTG" {
		t.Fatalf("layout table: want IOTG at %#x, got %q; run go generate ./lab/guest", layoutOffset, b[:4])
	}
	for i, f := range []struct {
		name string
		want uint32
	}{
		{"PORT_COMMAND", PortCommand}, {"PORT_RESULT", PortResult}, {"PORT_SCRATCH", PortScratch},
		{"MMIO", MMIO}, {"VGA", VGA}, {"PCI_DEVICE", uint32(PCIDevice) >> 3},
		{"BUFFER", Buffer}, {"POOL", uint32(Pool.Addr())}, {"POOL_PAGES", PoolPages}, {"ops", uint32(numOps)},
	} {
		if got := binary.LittleEndian.Uint32(b[4+4*i:]); got != f.want {
			t.Errorf("%s: want %#x as in guest.go, got %#x in guest.img; run go generate ./lab/guest", f.name, f.want, got)
		}
	}
}

func TestCommandPacksOpAndCount(t *testing.T) {
	if got, want := Command(OpVGA, 1500), uint32(1500<<8|9); got != want {
		t.Errorf("want %#x, got %#x", want, got)
	}
	if Command(numOps, 0xffffff) == NoCommand {
		t.Error("a command must not look like an unowned port")
	}
}
