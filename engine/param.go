package engine

import "github.com/iotrace-xen/iotrace/xen"

// The HVM params that concern ioreq servers (public/hvm/params.h).
const (
	ParamIOReqPFN      = 5
	ParamBufIOReqPFN   = 6
	ParamDMDomain      = 13
	ParamBufIOReqPort  = 26
	ParamIOReqPages    = 32 // first frame of the pool
	ParamNrIOReqPages  = 33 // frames in the pool
	maxPoolPages       = 64
	whyParamGuest      = "a guest may not set it"
	whyParamDeprecated = "the parameter is no longer served"
	whyParamSet        = "it was set to another value before"
)

// Param is an HVM parameter that Caller sets or reads (hvm_op 0 and 1).
type Param struct {
	Set   bool
	Index uint32
	Value uint64 // if Set
}

// param is hvm_set_param and hvm_get_param.
func (d *Domain) param(caller xen.DomID, p Param) Effect {
	switch {
	case caller == d.cfg.Dom && p.Set && reserved(p.Index):
		return Effect{Ret: fail(xen.EPerm, whyParamGuest)}
	case caller != d.cfg.Dom:
		if r := d.target(caller); !r.ok() {
			return Effect{Ret: r}
		}
	}
	old := d.cfg.Profile.Default != DefaultNever
	switch p.Index {
	case ParamDMDomain, ParamBufIOReqPort:
		if !old {
			return Effect{Ret: fail(xen.EInval, whyParamDeprecated)}
		}
	case ParamIOReqPFN, ParamBufIOReqPFN:
		if p.Set {
			return Effect{Ret: d.setLegacy(&d.pool.legacy[p.Index-ParamIOReqPFN], p.Value)}
		}
	case ParamIOReqPages:
		return Effect{Ret: d.setPoolBase(p)}
	case ParamNrIOReqPages:
		return Effect{Ret: d.setPoolSize(p)}
	default:
		return Effect{Ret: unknown("the parameter is not modelled")}
	}
	if old && !p.Set && caller != d.cfg.Dom {
		return Effect{Ret: d.createDefault()}
	}
	return Effect{Ret: done("")}
}

// reserved says whether only the toolstack may set a parameter.
func reserved(index uint32) bool {
	switch index {
	case ParamIOReqPFN, ParamBufIOReqPFN, ParamDMDomain, ParamBufIOReqPort, ParamIOReqPages, ParamNrIOReqPages:
		return true
	}
	return false
}

// setLegacy sets param 5 or 6: once.
func (d *Domain) setLegacy(l *legacyGFN, value uint64) Ret {
	switch {
	case l.set && l.gfn != xen.GFN(value):
		return fail(xen.EExist, whyParamSet)
	case value != 0 && !l.set:
		*l = legacyGFN{set: true, free: true, gfn: xen.GFN(value)}
	}
	return done("")
}

// setPoolBase sets param 32: once.
func (d *Domain) setPoolBase(p Param) Ret {
	switch {
	case !p.Set:
	case d.pool.based && d.pool.base != xen.GFN(p.Value):
		return fail(xen.EExist, whyParamSet)
	case p.Value != 0:
		d.pool.based, d.pool.base = true, xen.GFN(p.Value)
	}
	return done("")
}

// setPoolSize sets param 33: once, to at most as many frames as a mask has bits.
func (d *Domain) setPoolSize(p Param) Ret {
	switch {
	case !p.Set:
	case d.pool.sized && d.pool.size != p.Value:
		return fail(xen.EExist, whyParamSet)
	case p.Value == 0 || p.Value > maxPoolPages:
		return fail(xen.EInval, "the pool has 1 to 64 frames")
	case !d.pool.sized:
		d.pool.sized, d.pool.size = true, p.Value
		d.pool.free = 1<<p.Value - 1
	}
	return done("")
}

// createDefault makes the default server that a read of a parameter asks for,
// unless there is one or the release asks that the domain is being built. It
// takes an id of its own where ids count, is enabled at once and has a ring.
func (d *Domain) createDefault() Ret {
	s := &d.servers[placeDefault]
	switch {
	case s.exists == Yes:
		return done("there is a default server")
	case d.cfg.Profile.Default == DefaultBuilding && d.built == Yes:
		return done("the domain is built: no default server")
	case d.cfg.Profile.Default == DefaultBuilding && d.built == Maybe, s.exists == Maybe:
		return unknown("whether it made the default server is not known")
	}
	*s = server{exists: Yes, enabled: Yes, ring: Yes, pages: pagesSome, eport: Yes, closed: true}
	s.pointers.mode = xen.BufLegacy
	d.clearRing(s)
	if d.counts() && d.idsKnown {
		s.id = d.nextID()
		d.lastID = s.id
	}
	d.routes.outdate()
	return done("makes the default server")
}
