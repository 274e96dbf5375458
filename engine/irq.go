package engine

import "github.com/iotrace-xen/iotrace/xen"

// The limits of the emulated chipset's interrupt wires.
const (
	pciDevices  = 32
	pciIntx     = 4
	pciLinks    = 4
	isaIRQs     = 16
	maxTracked  = 1 << (30 - xen.PageShift) // frames of 1 GiB
	levelsKnown = 2
)

// plain is the result of an operation that changes nothing the model holds.
// A nil body is an operation that package xen does not know.
func plain(body xen.Body) Ret {
	switch b := body.(type) {
	case xen.SetPCIIntxLevel:
		return inval(b.Domain != 0 || b.Bus != 0 || b.Device >= pciDevices || b.Intx >= pciIntx || b.Level >= levelsKnown,
			"no such PCI interrupt or level")
	case xen.SetISAIRQLevel:
		return inval(b.IRQ >= isaIRQs || b.Level >= levelsKnown, "no such ISA interrupt or level")
	case xen.SetPCILinkRoute:
		return inval(b.Link >= pciLinks || b.IRQ >= isaIRQs, "no such link or interrupt")
	case xen.NrVCPUs, xen.RemoteShutdown:
		return done("never fails")
	case xen.ModifiedMemory:
		return unknown("modified_memory is not modelled")
	case xen.InjectEvent:
		return padded(b.Pad0 != 0 || b.Pad1 != 0, "inject_event is not modelled")
	case xen.InjectMSI:
		return padded(b.Pad != 0, "inject_msi is not modelled")
	case xen.RelocateMemory:
		return padded(b.Pad != 0, "relocate_memory is not modelled")
	case xen.PinMemoryCacheAttr:
		return padded(b.Pad != 0, "pin_memory_cacheattr is not modelled")
	}
	return unknown("the operation is not modelled")
}

// inval is EINVAL if bad, else success.
func inval(bad bool, why string) Ret {
	if bad {
		return fail(xen.EInval, why)
	}
	return done("")
}

// padded is EINVAL for padding that is not zero, else unknown.
func padded(bad bool, why string) Ret {
	if bad {
		return fail(xen.EInval, whyPad)
	}
	return unknown(why)
}

const whyPad = "padding is not zero"

// trackVRAM is track_dirty_vram. What it returns is not modelled, but from then
// on its frames may be in log-dirty mode.
func (d *Domain) trackVRAM(nrBufs uint32, b xen.TrackDirtyVRAM) Effect {
	switch {
	case b.Pad != 0:
		return Effect{Ret: fail(xen.EInval, whyPad)}
	case nrBufs < maxBufs:
		return Effect{Ret: fail(xen.EInval, "no buffer for the bitmap")}
	case b.Nr > maxTracked:
		return Effect{Ret: fail(xen.EInval, "more than 1 GiB")}
	}
	if last := b.First + xen.GFN(b.Nr) - 1; b.Nr > 0 && last >= b.First {
		d.tracked.cover(uint64(b.First), uint64(last))
		d.dirtyTracked()
		d.marks = 0
	}
	return Effect{Ret: unknown("track_dirty_vram is not modelled")}
}

// dirtyTracked lets every tracked frame that may be ram_rw be log-dirty too.
func (d *Domain) dirtyTracked() {
	for _, s := range d.tracked {
		for g := xen.GFN(s.first); ; {
			r := d.pages.stretch(g, xen.GFN(s.last))
			if r.types&setRAMRW != 0 {
				d.pages.set(r.first, r.last, r.types|setLogDirty)
			}
			if r.last == xen.GFN(s.last) {
				break
			}
			g = r.last + 1
		}
	}
}
