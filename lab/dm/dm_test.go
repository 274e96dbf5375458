package dm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// ringServer returns a server whose pages are ordinary memory, and its log.
func ringServer(entries ...xen.BufIOReq) (*Server, *bytes.Buffer) {
	var out bytes.Buffer
	c := &Conn{Log: NewLog(&out)}
	s := &Server{ID: 3, conn: c, mode: xen.BufAtomic, ring: make([]byte, xen.PageSize), slots: make([]byte, xen.PageSize)}
	// Start near the end of the slots: the entries wrap around.
	read := uint32(xen.BufSlots - 1)
	binary.LittleEndian.PutUint32(s.ring, read)
	binary.LittleEndian.PutUint32(s.ring[4:], read+uint32(len(entries)))
	for i, e := range entries {
		slot := (read + uint32(i)) % xen.BufSlots
		copy(s.ring[8+8*slot:], e.Append(nil))
	}
	return s, &out
}

func TestDrainJoinsWideEntriesAndWraps(t *testing.T) {
	s, _ := ringServer(
		xen.BufIOReq{Type: xen.TypeCopy, Size: 2, Addr: 0xb8000, Data: 0x1234},
		xen.BufIOReq{Type: xen.TypeCopy, Size: 8, Addr: 0xb8008, Data: 0x55667788},
		xen.BufIOReq{Type: xen.TypeCopy, Size: 8, Addr: 0xb8008, Data: 0x11223344},
	)
	got := s.Drain()
	want := []BufLine{
		{Server: 3, Slot: 510, Type: xen.TypeCopy, Addr: 0xb8000, Data: 0x1234, Size: 2},
		{Server: 3, Type: xen.TypeCopy, Addr: 0xb8008, Data: 0x1122334455667788, Size: 8},
	}
	if !slices.Equal(got, want) {
		t.Errorf("want %+v, got %+v", want, got)
	}
	if again := s.Drain(); len(again) != 0 {
		t.Errorf("a drained ring: want nothing, got %+v", again)
	}
	if total := s.conn.Log.Total(); total.Buf != 2 || total.BufSlots != 3 {
		t.Errorf("want 2 requests in 3 slots, got %+v", total)
	}
}

func TestTakeMovesOnlyReadySlots(t *testing.T) {
	s, _ := ringServer()
	if _, ok := s.take(1); ok {
		t.Error("an empty slot: want no request")
	}
	want := xen.IOReq{Addr: 0x5678, Data: 7, Count: 1, Size: 4, EPort: 9, State: xen.StateReady, Dir: xen.DirRead, DF: true}
	copy(s.slot(1), want.Append(nil))
	got, ok := s.take(1)
	if !ok || got != want {
		t.Errorf("want %+v, got %+v, %v", want, got, ok)
	}
	want.State = xen.StateInProcess
	if now, err := xen.DecodeIOReq(s.slot(1)); err != nil || now != want {
		t.Errorf("the slot afterwards: want %+v, got %+v, %v", want, now, err)
	}
	if _, ok := s.take(1); ok {
		t.Error("a slot in process: want no request")
	}
}

func TestPeekNeedsNoEvent(t *testing.T) {
	s, _ := ringServer()
	c := s.conn
	c.ports = map[xen.Port]channel{5: {server: s, vcpu: 1}, 6: {server: s, ring: true}}
	if r, ok := c.Peek(); ok {
		t.Errorf("empty slots: want no request, got %+v", r)
	}
	copy(s.slot(1), xen.IOReq{Addr: 0x5678, Size: 4, Count: 1, State: xen.StateReady}.Append(nil))
	if r, ok := c.Peek(); !ok || r.Server != s || r.VCPU != 1 || r.IOReq.Addr != 0x5678 {
		t.Errorf("want the request of vCPU 1, got %+v, %v", r, ok)
	}
	if _, ok := c.Peek(); ok {
		t.Error("a slot in process: want no request")
	}
}

// TestQuietSaysWhatTheSlotsHold tells a lost event from a guest that asks for nothing.
func TestQuietSaysWhatTheSlotsHold(t *testing.T) {
	s, _ := ringServer()
	c := s.conn
	c.ports = map[xen.Port]channel{7: {server: s, vcpu: 1}, 5: {server: s}, 8: {server: s, ring: true}, 9: {server: &Server{}}}
	s.setState(1, xen.StateReady)
	quiet, events, err := os.Pipe() // nothing is written: it cannot be read
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	defer events.Close()
	c.evtchn = quiet
	_, err = c.Next(0)
	if want := "5 of server 3, vCPU 0, none 7 of server 3, vCPU 1, ready"; !errors.Is(err, ErrQuiet) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("want %q at the end, got %v", want, err)
	}
}

func TestEnableNeedsPages(t *testing.T) {
	s := &Server{ID: 1, conn: &Conn{}}
	if err := s.Enable(); err == nil || !strings.Contains(err.Error(), "Acquire") {
		t.Errorf("want an error that names Acquire, got %v", err)
	}
}

func TestLogReadsBack(t *testing.T) {
	var out bytes.Buffer
	log := NewLog(&out)
	log.Step("claim")
	log.call(CallLine{Name: "set_mem_type", In: [3]uint64{1, 2, 3}, Errno: xen.EInval})
	log.sync(SyncLine{Server: 1, Addr: 1 << 63, Data: 5, Size: 8, Count: 1, Dir: xen.DirRead, Answer: ^uint64(0)})
	log.buf(BufLine{Server: 1, Addr: 0xb8000, Size: 8, Data: ^uint64(0)})
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	var kinds []LineKind
	for line, err := range ReadLog(&out) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, line.Kind)
		switch line.Kind {
		case LineSync:
			if line.Sync.Addr != 1<<63 || line.Sync.Answer != ^uint64(0) {
				t.Errorf("64-bit values: got %+v", *line.Sync)
			}
		case LineTotal:
			if want := (TotalLine{Calls: 1, Refused: 1, Sync: 1, Buf: 1, BufSlots: 2}); *line.Total != want {
				t.Errorf("totals: want %+v, got %+v", want, *line.Total)
			}
		}
	}
	if want := []LineKind{LineStep, LineCall, LineSync, LineBuf, LineTotal}; !slices.Equal(kinds, want) {
		t.Errorf("want %v, got %v", want, kinds)
	}
}

func TestDamagedLogSaysWhere(t *testing.T) {
	var last error
	for _, err := range ReadLog(strings.NewReader("{\"kind\":\"step\"}\n{\"kind\":")) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "line 2") {
		t.Errorf("want an error in line 2, got %v", last)
	}
}
