package xentrace

import (
	"encoding/binary"
	"io"
)

// InClass says whether an event is of a class, or of a subclass: those of public/trace.h.
func InClass(event, class uint32) bool {
	const general, sub = 0xffff0000, 0xf000
	return event&general == class&general && event&class&sub != 0
}

// Select returns a file with the records of those events that keep chooses, and what
// xentrace itself wrote of CPUs: how many bytes of each follow.
func Select(file []byte, keep func(event uint32) bool) ([]byte, error) {
	out := make([]byte, 0, len(file))
	window := 0 // where those of the last CPU begin
	for r, err := range Records(file) {
		if err != nil {
			return nil, err
		}
		switch {
		case r.Event == eventCPU:
			endWindow(out, window)
			out = append(out, r.raw...)
			window = len(out)
		case keep(r.Event):
			out = append(out, r.raw...)
		}
	}
	endWindow(out, window)
	return out, nil
}

// endWindow notes in the word before an offset how many bytes have followed.
func endWindow(out []byte, at int) {
	if at > 0 {
		binary.LittleEndian.PutUint32(out[at-wordSize:], uint32(len(out)-at))
	}
}

// Repeat writes a file over and over, each time with times behind the last, until that
// many records are written, and returns how many they are. It changes the times in file.
func Repeat(w io.Writer, file []byte, atLeast int) (written int, err error) {
	var times [][]byte
	records := 0
	for r, err := range Records(file) {
		if err != nil {
			return 0, err
		}
		if r.time != nil {
			times = append(times, r.time)
		}
		records++
	}
	le := binary.LittleEndian
	span := uint64(1)
	if last := len(times) - 1; last >= 0 {
		span += le.Uint64(times[last]) - le.Uint64(times[0])
	}
	for records > 0 && written < atLeast {
		if _, err := w.Write(file); err != nil {
			return 0, err
		}
		written += records
		for _, t := range times {
			le.PutUint64(t, le.Uint64(t)+span)
		}
	}
	return written, nil
}
