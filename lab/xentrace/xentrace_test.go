package xentrace

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"testing"
)

// record is a record as Xen writes it.
func record(event uint32, time bool, words ...uint32) []byte {
	header := event | uint32(len(words))<<headerWords
	if time {
		header |= headerTime
	}
	b := binary.LittleEndian.AppendUint32(nil, header)
	if time {
		b = binary.LittleEndian.AppendUint64(b, 0x123456789)
	}
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func set(gfn, dom uint32) []byte {
	return record(eventSetP2M, false, gfn, 0, 0xabc, 0, 15, dom)
}

func mark(n uint32) []byte { return record(eventMark, false, n) }

func file(records ...[]byte) (b []byte) {
	b = record(eventCPU, false, 0, 4096)
	for _, r := range records {
		b = append(b, r...)
	}
	return b
}

func TestWindowsCountOneDomainsFramesBetweenMarks(t *testing.T) {
	b := file(set(1, 3), mark(10), set(0, 3), set(1, 3), set(2, 3|9<<16), set(3, 4), mark(11),
		set(1, 3), record(eventLost, true, 5, 0, 0, 0), mark(12), mark(13), set(1, 3))
	got, err := Windows(b, 3, 1)
	want := map[uint32]Window{10: {1, true}, 11: {2, true}, 12: {1, false}, 13: {0, true}}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("want %v, got %v, %v", want, got, err)
	}
}

func TestBadFilesAreErrors(t *testing.T) {
	whole := file(mark(1))
	for n := range len(whole) {
		_, err := Windows(whole[:n], 3, 0)
		if atEnd := n == 0 || n == 12; (err == nil) != atEnd {
			t.Errorf("cut to %d bytes: error %v", n, err)
		}
	}
	if _, err := Windows(file(record(eventCPU, false, 1, 4096)), 3, 0); err == nil {
		t.Error("two CPUs: want an error, got none")
	}
}

func TestSelectKeepsWindowsRight(t *testing.T) {
	b := file(set(1, 3), mark(10), set(2, 3), mark(11))
	b = append(b, file(set(3, 3), set(4, 3), mark(12))...)
	got, err := Select(b, func(event uint32) bool { return InClass(event, classGuest) })
	want := slices.Concat(record(eventCPU, false, 0, 16), mark(10), mark(11), record(eventCPU, false, 0, 8), mark(12))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("want\n%x, got\n%x, %v", want, got, err)
	}
	if _, err := Select(b[:len(b)-1], func(uint32) bool { return true }); err == nil {
		t.Error("cut: want an error, got none")
	}
}

func TestClassesHaveSubclasses(t *testing.T) {
	for _, c := range []struct {
		event, class uint32
		want         bool
	}{
		{0x82020, 0x8f000, true}, {0x82020, 0x84000, false}, {0x8400e, 0x84000, true}, {0x21001, 0x2f000, true}, {0x1f003, 0x8f000, false},
	} {
		if got := InClass(c.event, c.class); got != c.want {
			t.Errorf("event %#x in class %#x: want %v, got %v", c.event, c.class, c.want, got)
		}
	}
}

func TestRepeatGoesOnInTime(t *testing.T) {
	at := func(time uint64) []byte {
		b := record(1, true, 7)
		binary.LittleEndian.PutUint64(b[wordSize:], time)
		return b
	}
	var got bytes.Buffer
	n, err := Repeat(&got, slices.Concat(at(100), set(1, 3), at(150)), 4)
	want := slices.Concat(at(100), set(1, 3), at(150), at(151), set(1, 3), at(201))
	if n != 6 || err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("want 6 records\n%x, got %d\n%x, %v", want, n, got.Bytes(), err)
	}
}

// FuzzWindows: any file has windows or an error.
func FuzzWindows(f *testing.F) {
	f.Add(file(set(1, 3), mark(10), record(eventLost, true, 5, 0, 0, 0), mark(11)))
	f.Fuzz(func(t *testing.T, b []byte) {
		windows, err := Windows(b, 3, 0)
		if err != nil && windows != nil {
			t.Errorf("want windows or an error, got %v, %v", windows, err)
		}
		for n, w := range windows {
			if w.Sets > uint64(len(b)) {
				t.Errorf("mark %d: %d entries in a file of %d bytes", n, w.Sets, len(b))
			}
		}
	})
}
