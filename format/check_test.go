package format

import (
	"bytes"
	"errors"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

func checkOf(t testing.TB, b []byte) CheckReport {
	t.Helper()
	r, err := Check(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// repaired returns the repaired file, which must be whole.
func repaired(t testing.TB, b []byte) ([]byte, RepairReport) {
	t.Helper()
	var out bytes.Buffer
	rep, err := Repair(&out, bytes.NewReader(b), int64(len(b)), func(h Header) Header {
		h.Provenance = append(h.Provenance, Step{Op: "repair"})
		return h
	})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Written != int64(out.Len()) {
		t.Fatalf("%d bytes, reports %d", out.Len(), rep.Written)
	}
	if c := checkOf(t, out.Bytes()); c.Condition() != Whole || !c.Indexed || !c.Closed {
		t.Fatalf("the repaired file is %v: %+v %v", c.Condition(), c, c.Faults)
	}
	return out.Bytes(), rep
}

func TestWholeFilesAreWhole(t *testing.T) {
	small, events, _ := smallTrace(t)
	long, _ := longTrace(t, 30000)
	nameless := []Event{Unlearned{Dom: 1, Server: xen.NoServer}.Event(1), IOReq{Dom: 1, Server: xen.NoServer}.Event(KindIOResp, 2)}
	for _, b := range [][]byte{small, long, binaryOf(t, testHeader, nameless, 1), binaryOf(t, testHeader, nil, 1), binaryOf(t, testHeader, session(maxChunk+5), 1)} {
		if r := checkOf(t, b); r.Condition() != Whole || !r.Closed || !r.Indexed || r.Missing != 0 || r.Bytes != int64(len(b)) {
			t.Errorf("%+v", r)
		}
	}
	out, _ := repaired(t, small)
	got, _, err := readAll(out)
	if err != nil || !slices.Equal(got, events) {
		t.Errorf("repairing a whole file changes it: %v", err)
	}
	if r := checkOf(t, small); r.Events != 41 || r.KeyFrames != 2 || r.Blocks != 7 {
		t.Errorf("%+v", r)
	}
}

// TestCheckAndRepairOfDamage flips a bit of every byte and cuts at every byte.
func TestCheckAndRepairOfDamage(t *testing.T) {
	t.Parallel()
	b, _, parts := smallTrace(t)
	for at := range b {
		n := partAt(parts, at)
		damaged := slices.Clone(b)
		damaged[at] ^= 1 << (at % 8)
		r, err := Check(bytes.NewReader(damaged), int64(len(b)))
		if errors.Is(err, ErrVersion) && at >= 16 && at < 18 {
			continue
		}
		if err != nil || r.Condition() != Damaged || r.Faults[0].Offset != int64(parts[n].start) {
			t.Fatalf("flip at %d: %v, %v %v", at, err, r.Condition(), r.Faults)
		}
		if at%23 == 0 {
			checkRepair(t, damaged, n == len(parts)-1)
		}
	}
	for cut := parts[0].end; cut < len(b); cut++ {
		n := partAt(parts, cut)
		r := checkOf(t, b[:cut])
		if r.Condition() != Cut || r.Closed || r.Faults[0].Offset != int64(parts[n].start) {
			t.Fatalf("cut at %d: %v %v", cut, r.Condition(), r.Faults)
		}
		if cut%23 == 0 || cut == parts[n].start {
			checkRepair(t, b[:cut], true)
		}
	}
}

// checkRepair compares a repaired file with what Resume gives; one without a
// trailer has one event more.
func checkRepair(t *testing.T, b []byte, open bool) {
	t.Helper()
	want, _, _ := readOn(t, b)
	out, _ := repaired(t, b)
	got, closed, err := readAll(out)
	if err != nil || !closed {
		t.Fatalf("closed %v, %v", closed, err)
	}
	if open {
		last := got[len(got)-1]
		if got = got[:len(got)-1]; last.Lost().Probe != ProbeFile {
			t.Fatalf("the last event is %+v", last)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got\n%swant\n%s", plain(got), plain(want))
	}
}

func TestRepairCountsTheBlockThatWasCut(t *testing.T) {
	b, _, parts := smallTrace(t)
	n := len(parts) - 3 // the last block of events
	out, _ := repaired(t, b[:parts[n].end-1])
	got, _, _ := readAll(out)
	r := checkOf(t, b)
	whole := checkOf(t, b[:parts[n].start])
	if want := r.Events - whole.Events; got[len(got)-1].Lost().Count != want {
		t.Errorf("%+v, want %d events", got[len(got)-1].Lost(), want)
	}
}

func TestRepairKeepsUnknownBlocks(t *testing.T) {
	b, events, parts := smallTrace(t)
	extra := []byte("what a later version keeps here")
	h := blockHeader{kind: 77, csize: uint32(len(extra)), payloadCRC: crc32.Checksum(extra, castagnoli)}
	block := append(h.append(nil), extra...)
	at := parts[3].start
	out, _ := repaired(t, slices.Concat(b[:at], block, b[at:]))
	if !bytes.Contains(out, block) {
		t.Error("the block is gone")
	}
	if got, _, err := readAll(out); err != nil || !slices.Equal(got, events) {
		t.Error(err)
	}
}

func TestCheckOfWhatIsNoTrace(t *testing.T) {
	b := binaryOf(t, testHeader, nil, 1)
	old := slices.Clone(b)
	old[16], old[18] = 0, 1
	for _, c := range []struct {
		b    []byte
		want error
	}{{[]byte("\x7fELF"), ErrNotTrace}, {old, ErrVersion}} {
		if _, err := Check(bytes.NewReader(c.b), int64(len(c.b))); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
		var out bytes.Buffer
		if _, err := Repair(&out, bytes.NewReader(c.b), int64(len(c.b)), nil); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

func TestCheckFindsAWrongIndex(t *testing.T) {
	b, _, parts := smallTrace(t)
	at := parts[len(parts)-2].start
	body := slices.Clone(b[at+blockHead : len(b)-blockHead])
	changed := bytes.Replace(body, []byte(`"key_frames":2`), []byte(`"key_frames":3`), 1)
	r := checkOf(t, withIndex(t, b[:at], changed, b[len(b)-blockHead:]))
	if r.Condition() != Damaged || r.Indexed || r.Faults[0].Offset != int64(at) {
		t.Errorf("%+v", r)
	}
}
