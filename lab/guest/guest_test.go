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

func TestProberConstantsAgreeWithTheKernel(t *testing.T) {
	at := bytes.Index(Prober, []byte("IOTP"))
	if at < 0 {
		t.Fatal("prober.elf: has no layout table; run go generate ./lab/guest")
	}
	for i, f := range []struct {
		name string
		want uint32
	}{
		{"PORT_DOORBELL", ProberDoorbell}, {"PROGRESS", ProberProgress}, {"VCPUS", ProberVCPUs},
		{"COMMANDS", ProberCommands}, {"COMMANDS_SIZE", commandsSize}, {"COMMANDS_END", ProberEnd},
		{"POOL", uint32(ProberPool.Addr())}, {"FLAGS", commandFlags}, {"XMM0", commandXMM0}, {"VECTOR", commandVector},
		{"ERROR", commandError}, {"CODE", commandCode}, {"COMMAND", CommandSize},
	} {
		if got := binary.LittleEndian.Uint32(Prober[at+4+4*i:]); got != f.want {
			t.Errorf("%s: want %#x as in prober.go, got %#x in prober.elf; run go generate ./lab/guest", f.name, f.want, got)
		}
	}
}

func TestCommandsHoldTheirCode(t *testing.T) {
	b := make([]byte, CommandSize)
	want := Registers{RAX: 1, RCX: 2, RDX: 3, RBX: 4, RSI: 5, RDI: 6, Flags: FlagDF | flagAlways, XMM0: [2]uint64{7, 8}}
	if err := PutCommand(b, want, []byte{0xec}); err != nil {
		t.Fatal(err)
	}
	if got, _ := Performed(b); got != want {
		t.Errorf("want %+v, got %+v", want, got)
	}
	if b[commandCode] != 0xec || b[commandCode+1] != ret {
		t.Errorf("code: want ec c3, got % x", b[commandCode:commandCode+2])
	}
	if err := PutCommand(b, want, make([]byte, maxCode)); err == nil {
		t.Error("code without room for its return: want an error, got none")
	}
}
