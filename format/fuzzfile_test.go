package format

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"testing"
)

// heal gives every header and body in b, which it changes, the checksum that it
// should have, so that random changes get past them.
func heal(b []byte) {
	if len(b) > fixedHead {
		if end := fixedHead + int(min(le.Uint32(b[20:]), math.MaxInt32)); end+crcSize <= len(b) {
			le.PutUint32(b[4:], uint32(end+crcSize-frameHead))
			le.PutUint32(b[end:], crc32.Checksum(b[:end], castagnoli))
		}
	}
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte(syncWord))
		if i < 0 {
			return
		}
		at += i
		if at < frameHead || len(b)-at+frameHead < blockHead {
			continue
		}
		head := b[at-frameHead:][:blockHead]
		body := b[at-frameHead+blockHead:]
		if size := le.Uint32(head[24:]); uint64(size) <= uint64(len(body)) {
			le.PutUint32(head[120:], crc32.Checksum(body[:size], castagnoli))
		}
		le.PutUint32(head[blockHead-crcSize:], crc32.Checksum(head[:blockHead-crcSize], castagnoli))
	}
}

// FuzzFile feeds whole files with healed checksums to all that reads files. The
// ways of reading must agree, and what is repaired must be whole.
func FuzzFile(f *testing.F) {
	small, _, _ := smallTrace(f)
	f.Add(small)
	f.Add(putAll(f, goldenHeader(), goldenEvents()))
	f.Add(binaryOf(f, Header{}, nil, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<20 {
			return
		}
		b = slices.Clone(b)
		heal(b)
		r, err := NewReader(bytes.NewReader(b))
		if errors.Is(err, ErrVersion) || err != nil && r.Resume() != nil {
			return
		}
		got, closed, errs := readOn(t, b)
		file, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if err == nil && len(errs) == 0 {
			again, err := fileEvents(file, 2)
			if err != nil || !slices.Equal(again, got) || !closed {
				t.Fatalf("Reader has %d events, File %d: closed %v, %v", len(got), len(again), closed, err)
			}
		}
		if err == nil {
			for range file.From(file.SeekTime(7)) {
				break
			}
		}
		checkFuzzedRepair(t, b, got)
	})
}

// checkFuzzedRepair repairs b, whose events a reader found to be want.
func checkFuzzedRepair(t *testing.T, b []byte, want []Event) {
	t.Helper()
	var out bytes.Buffer
	rep, err := Repair(&out, bytes.NewReader(b), int64(len(b)), nil)
	if err != nil {
		if errors.Is(err, ErrNotTrace) || errors.Is(err, ErrSequence) {
			return // nothing was found, or there is no number left for a Lost event
		}
		t.Fatal(err)
	}
	if c, err := Check(bytes.NewReader(out.Bytes()), int64(out.Len())); err != nil || c.Condition() != Whole {
		t.Fatalf("repaired, it is %v: %v %v", c.Condition(), c.Faults, err)
	}
	got, _, err := readAll(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !rep.Closed {
		got = got[:len(got)-1]
	}
	if !slices.Equal(got, want) {
		t.Fatalf("repaired, it has\n%snot\n%s", plain(got), plain(want))
	}
}

// TestHealedDamage is FuzzFile's loop over changes of a good file, so that some
// of it runs in every test. With -update it also keeps a few as corpus.
func TestHealedDamage(t *testing.T) {
	small, _, _ := smallTrace(t)
	rng := newRand(77)
	for n := range 400 {
		b := slices.Clone(small)
		for range 1 + rng.IntN(4) {
			at := rng.IntN(len(b))
			switch rng.IntN(3) {
			case 0:
				b[at] ^= 1 << rng.IntN(8)
			case 1:
				b[at] = byte(rng.Uint32())
			default:
				b = slices.Insert(slices.Delete(b, at, min(len(b), at+rng.IntN(200))), at, 1)
			}
		}
		if *update && n < 8 {
			keepCorpus(t, "FuzzFile", n, b)
			keepCorpus(t, "FuzzReader", n, b)
		}
		heal(b)
		r, err := NewReader(bytes.NewReader(b))
		if errors.Is(err, ErrVersion) || err != nil && r.Resume() != nil {
			continue
		}
		got, _, _ := readOn(t, b)
		if n%4 == 0 {
			checkFuzzedRepair(t, b, got)
		}
	}
}

func keepCorpus(t *testing.T, target string, n int, b []byte) {
	t.Helper()
	name := fmt.Sprintf("testdata/fuzz/%s/v1.0-%d", target, n)
	if err := os.WriteFile(name, fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", b), 0o644); err != nil {
		t.Fatal(err)
	}
}
