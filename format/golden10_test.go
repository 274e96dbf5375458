package format

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// goldenEvents are those of the golden file: two key-frames, a gap in the
// numbers, a loss, and an event of a kind and with bits that 1.0 does not know.
func goldenEvents() []Event {
	later := Event{Seq: 9, Time: 2500, Kind: 60, Dom: 1, Server: 2, VCPU: xen.NoVCPU, W: [NumWords]uint64{7: 1 << 63}}
	events := []Event{
		blank(KindState, 900),
		blank(KindState+1, 900),
		IOReq{Dom: 1, VCPU: 1, ID: 3, Req: xen.IOReq{Addr: 0x1f7, State: xen.StateReady}}.Event(KindIOReq, 800),
		ProcessExit{PID: 7}.Event(1000),
		PortEvent{Port: 61, CPU: 1}.Event(KindEvtchnInterrupt, 1500),
		Process{PID: 9, Comm: "qemu\xff"}.Event(900),
		Lost{Dom: 1, Server: xen.NoServer, Probe: ProbeRing, Reason: ReasonOverrun, CPU: -1, Count: 2}.Event(2000),
		later,
		blank(KindState, 3000),
		IOReq{Dom: 1, VCPU: 1, ID: 4, Req: xen.IOReq{State: xen.StateReady}}.Event(KindIOReq, 3100),
		IOReq{Dom: 1, VCPU: 1, ID: 4, Req: xen.IOReq{State: xen.StateRespReady}}.Event(KindIOResp, 1_000_003_100),
	}
	for i, seq := range []uint64{4, 4, 2, 4, 5, 6, 7, 9, 10, 10, 11} {
		events[i].Seq = seq
	}
	events[2].Kind += KindOpen
	return events
}

func goldenHeader() Header {
	return Header{
		Writer: "golden 1.0", UUID: "00000000-0000-4000-8000-000000000001", CaptureUUID: "00000000-0000-4000-8000-000000000002",
		Dom0: "pvh", Attached: []string{"privcmd_ioctl"}, Partial: true,
		Provenance: []Step{{Op: "repair", Tool: "golden 1.0", Args: []string{"-o", "x"}, InputUUID: "0", InputSHA256: "1", WallNS: 2}},
	}
}

// putAll returns events as a binary trace, with the numbers that they have.
func putAll(t testing.TB, h Header, events []Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, h, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Bytes() != int64(b.Len()) {
		t.Fatalf("Bytes %d, wrote %d", w.Bytes(), b.Len())
	}
	return b.Bytes()
}

// plain writes events in a form that no change of the text form touches.
func plain(events []Event) []byte {
	var b []byte
	for _, e := range events {
		b = fmt.Appendf(b, "%d %d kind %d dom %d server %d vcpu %d words %x\n", e.Seq, e.Time, uint8(e.Kind), uint16(e.Dom), uint16(e.Server), uint16(e.VCPU), e.W)
	}
	return b
}

// TestVersion10IsReadForEver reads the file that 1.0 wrote. It must never be
// rewritten once 1.0 is released: -update makes only what is missing.
func TestVersion10IsReadForEver(t *testing.T) {
	const name = "testdata/v1.0-small.iot"
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) && *update {
		b = putAll(t, goldenHeader(), goldenEvents())
		err = os.WriteFile(name, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	events, closed, err := readAll(b)
	if err != nil || !closed {
		t.Fatalf("closed %v, %v", closed, err)
	}
	golden(t, "v1.0-small.txt", plain(events))
	if !slices.Equal(events, goldenEvents()) {
		t.Errorf("other events:\n%s", plain(events))
	}
	tr, err := Open(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(tr.Header()), fmt.Sprint(goldenHeader()); got != want {
		t.Errorf("header %s, want %s", got, want)
	}
}

// TestLayoutGolden shows the same events in a file as FORMAT.md draws it. zstd
// frames are shown by what they hold, because how they hold it is the library's
// business; sizes, offsets and checksums that depend on it are shown as zeros.
func TestLayoutGolden(t *testing.T) {
	file := putAll(t, goldenHeader(), goldenEvents())
	var out bytes.Buffer
	size := int(le.Uint32(file[20:]))
	file = showParts(&out, file, "4frame", "4size", "8magic", "2major", "2minor", "4json")
	fmt.Fprintf(&out, "%-13s%s\n", "", file[:size])
	file = showParts(&out, file[size:], "4crc")
	for len(file) > 0 {
		h, err := parseBlockHeader(file)
		if err != nil {
			t.Fatal(err)
		}
		body := file[blockHead:h.size()]
		head := slices.Clone(file[:blockHead])
		if h.hasEvents() {
			clear(head[24:28])
		}
		clear(head[88:96])
		clear(head[120:])
		fmt.Fprintln(&out)
		showParts(&out, head, "4frame", "4size", "8sync", "1kind", "1flags", "2zero", "4events", "4csize", "4usize",
			"8first seq", "8last seq", "8first time", "8last time", "8lost", "8before", "8state before", "8index",
			"4segment", "20zero", "4body crc", "4header crc")
		showBody(t, &out, &h, body)
		file = file[h.size():]
	}
	golden(t, "v1.0-layout.txt", out.Bytes())
}

// showParts prints fields of b, whose sizes stand in front of their names, and
// returns the rest.
func showParts(w io.Writer, b []byte, names ...string) []byte {
	for _, name := range names {
		var n int
		var what string
		fmt.Sscanf(name, "%d", &n)
		what = name[len(fmt.Sprint(n)):]
		fmt.Fprintf(w, "%-12s % x\n", what, b[:n])
		b = b[n:]
	}
	return b
}

func showBody(t *testing.T, w io.Writer, h *blockHeader, body []byte) {
	switch {
	case h.kind == blockIndex:
		n := int(le.Uint32(body[20:]))
		entries := body[24 : len(body)-n]
		showParts(w, body, "4frame", "4size", "8before", "4entries", "4totals")
		fmt.Fprintf(w, "%-12s %d bytes\n%-12s %s\n", "entries", len(entries), "totals", body[len(body)-n:])
	case h.hasEvents():
		payload, err := mustZstd(t).DecodeAll(body, nil)
		if err != nil || len(payload) != int(h.usize) {
			t.Fatalf("payload of %d bytes, %v", len(payload), err)
		}
		if h.flags&blockSparse == 0 {
			fmt.Fprintln(w)
			showPayload(w, payload, int(h.count))
			return
		}
		for part := range slices.Chunk(payload, 16) {
			fmt.Fprintf(w, "%-12s % x\n", "payload", part)
		}
	}
}
