package diff

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// vram are the frames that track_dirty_vram tracks, none if nr is zero.
type vram struct {
	first xen.GFN
	nr    uint64
}

// bitmap is what track_dirty_vram will say, should it succeed: frames that were
// tracked before are dirty if they are ram_rw, for they were written; of others all
// are, and what fills the bitmap's last byte (hap_track_dirty_vram).
func (m *Model) bitmap(s Step) []byte {
	now := vram{xen.GFN(s.Arg("first")), s.Arg("nr")}
	if s.Verb != Track || now.nr > maxTracked {
		return nil
	}
	bits := make([]byte, (now.nr+7)/8)
	for i := range bits {
		bits[i] = 0xff
	}
	if now != m.vram {
		return bits
	}
	clear(bits)
	for i := range now.nr {
		if m.domain.Page(now.first+xen.GFN(i)) == 1<<engine.P2MRAMRW {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return bits
}

// maxTracked is how many frames the bitmap of a step has room for.
const maxTracked = 8 * xen.PageSize

// track begins, asks for, or ends the tracking of some frames of the pool.
func (g *generator) track() Step {
	s := Set{"first": g.frame(), "nr": oneOf[uint64](g, 1, 4, 8, 9, 300)}
	switch g.rand.IntN(20) {
	case 0, 1, 2:
		s = Set{}
	case 3:
		s["nr"] = 0x40001 // more than 1 GiB
	case 4:
		s[argBufs.name] = 1
	default:
		if v := g.model.vram; v.nr != 0 && !g.rarely(4) {
			s = Set{"first": uint64(v.first), "nr": v.nr}
		}
	}
	return g.made(NewStep(Track, s))
}
