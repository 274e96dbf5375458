package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"math"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// FuzzReader feeds whole files. What reads without an error must write back to
// a file that reads the same.
func FuzzReader(f *testing.F) {
	f.Add(binaryOf(f, Header{}, everyKind(), 10))
	f.Add(binaryOf(f, Header{}, session(2), 1))
	f.Add(binaryOf(f, Header{}, nil, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := Open(bytes.NewReader(b))
		if err != nil {
			return
		}
		checkReadable(t, tr)
	})
}

// checkReadable checks a trace that reads to its end, and says whether this one
// does.
func checkReadable(t *testing.T, tr anyReader) bool {
	t.Helper()
	var events []Event
	for e, err := range tr.Events() {
		if err != nil {
			return false
		}
		events = append(events, e)
	}
	if !tr.Closed() {
		t.Fatal("no error, but not closed")
	}
	checkRewrite(t, tr.Header(), events)
	return true
}

// checkRewrite writes events in all forms and reads them again.
func checkRewrite(t *testing.T, h Header, events []Event) {
	t.Helper()
	text := textOf(t, h, events)
	got, _, err := readAll(text)
	if err != nil || !slices.Equal(got, events) {
		t.Fatalf("text: other events, %v", err)
	}
	if !bytes.Equal(textOf(t, h, got), text) {
		t.Fatal("text, events, text is not the same")
	}
	if got, _, err := readAll(jsonOf(t, h, events)); err != nil || !slices.Equal(got, events) {
		t.Fatalf("JSON: other events, %v", err)
	}
	if slices.ContainsFunc(events, func(e Event) bool { return e.Seq == math.MaxUint64 }) {
		return // which the binary form does not have
	}
	if got, _, err := readAll(putAll(t, h, events)); err != nil || !slices.Equal(got, events) {
		t.Fatalf("binary: other events, %v", err)
	}
}

// FuzzPayload feeds the inside of a block behind right checksums, which random
// bytes would never pass.
func FuzzPayload(f *testing.F) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		f.Fatal(err)
	}
	var x blockEncoder
	for _, events := range [][]Event{everyKind(), session(40), session(2), anyEvents(newRand(1), 5)} {
		first, last := timesOf(events)
		payload, _ := x.encode(events, &blockHeader{firstTime: first, lastTime: last, firstSeq: events[0].Seq})
		f.Add(uint16(len(events)), first, last, payload)
	}
	f.Fuzz(func(t *testing.T, count uint16, first, last uint64, payload []byte) {
		frame := enc.EncodeAll(payload, nil)
		h := blockHeader{kind: blockEvents, count: uint32(count), csize: uint32(len(frame)), usize: uint32(len(payload)),
			lastSeq: uint64(count) - 1, firstTime: first, lastTime: last}
		r, err := NewReader(bytes.NewReader(withBlock(t, h, frame)))
		if err != nil {
			t.Fatal(err)
		}
		var events []Event
		for e, err := range r.Events() {
			if err == nil {
				events = append(events, e)
			} else if len(events) != 0 && !errors.Is(err, ErrTruncated) {
				t.Fatalf("%d events of a bad block, then %v", len(events), err)
			}
		}
		if len(events) > 0 {
			checkRewrite(t, Header{}, events)
		}
	})
}

// FuzzBlockHeader feeds block headers behind a right checksum.
func FuzzBlockHeader(f *testing.F) {
	for _, h := range []blockHeader{
		{kind: blockEvents, count: 3, csize: 9, usize: 9, lastSeq: 2}, {kind: blockTrailer},
		{kind: blockKeyFrame, flags: blockOpens | blockSparse, count: 3, csize: 9, usize: 9, firstSeq: 2, lastSeq: 2, segment: 1},
		{kind: blockIndex, csize: 24, usize: 16}, {kind: 99, csize: 7},
	} {
		f.Add(h.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < blockHead {
			return
		}
		b = slices.Clone(b[:blockHead])
		le.PutUint32(b[blockHead-crcSize:], crc32.Checksum(b[:blockHead-crcSize], castagnoli))
		h, err := parseBlockHeader(b)
		if err != nil {
			return
		}
		if h.kind == blockEvents && (h.count > maxBlockEvents || h.usize > maxPayload || h.csize > maxFrame) {
			t.Fatalf("%+v was let pass", h)
		}
		again, err := parseBlockHeader(h.append(nil))
		if err != nil || again != h {
			t.Fatalf("%+v became %+v, %v", h, again, err)
		}
	})
}

// FuzzTextReader feeds the text form.
func FuzzTextReader(f *testing.F) {
	for i := range everyKind() {
		f.Add(textOf(f, Header{}, everyKind()[i:i+1]))
	}
	f.Add([]byte(textHead + "- 0 clock\n7 1.5 kind99 x0=0x1 dom=3 # comment\nend events=2\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := NewTextReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		checkReadable(t, tr)
	})
}

// FuzzJSONReader feeds JSON Lines.
func FuzzJSONReader(f *testing.F) {
	for i := range everyKind() {
		f.Add(jsonOf(f, Header{}, everyKind()[i:i+1]))
	}
	f.Add([]byte(jsonHead + `{ "comment":"\u0041", "dom":null,"kind":"kind99","seq":1, "time_ns":2,"x0":"0x1"}` + "\r\n\n{\"end\":{\"events\":1}}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := NewJSONReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		if !checkReadable(t, tr) {
			return
		}
		for line := range bytes.Lines(b) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !json.Valid(line) && utf8.Valid(line) {
				t.Fatalf("%q was read and is no JSON", line)
			}
		}
	})
}

// FuzzLine feeds one event's line: what parses must print and parse the same.
func FuzzLine(f *testing.F) {
	for _, e := range everyKind() {
		f.Add(string(AppendText(nil, e)))
	}
	f.Fuzz(func(t *testing.T, line string) {
		p := lineParser{line: []byte(line)}
		var e, again Event
		if err := p.event(&e, p.next(), 0); err != nil {
			return
		}
		text := AppendComment(append(AppendText(nil, e), ' '), e)
		p = lineParser{line: text}
		err := p.event(&again, p.next(), 0)
		if err != nil || again != e {
			t.Fatalf("%q\nis printed as %q\nand read as %+v, not %+v: %v", line, text, again, e, err)
		}
		if bytes.ContainsAny(text, "\n\r") {
			t.Fatalf("%q has a line end", text)
		}
		if !json.Valid(AppendJSON(nil, e)) {
			t.Fatalf("%s is no JSON", AppendJSON(nil, e))
		}
	})
}
