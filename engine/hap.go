package engine

import "github.com/iotrace-xen/iotrace/xen"

const whyNoHAP = "the domain has no hardware-assisted paging"

// trustHAP ends a call that a domain without hardware-assisted paging is refused
// before anything else is looked at (hap_enabled in dm_op). Where it is not known
// whether the domain has it, a success is taken for proof; Learn takes that back.
func (d *Domain) trustHAP(r *Ret) {
	if d.hap != Maybe || !r.Known || r.Errno == xen.EOpNotSupp {
		return
	}
	r.Or = xen.EOpNotSupp
	if r.ok() {
		d.hap, d.last.trusted = Yes, true
	}
}

// unclaimed is the result of a set_mem_type to ioreq_server in a domain without HAP,
// or without a claim.
func (d *Domain) unclaimed(last xen.GFN) Ret {
	switch {
	case d.hap == No && (!d.anyMapped || last > d.mapped):
		return unknown("whether the run ends beyond the domain's highest page is not visible") // that is EINVAL
	case d.hap == No:
		return fail(xen.EOpNotSupp, whyNoHAP)
	}
	r := fail(xen.EInval, "no server has claimed ioreq_server")
	if d.hap == Maybe {
		r.Or = xen.EOpNotSupp
	}
	return r
}

// learnHAP learns from the result of a call that takes hardware-assisted paging. An
// error that may have come before or instead of that test (a driver's, ENOMEM)
// proves nothing.
func (d *Domain) learnHAP(e xen.Errno) {
	switch {
	case d.last.trusted && e == xen.ENoMem, d.hap == No && e == xen.OK:
		d.hap = Maybe
	case e == xen.OK, e == xen.EBusy:
		d.hap = Yes
	}
}

// learnNoHAP learns from EOPNOTSUPP, and says whether that explains the refusal. If the
// domain certainly had hardware-assisted paging, it is in doubt now.
func (d *Domain) learnNoHAP() bool {
	if d.hap == Yes && !d.last.trusted {
		d.hap = Maybe
		return false
	}
	d.blur()
	d.hap = No
	d.claim = claim{held: No, holder: xen.NoServer}
	d.pages.change(func(t P2MTypes) P2MTypes {
		if t == setIOReqServer {
			return setUntyped
		}
		return t &^ setIOReqServer
	})
	return true
}
