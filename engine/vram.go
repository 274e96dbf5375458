package engine

import "github.com/iotrace-xen/iotrace/xen"

// trackVRAM is track_dirty_vram. Where the layout is not known, what it returns
// is not either, but from then on its frames may be in log-dirty mode.
func (d *Domain) trackVRAM(nrBufs uint32, b xen.TrackDirtyVRAM) Effect {
	switch {
	case b.Pad != 0:
		return Effect{Ret: fail(xen.EInval, whyPad)}
	case nrBufs < maxBufs:
		return Effect{Ret: fail(xen.EInval, "no buffer for the bitmap")}
	case b.Nr > maxTracked:
		return Effect{Ret: fail(xen.EInval, "more than 1 GiB")}
	}
	if l := d.exact(); l != nil {
		return l.track(b.First, uint64(b.Nr))
	}
	if last := b.First + xen.GFN(b.Nr) - 1; b.Nr > 0 && last >= b.First {
		d.tracked.cover(uint64(b.First), uint64(last))
		d.dirtyTracked()
		d.marks = 0
	}
	return Effect{Ret: unknown("the layout of the p2m is not known")}
}

// dirtyTracked lets every tracked frame that may be ram_rw be log-dirty too.
func (d *Domain) dirtyTracked() {
	for _, s := range d.tracked {
		for g := xen.GFN(s.first); ; {
			r := d.pages.stretch(g, xen.GFN(s.last))
			if r.types&(setRAMRW|setLogDirty) == setRAMRW {
				d.pages.set(r.first, r.last, r.types|setLogDirty)
			}
			if r.last == xen.GFN(s.last) {
				break
			}
			g = r.last + 1
		}
	}
}
