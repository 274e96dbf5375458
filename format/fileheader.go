package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
)

// The version of the binary form. A reader takes every minor version of its own
// major version; FORMAT.md says what a minor version may change.
const (
	VersionMajor = 1
	VersionMinor = 0
)

const (
	fileMagic     = "\x89IOT\r\n\x1a\n"   // as in PNG: survives no transfer that is not binary
	fixedHead     = frameHead + 8 + 4 + 4 // up to the JSON
	maxHeaderJSON = 1 << 20
)

// appendFileHeader appends the frame that opens a file.
func appendFileHeader(b []byte, h Header) ([]byte, error) {
	js, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if len(js) > maxHeaderJSON {
		return nil, fmt.Errorf("header: %d bytes: %w", len(js), ErrTooLarge)
	}
	start := len(b)
	b = le.AppendUint32(b, frameMagic)
	b = le.AppendUint32(b, uint32(fixedHead-frameHead+len(js)+crcSize))
	b = append(b, fileMagic...)
	b = le.AppendUint16(b, VersionMajor)
	b = le.AppendUint16(b, VersionMinor)
	b = le.AppendUint32(b, uint32(len(js)))
	b = append(b, js...)
	return le.AppendUint32(b, crc32.Checksum(b[start:], castagnoli)), nil
}

// checkMagic judges the first bytes of a file, at most frameHead+8 of them.
func checkMagic(b []byte) error {
	want := le.AppendUint32(nil, frameMagic)
	if n := min(len(b), len(want)); !bytes.Equal(b[:n], want[:n]) {
		return ErrNotTrace
	}
	if len(b) < frameHead {
		return ErrTruncated
	}
	got := b[frameHead:]
	if n := min(len(got), len(fileMagic)); string(got[:n]) != fileMagic[:n] {
		if bytes.Contains(got, []byte("IOT")) {
			return fmt.Errorf("%w any more: a transfer that is not binary changed it", ErrNotTrace)
		}
		return ErrNotTrace
	}
	if len(got) < len(fileMagic) {
		return ErrTruncated
	}
	return nil
}

// parseFixedHeader decodes the first fixedHead bytes of a file, behind the
// magic, and returns how long the JSON is.
func parseFixedHeader(b []byte) (jsonSize int, err error) {
	switch major, minor := le.Uint16(b[16:]), le.Uint16(b[18:]); {
	case major == 0:
		return 0, fmt.Errorf("format %d.%d is a development file from before 1.0, read only by the iotrace that wrote it; "+
			"record it again: %w", major, minor, ErrVersion)
	case major > VersionMajor:
		return 0, fmt.Errorf("format %d.%d needs a newer iotrace, this one reads %d.x: %w", major, minor, VersionMajor, ErrVersion)
	}
	size := le.Uint32(b[20:])
	if size > maxHeaderJSON {
		return 0, fmt.Errorf("%d bytes: %w", size, ErrTooLarge)
	}
	if le.Uint32(b[4:]) != fixedHead-frameHead+size+crcSize {
		return 0, malformed("sizes disagree")
	}
	return int(size), nil
}

// parseHeaderJSON decodes the header's JSON, in either form of a trace.
func parseHeaderJSON(js []byte) (h Header, err error) {
	if err := json.Unmarshal(js, &h); err != nil {
		return Header{}, malformed("%v", err)
	}
	return h, nil
}

// readFileHeader reads the header frame. It keeps what it has read in s, so
// that it can be read again.
func readFileHeader(s *source) (h Header, err error) {
	if err := s.fill(frameHead + len(fileMagic)); err != nil && err != ErrTruncated {
		return Header{}, err
	}
	if err := checkMagic(s.raw); err != nil {
		return Header{}, err
	}
	if err := s.fill(fixedHead); err != nil {
		return Header{}, err
	}
	size, err := parseFixedHeader(s.raw)
	if err != nil {
		return Header{}, err
	}
	end := fixedHead + size
	if err := s.fill(end + crcSize); err != nil {
		return Header{}, err
	}
	if crc32.Checksum(s.raw[:end], castagnoli) != le.Uint32(s.raw[end:]) {
		return Header{}, ErrChecksum
	}
	return parseHeaderJSON(s.raw[fixedHead:end])
}
