package engine

import (
	"iter"

	"github.com/iotrace-xen/iotrace/xen"
)

// Memory is the RAM of a scripted guest: what its instructions read and write
// without a device model, and what device models write into it. Bytes that were
// never written are zero. The zero Memory is ready for use. It knows nothing of
// page types: the Execution asks the Domain for those.
type Memory struct {
	pages map[xen.GFN]*[xen.PageSize]byte
}

// Read fills b with the bytes from gpa on.
func (m *Memory) Read(gpa uint64, b []byte) {
	for at, n := range parts(gpa, len(b)) {
		part := b[at-gpa:][:n]
		if p := m.pages[xen.GFNOf(at)]; p != nil {
			copy(part, p[at%xen.PageSize:])
		} else {
			clear(part)
		}
	}
}

// Write stores b from gpa on.
func (m *Memory) Write(gpa uint64, b []byte) {
	if m.pages == nil {
		m.pages = map[xen.GFN]*[xen.PageSize]byte{}
	}
	for at, n := range parts(gpa, len(b)) {
		p := m.pages[xen.GFNOf(at)]
		if p == nil {
			p = new([xen.PageSize]byte)
			m.pages[xen.GFNOf(at)] = p
		}
		copy(p[at%xen.PageSize:], b[at-gpa:][:n])
	}
}

// parts are the parts of n bytes from gpa on, cut at the ends of pages: where each
// begins and how long it is.
func parts(gpa uint64, n int) iter.Seq2[uint64, int] {
	return func(yield func(uint64, int) bool) {
		for n > 0 {
			in := inPage(gpa, n)
			if !yield(gpa, in) {
				return
			}
			gpa, n = gpa+uint64(in), n-in
		}
	}
}

// inPage returns how many of n bytes from gpa on lie in its page.
func inPage(gpa uint64, n int) int { return min(n, int(xen.PageSize-gpa%xen.PageSize)) }
