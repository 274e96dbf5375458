package format

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
)

// maxChunk is how many blocks an index block describes at most. A Writer that
// has so many writes an index block and begins anew, so that its memory does not
// grow with the trace.
const maxChunk = 4096

// indexHead is the fixed part of an index: offset of the index block before,
// number of entries, size of the totals.
const indexHead = 8 + 4 + 4

// An indexer collects what the next index block says.
type indexer struct {
	entries []byte
	count   int
	prev    blockHeader // the last block with events
	last    int64       // offset of the last index block, 0 if there is none
}

// add describes a block that was written.
func (x *indexer) add(h *blockHeader) {
	x.entries = appendEntry(x.entries, &x.prev, h)
	x.count++
	if h.hasEvents() {
		x.prev = *h
	}
}

// appendEntry writes how h differs from the last block with events before it.
// Offsets and what is counted before the block follow from the entries before.
func appendEntry(b []byte, prev, h *blockHeader) []byte {
	b = append(b, byte(h.kind), h.flags)
	b = binary.AppendUvarint(b, uint64(h.csize))
	if !h.hasEvents() {
		return b
	}
	b = binary.AppendUvarint(b, uint64(h.count))
	b = binary.AppendUvarint(b, zigzag(h.firstSeq-prev.lastSeq))
	b = binary.AppendUvarint(b, h.lastSeq-h.firstSeq)
	b = binary.AppendUvarint(b, zigzag(h.firstTime-prev.lastTime))
	b = binary.AppendUvarint(b, h.lastTime-h.firstTime)
	return binary.AppendUvarint(b, h.lost-prev.lost)
}

// append writes an index block to b and completes its header. The last one of a
// file has totals.
func (x *indexer) append(b []byte, h *blockHeader, totals *Totals) ([]byte, error) {
	var js []byte
	if totals != nil {
		var err error
		if js, err = json.Marshal(totals.printable()); err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
	}
	b = append(b, make([]byte, blockHead)...)
	h.usize = uint32(indexHead + len(x.entries) + len(js))
	b = le.AppendUint32(b, frameMagic)
	b = le.AppendUint32(b, h.usize)
	b = le.AppendUint64(b, uint64(x.last))
	b = le.AppendUint32(b, uint32(x.count))
	b = le.AppendUint32(b, uint32(len(js)))
	b = append(append(b, x.entries...), js...)
	h.csize = uint32(len(b) - blockHead)
	h.payloadCRC = crc32.Checksum(b[blockHead:], castagnoli)
	h.append(b[:0])
	return b, nil
}

// next begins a new index behind the one at offset at.
func (x *indexer) next(at int64, h *blockHeader) {
	x.entries, x.count, x.last = x.entries[:0], 0, at
	x.add(h)
}

// printable returns t with names of processes as JSON can hold them: each byte
// becomes the code point of the same number.
func (t Totals) printable() Totals {
	procs := slices.Clone(t.Processes)
	for i, p := range t.Processes {
		r := make([]rune, 0, len(p.Comm))
		for _, c := range []byte(p.Comm) {
			r = append(r, rune(c))
		}
		procs[i] = ProcessTotal{p.PID, string(r)}
	}
	t.Processes = procs
	return t
}

// raw is the inverse of printable. A code point above 255 is no byte.
func (t Totals) raw() (Totals, error) {
	procs := slices.Clone(t.Processes)
	for i, p := range t.Processes {
		b := make([]byte, 0, len(p.Comm))
		for _, r := range p.Comm {
			if r > 0xff {
				return Totals{}, malformed("index: process name %q", p.Comm)
			}
			b = append(b, byte(r))
		}
		procs[i] = ProcessTotal{p.PID, string(b)}
	}
	t.Processes = procs
	return t, nil
}
