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
	case xen.RemoteShutdown:
		return done("never fails")
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

// nrVCPUs is nr_vcpus: d->max_vcpus.
func (d *Domain) nrVCPUs() Effect {
	e := Effect{Ret: done("never fails")}
	if n := uint64(d.cfg.VCPUs); n != 0 {
		e.Out.Mask[0], e.Out.Words[0] = 1<<32-1, n
	}
	return e
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
