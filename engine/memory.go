package engine

import "github.com/iotrace-xen/iotrace/xen"

// Memory is the RAM of a scripted guest: what its instructions read and write
// without a device model, and what device models write into it. Bytes that were
// never written are zero. The zero Memory is ready for use. It knows nothing of
// page types: the Execution asks the Domain for those.
type Memory struct {
	pages map[xen.GFN]*[xen.PageSize]byte
}

// Read fills b with the bytes from gpa on.
func (m *Memory) Read(gpa uint64, b []byte) {
	for len(b) > 0 {
		n := inPage(gpa, len(b))
		if p := m.pages[xen.GFNOf(gpa)]; p != nil {
			copy(b[:n], p[gpa%xen.PageSize:])
		} else {
			clear(b[:n])
		}
		gpa, b = gpa+uint64(n), b[n:]
	}
}

// Write stores b from gpa on.
func (m *Memory) Write(gpa uint64, b []byte) {
	if m.pages == nil {
		m.pages = map[xen.GFN]*[xen.PageSize]byte{}
	}
	for len(b) > 0 {
		n := inPage(gpa, len(b))
		p := m.pages[xen.GFNOf(gpa)]
		if p == nil {
			p = new([xen.PageSize]byte)
			m.pages[xen.GFNOf(gpa)] = p
		}
		copy(p[gpa%xen.PageSize:], b[:n])
		gpa, b = gpa+uint64(n), b[n:]
	}
}

// inPage returns how many of n bytes from gpa on lie in its page.
func inPage(gpa uint64, n int) int { return min(n, int(xen.PageSize-gpa%xen.PageSize)) }
