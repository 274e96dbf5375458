package engine

import "github.com/iotrace-xen/iotrace/xen"

// tally is what a pass did to a stretch of frames. Those of neighbours add up,
// and that of n alike stretches is n times that of one, but for groups: a lock
// section can reach from one stretch into the next.
type tally struct {
	pw, ta uint64
	wrote  uint64 // writes over a present entry
	dma    uint64 // calls that map or unmap for an IOMMU with tables of its own
	typed  uint64 // change of entry_count, in two's complement
	sets   uint64 // calls of p2m_set_entry

	// groups are the lock sections that end with a flush: those in which a
	// present entry was overwritten; on EPT, in which one was set or split.
	groups      uint64
	first, last uint64 // the sections of the first and the last frame
	head, tail  bool   // whether those two are among groups
}

// section returns the lock section in which the pass comes to g.
func (p *pass) section(g xen.GFN) uint64 { return uint64(g-p.from) >> p.sectionBits }

// tally returns an empty tally of the frames lo to hi.
func (p *pass) tally(lo, hi xen.GFN) tally {
	return tally{first: p.section(lo), last: p.section(hi)}
}

// then is the tally of a and of the frames after it, b.
func (a *tally) then(b *tally) {
	a.pw += b.pw
	a.ta += b.ta
	a.wrote += b.wrote
	a.dma += b.dma
	a.typed += b.typed
	a.sets += b.sets
	a.groups += b.groups
	if a.tail && b.head && a.last == b.first {
		a.groups--
	}
	a.head = a.head || b.head && b.first == a.first
	a.tail = b.tail || a.tail && b.last == a.last
	a.last = b.last
}

// times makes a, the tally of a stretch that ends before frame next, that of n
// such stretches in a row, the last of which ends at hi. They are no shorter than
// a lock section, or all in one.
func (a *tally) times(p *pass, n uint64, next, hi xen.GFN) {
	if n == 1 {
		return
	}
	shared := a.tail && a.head && p.section(next) == a.last
	a.pw *= n
	a.ta *= n
	a.wrote *= n
	a.dma *= n
	a.typed *= n
	a.sets *= n
	a.groups *= n
	if shared {
		a.groups -= n - 1
	}
	a.last = p.section(hi)
}

// way is what happened to an entry above the frames of a stretch when the pass
// came to the first of them.
type way struct {
	pw, ta, wrote, dma, typed, sets uint64
	synced                          bool // EPT flushes for it: a present entry was set, or a superpage split to set one
}

// flushes says whether the lock section ends with a flush.
func (w *way) flushes(on *paging) bool {
	if on.whole {
		return w.synced
	}
	return w.wrote != 0
}

// on adds what happened on the way to the first frame. flush says that it makes
// the lock section end with one.
func (a *tally) on(w *way, flush bool) {
	a.pw += w.pw
	a.ta += w.ta
	a.wrote += w.wrote
	a.dma += w.dma
	a.typed += w.typed
	a.sets += w.sets
	if flush && !a.head {
		a.groups++
		a.head = true
		a.tail = a.tail || a.first == a.last
	}
}

// noSection is the number of no lock section.
const noSection = ^uint64(0)

// flush notes that what was done at frames in a row makes the sections from to to,
// in which they are, end with a flush. Frames come in order, and latest is the
// section noted before, or noSection.
func (a *tally) flush(from, to uint64, latest *uint64) {
	a.groups += to - from
	if from != *latest {
		a.groups++
	}
	*latest = to
	a.head = a.head || from == a.first
	a.tail = a.tail || to == a.last
}
