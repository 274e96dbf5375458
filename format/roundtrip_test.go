package format

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
)

var testHeader = Header{
	Writer: "iotrace test", UUID: "00000000-0000-4000-8000-000000000000", XenVersion: "4.17.7",
	MonotonicNS: 1, WallNS: 1<<63 + 1, Attached: []string{"privcmd_ioctl", "evtchn_read"}, Partial: true,
}

// number gives events the numbers that a Writer gives them.
func number(events []Event) []Event {
	next := uint64(0)
	for i := range events {
		e := &events[i]
		if e.Kind < KindOpen {
			e.Seq = next
		}
		if !e.Kind.InKeyFrame() {
			next++
		}
	}
	return events
}

func anyEvents(rng *rand.Rand, n int) []Event {
	events := make([]Event, n)
	for i := range events {
		events[i] = anyEvent(rng)
	}
	return number(events)
}

func TestEveryEventSurvivesBothForms(t *testing.T) {
	rng := newRand(3)
	for _, n := range []int{0, 1, 2, 100, 3000} {
		want := anyEvents(rng, n)
		bin := binaryOf(t, testHeader, want, 64)
		got, closed, err := readAll(bin)
		if err != nil || !closed || !slices.Equal(got, want) {
			t.Fatalf("binary, %d events: closed %v, %v", n, closed, err)
		}
		text := textOf(t, testHeader, got)
		got, closed, err = readAll(text)
		if err != nil || !closed || !slices.Equal(got, want) {
			t.Fatalf("text, %d events: closed %v, %v", n, closed, err)
		}
		if again := binaryOf(t, testHeader, got, 64); !bytes.Equal(bin, again) {
			t.Errorf("%d events: binary, text, binary is not the same file", n)
		}
	}
}

func TestFieldEventsNeedNoExtraKeys(t *testing.T) {
	rng := newRand(5)
	for k := range Kinds() {
		for range 100 {
			e := fieldEvent(rng, k)
			if !new(encGroup).fits(columnsFor(k), &e) {
				t.Fatalf("%v: %+v does not fit its fields", k, e)
			}
			for slot := range uint8(numSlots) {
				if v, ok := e.extra(slot); ok {
					t.Fatalf("%v: slot %d has 0x%x beyond the fields", k, slot, v)
				}
			}
		}
	}
}

func TestSessionSurvivesFullBlocks(t *testing.T) {
	want := session(2*maxBlockEvents + 5)
	var b bytes.Buffer
	w, err := NewWriter(&b, testHeader, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range want {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, closed, err := readAll(b.Bytes())
	if err != nil || !closed || !slices.Equal(got, want) {
		t.Fatalf("%d events, closed %v: %v", len(got), closed, err)
	}
}

func TestHeaderSurvivesBothForms(t *testing.T) {
	for _, h := range []Header{{}, testHeader} {
		for _, b := range [][]byte{binaryOf(t, h, nil, 1), textOf(t, h, nil)} {
			tr, err := Open(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if got := tr.Header(); !reflect.DeepEqual(got, h) {
				t.Errorf("header %+v became %+v", h, got)
			}
			if tr.Closed() {
				t.Error("closed before the end was read")
			}
			for _, err := range tr.Events() {
				t.Fatal(err)
			}
			if !tr.Closed() || tr.Bytes() != int64(len(b)) {
				t.Errorf("closed %v after %d of %d bytes", tr.Closed(), tr.Bytes(), len(b))
			}
		}
	}
}

func TestIterationContinuesAfterBreak(t *testing.T) {
	want := session(300)
	for _, b := range [][]byte{binaryOf(t, testHeader, want, 64), textOf(t, testHeader, want)} {
		tr, err := Open(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var got []Event
		for len(got) < len(want) {
			for e, err := range tr.Events() {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, e); len(got)%7 == 0 {
					break
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Error("other events after a break")
		}
	}
}

func TestWriterRefusesAndEnds(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{}, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(Event{}); err != ErrInvalidKind {
		t.Errorf("event without kind: %v", err)
	}
	if err := w.Write(Clock{}.Event(1)); err != nil {
		t.Errorf("after a refused event: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"Write": w.Write(Clock{}.Event(1)), "Flush": w.Flush(), "Close": w.Close()} {
		if err != ErrClosed {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	if events, closed, err := readAll(b.Bytes()); len(events) != 1 || !closed || err != nil {
		t.Errorf("%d events, closed %v: %v", len(events), closed, err)
	}
}

func TestBlocksCountLostEvents(t *testing.T) {
	events := []Event{Lost{Count: 5}.Event(1), Clock{}.Event(2), Lost{Count: 1<<64 - 1}.Event(3)}
	b := binaryOf(t, testHeader, events, 2)
	var lost []uint64
	for _, h := range blockHeaders(t, b) {
		lost = append(lost, h.lost)
	}
	if want := []uint64{5, 4, 4, 4}; !slices.Equal(lost, want) {
		t.Errorf("lost %d, want %d", lost, want)
	}
	if _, _, err := readAll(b); err != nil {
		t.Error(err)
	}
}

// blockHeaders returns the headers of all blocks, the trailer too.
func blockHeaders(t testing.TB, b []byte) (all []blockHeader) {
	t.Helper()
	b = b[fixedHead+int(le.Uint32(b[20:]))+crcSize:]
	for len(b) > 0 {
		h, err := parseBlockHeader(b[:blockHead])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
		b = b[blockHead+int(h.csize):]
	}
	return all
}

func TestAnyZstdDecoderTakesTheFile(t *testing.T) {
	b := binaryOf(t, testHeader, session(1000), 300)
	dec, err := zstd.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(dec); err != nil {
		t.Fatal(err)
	}
	if want := payloadBytes(t, b); out.Len() != want {
		t.Errorf("zstd gives %d bytes, the block headers say %d", out.Len(), want)
	}
}

func TestZstdProgramTakesTheFile(t *testing.T) {
	path, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("no zstd program on this machine; TestAnyZstdDecoderTakesTheFile covers the container")
	}
	for _, n := range []int{0, 1, 1000} {
		name := t.TempDir() + "/trace.zst"
		raw := binaryOf(t, testHeader, session(n), 300)
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, flag := range []string{"-t", "-l", "-dcq"} {
			out, err := exec.Command(path, flag, name).Output()
			if err != nil {
				t.Errorf("%d events: zstd %s: %v\n%s", n, flag, err, out)
			}
			if want := payloadBytes(t, raw); flag == "-dcq" && len(out) != want {
				t.Errorf("%d events: zstd %s: %d bytes, the block headers say %d", n, flag, len(out), want)
			}
		}
	}
}

// payloadBytes is how many bytes of payload the block headers of a trace promise.
func payloadBytes(t *testing.T, raw []byte) (n int) {
	for _, h := range blockHeaders(t, raw) {
		if h.hasEvents() {
			n += int(h.usize)
		}
	}
	return n
}
