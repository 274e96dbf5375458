package format

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// section is a stretch of a trace: its header (block -1) or one block.
type section struct {
	start, end int
	events     int // before it
}

// partsOf lists the parts of a good trace.
func partsOf(t testing.TB, b []byte) []section {
	t.Helper()
	end := fixedHead + int(le.Uint32(b[20:])) + crcSize
	parts := []section{{0, end, 0}}
	events := 0
	for _, h := range blockHeaders(t, b) {
		next := end + blockHead + int(h.csize)
		parts = append(parts, section{end, next, events})
		events += int(h.count)
		end = next
	}
	return parts
}

// partAt returns the number of the part that offset at is in.
func partAt(parts []section, at int) int {
	return slices.IndexFunc(parts, func(p section) bool { return at < p.end })
}

// checkDamage reports events that are not exactly those before part n, and an
// error that does not name the part.
func checkDamage(t *testing.T, what string, at int, b []byte, want []Event, parts []section, n int) error {
	t.Helper()
	got, closed, err := readAll(b)
	if before := parts[n].events; !slices.Equal(got, want[:before]) {
		t.Fatalf("%s at %d: %d events that differ from the %d before the damage", what, at, len(got), before)
	}
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) {
		t.Fatalf("%s at %d: no CorruptError but %v", what, at, err)
	}
	if corrupt.Offset != int64(parts[n].start) || corrupt.Block != n-1 {
		t.Fatalf("%s at %d: error names offset %d, block %d, want %d, %d", what, at, corrupt.Offset, corrupt.Block, parts[n].start, n-1)
	}
	if closed {
		t.Fatalf("%s at %d: closed", what, at)
	}
	return err
}

// smallTrace has two key-frames, the second of two blocks, losses and an index.
func smallTrace(t testing.TB) ([]byte, []Event, []section) {
	events := append(session(20), Lost{Count: 3}.Event(9))
	events = append(events, keyFrame(5000)...)
	events = append(events, session(20)...)
	b := binaryOf(t, testHeader, slices.Concat(keyFrame(7), events), 16)
	events, _, err := readAll(b)
	if err != nil {
		t.Fatal(err)
	}
	return b, events, partsOf(t, b)
}

// keyFrame returns what looks like one: state and open events.
func keyFrame(t uint64) []Event {
	var events []Event
	for i := range 5 {
		e := blank(KindState+Kind(i), t)
		e.W[0], e.Dom = 20+uint64(i), 3
		events = append(events, e)
	}
	for i := range 4 {
		e := session(20)[5*i]
		e.Kind += KindOpen
		events = append(events, e)
	}
	return events
}

func TestCutAtEveryByte(t *testing.T) {
	t.Parallel()
	b, events, parts := smallTrace(t)
	for cut := range len(b) {
		err := checkDamage(t, "cut", cut, b[:cut], events, parts, partAt(parts, cut))
		if !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

// flipCauses returns what the error for a changed byte may be.
func flipCauses(n, at int) []error {
	switch {
	case n > 0 || at >= fixedHead:
		return []error{ErrChecksum}
	case at < 4, at >= 8 && at < 16:
		return []error{ErrNotTrace}
	case at >= 16 && at < 18:
		return []error{ErrVersion}
	case at >= 18 && at < 20:
		return []error{ErrChecksum}
	}
	return []error{ErrMalformed, ErrTooLarge}
}

func TestErrorComesAgainAndLast(t *testing.T) {
	b, _, _ := smallTrace(t)
	r, err := NewReader(bytes.NewReader(b[:len(b)-1]))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		var last error
		for _, err := range r.Events() {
			if last != nil {
				t.Fatal("a pair behind the error")
			}
			last = err
		}
		if !errors.Is(last, ErrTruncated) {
			t.Fatalf("want ErrTruncated, got %v", last)
		}
	}
}

func TestErrorOfUnderlyingReaderIsNoDamage(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	for _, whole := range [][]byte{binaryOf(t, testHeader, session(50), 16), textOf(t, testHeader, session(50))} {
		for cut := range len(whole) {
			r := io.MultiReader(bytes.NewReader(whole[:cut]), iotest.ErrReader(broken))
			tr, err := Open(r)
			if err == nil {
				for _, err = range tr.Events() {
				}
			}
			var corrupt *CorruptError
			var text *TextError
			if !errors.Is(err, broken) || errors.As(err, &corrupt) || errors.As(err, &text) {
				t.Fatalf("after %d bytes: %v", cut, err)
			}
		}
	}
}

func TestShortReadsChangeNothing(t *testing.T) {
	b, events, _ := smallTrace(t)
	r, err := NewReader(iotest.OneByteReader(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	var got []Event
	for e, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if !slices.Equal(got, events) {
		t.Error("other events")
	}
}

// withBlock returns an empty trace's header followed by a block.
func withBlock(t testing.TB, h blockHeader, frame []byte) []byte {
	t.Helper()
	b, err := appendFileHeader(nil, Header{})
	if err != nil {
		t.Fatal(err)
	}
	h.payloadCRC = crc32.Checksum(frame, castagnoli)
	return append(h.append(b), frame...)
}

func TestClaimsAreRefusedBeforeTheyCost(t *testing.T) {
	bomb := zeros(t, 1<<30)
	frame := uint32(len(bomb))
	cases := []struct {
		name  string
		h     blockHeader
		frame []byte
		want  error
	}{
		{"2^60 events", blockHeader{kind: blockEvents, count: 1, usize: 9, csize: 9, lastSeq: 1 << 60}, nil, ErrMalformed},
		{"2^60 events in the trailer", blockHeader{kind: blockTrailer, before: 1 << 60}, nil, ErrMissing},
		{"2^60 last event", blockHeader{kind: blockTrailer, lastSeq: 1 << 60}, nil, ErrMalformed},
		{"key-frame without numbers", blockHeader{kind: blockKeyFrame, count: 1, usize: 9, csize: 9}, nil, ErrMalformed},
		{"event number 2^64-1", blockHeader{kind: blockEvents, count: 1, usize: 9, csize: 9, firstSeq: 1<<64 - 1, lastSeq: 1<<64 - 1}, nil, ErrMalformed},
		{"empty index", blockHeader{kind: blockIndex}, nil, ErrMalformed},
		{"4 GiB index", blockHeader{kind: blockIndex, csize: 1<<32 - 1, usize: 1<<32 - 9}, nil, ErrTooLarge},
		{"2^32-1 events", blockHeader{kind: blockEvents, count: 1<<32 - 1, usize: 1 << 31, csize: 9, lastSeq: 1<<32 - 2}, nil, ErrTooLarge},
		{"4 GiB payload", blockHeader{kind: blockEvents, count: 1, usize: 1<<32 - 1, csize: 9}, nil, ErrTooLarge},
		{"4 GiB frame", blockHeader{kind: blockEvents, count: 1, usize: 9, csize: 1<<32 - 1}, nil, ErrTooLarge},
		{"frame behind the end", blockHeader{kind: blockEvents, count: 1, usize: maxPayload, csize: maxPayload}, nil, ErrTruncated},
		{"1 GiB in a small frame", blockHeader{kind: blockEvents, count: 1, usize: 100, csize: frame}, bomb, ErrMalformed},
		{"4 GiB in an unknown block", blockHeader{kind: 77, csize: 1<<32 - 1}, nil, ErrTooLarge},
		{"unknown block behind the end", blockHeader{kind: 77, csize: 1 << 20}, nil, ErrTruncated},
		{"unknown critical block", blockHeader{kind: 77, flags: blockCritical}, nil, ErrVersion},
		{"no events", blockHeader{kind: blockEvents, usize: 9, csize: 9, lastSeq: 1<<64 - 1}, nil, ErrMalformed},
	}
	for _, c := range cases {
		b := withBlock(t, c.h, c.frame)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		events, _, err := readAll(b)
		runtime.ReadMemStats(&after)
		if len(events) != 0 || !errors.Is(err, c.want) {
			t.Errorf("%s: %d events, %v, want %v", c.name, len(events), err, c.want)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 12<<20 {
			t.Errorf("%s: %d MiB allocated", c.name, used>>20)
		}
	}
}

// zeros returns a small zstd frame that holds n zero bytes.
func zeros(t *testing.T, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 1<<20)
	for range n / int64(len(zero)) {
		if _, err := w.Write(zero); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnknownBlocksAreSkipped(t *testing.T) {
	b, events, parts := smallTrace(t)
	extra := []byte("what a later version keeps here")
	h := blockHeader{kind: 77, csize: uint32(len(extra)), payloadCRC: crc32.Checksum(extra, castagnoli), before: 99}
	at := parts[2].start
	mixed := slices.Concat(b[:at], h.append(nil), extra, b[at:])
	got, closed, err := readAll(mixed)
	if err != nil || !closed || !slices.Equal(got, events) {
		t.Errorf("%d events, closed %v: %v", len(got), closed, err)
	}
	mixed[at+blockHead] ^= 1
	if _, _, err := readAll(mixed); !errors.Is(err, ErrChecksum) {
		t.Errorf("damaged unknown block: %v", err)
	}
}

func TestMissingBlockIsNoticed(t *testing.T) {
	b, _, parts := smallTrace(t)
	for n := 1; n < len(parts)-1; n++ {
		rest := slices.Concat(b[:parts[n].start], b[parts[n].end:])
		want := ErrMissing
		if n == len(parts)-2 {
			want = nil // the index, which is advisory
		}
		if _, _, err := readAll(rest); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("without block %d: %v", n-1, err)
		}
	}
}

func TestDataBehindTheTrailerIsNoticed(t *testing.T) {
	b, events, _ := smallTrace(t)
	got, _, err := readAll(append(b, 0))
	if !slices.Equal(got, events) || !errors.Is(err, ErrMalformed) {
		t.Errorf("%d events, %v", len(got), err)
	}
}

func TestDevelopmentFilesAreRefusedWithASentence(t *testing.T) {
	b := binaryOf(t, testHeader, nil, 1)
	b[16], b[18] = 0, 1
	const want = "offset 0: header: format 0.1 is a development file from before 1.0, read only by the iotrace that wrote it; " +
		"record it again: written in another version of the format"
	if _, err := Open(bytes.NewReader(b)); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestLaterMinorVersionsAreRead(t *testing.T) {
	b, events, parts := smallTrace(t)
	b[18] = 7
	b[parts[1].start+17] |= 0x80 // a flag, and bytes that are zero now
	b[parts[1].start+110] = 9
	heal(b)
	if got, closed, err := readAll(b); err != nil || !closed || !slices.Equal(got, events) {
		t.Errorf("%d events, closed %v, %v", len(got), closed, err)
	}
}

func TestWhatIsNoTrace(t *testing.T) {
	b := binaryOf(t, testHeader, nil, 1)
	later, before := slices.Clone(b), slices.Clone(b)
	later[16], before[16], before[18] = 2, 0, 1
	cases := []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, ErrTruncated},
		{"ELF", []byte("\x7fELF\x02\x01\x01\x00"), ErrNotTrace},
		{"other zstd", []byte("\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00"), ErrNotTrace},
		{"other skippable frame", append(slices.Clone(b[:8]), "something else"...), ErrNotTrace},
		{"after a text transfer", bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), ErrNotTrace},
		{"without the eighth bits", append([]byte{b[0], b[1], b[2], b[3], b[4] & 127, 0, 0, 0}, "\x09IOT\r\n\x1a\n"...), ErrNotTrace},
		{"version 2", later, ErrVersion},
		{"version 0.1", before, ErrVersion},
		{"prose", []byte("it is raining\n"), ErrNotTrace},
		{"comment only", []byte("# nothing\n"), ErrTruncated},
	}
	for _, c := range cases {
		if _, err := Open(bytes.NewReader(c.data)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
