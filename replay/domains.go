package replay

import (
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// domain is one life of a domid: its model, the model's recent past, and what
// dom0 knows of its slots.
type domain struct {
	id       xen.DomID
	typed    bool // set_mem_type was called
	dying    bool // destroydomain has begun
	gone     bool // it has ended
	restored bool // a key-frame brought it: its past begins there
	profile  *engine.Profile
	model    *engine.Domain
	rep      *DomainReport
	past     history
	pending  []pending             // requests that were seen and not answered
	idle     idle                  // when its slots and vCPUs had no request
	doomed   map[xen.ServerID]bool // servers that are destroyed, or about to be

	took      map[xen.ServerID]uint64 // the number of the last call that may have taken requests from it
	disputes  int                     // differences found
	surprises map[surprise]bool       // requests that contradicted the model once
	rings     rings
	forgotten uint64 // the session's changes when doubt has last made the model forget
}

// isDomain reports whether id can be a domain's.
func isDomain(id xen.DomID) bool { return id < xen.DomSelf }

// begin starts a new life of id. A complete one has no past outside the trace.
func (s *session) begin(id xen.DomID, complete bool) *domain {
	if old := s.domains.at(id); old != nil {
		s.retire(old)
		s.bury(old)
		s.lives = slices.DeleteFunc(s.lives, func(d *domain) bool { return d == old })
	}
	d := newDomain(id, &s.profile, engine.New(engine.Config{Dom: id, Profile: s.profile, Complete: complete}))
	d.rep.Complete = complete
	s.account(d)
	s.add(d)
	s.bound()
	s.pasts.begin(&d.past)
	return d
}

// newDomain returns a life of id with this model, which it then owns. It needs
// none before its first step.
func newDomain(id xen.DomID, p *engine.Profile, model *engine.Domain) *domain {
	d := &domain{
		id: id, profile: p, surprises: map[surprise]bool{}, doomed: map[xen.ServerID]bool{}, took: map[xen.ServerID]uint64{}, rep: &DomainReport{Dom: id},
	}
	if model != nil {
		d.adopt(model)
	}
	return d
}

// adopt gives d a model, which has no past.
func (d *domain) adopt(m *engine.Domain) {
	d.model, d.forgotten = m, 0
	d.past.reset(m)
}

// account gives a new life a line in the report. Events that came before it did
// are its.
func (s *session) account(d *domain) {
	if !s.quiet {
		s.reports = append(s.reports, d.rep)
	}
}

// retire closes the account of a life.
func (s *session) retire(d *domain) {
	d.rep.Events += s.noted.take(d.id)
	s.report.Unanswered += uint64(len(d.pending))
}

// living returns the domain that an event is about. A domid that was not found
// when the capture began was born during it.
func (s *session) living(id xen.DomID) *domain {
	if d := s.domains.at(id); d != nil {
		return d
	}
	return s.begin(id, !s.callsLost)
}

// domainFound takes a domain that is older than the capture. If events about it
// came first, whatever they did not show is unknown from here on.
func (s *session) domainFound(f format.DomainFound) {
	if !isDomain(f.Dom) {
		return
	}
	if d := s.domains.at(f.Dom); d == nil {
		s.begin(f.Dom, false)
	} else if d.rep.Complete {
		d.rep.Complete = false
		d.forget(engine.ForgetAll)
	}
}

func (s *session) serverFound(f format.ServerFound) {
	if !isDomain(f.Dom) {
		return
	}
	d := s.domains.at(f.Dom)
	if d == nil {
		d = s.begin(f.Dom, false)
	}
	d.model.Found(f.Server, ringOf(f.BufPort))
	d.past.reset(d.model)
}

// forget makes part of the domain's state unknown. Requests that were pending
// may have been answered unseen.
func (d *domain) forget(f engine.Forget) {
	if f == 0 {
		return
	}
	// Step refuses only kinds of operation that it does not know.
	_, _ = d.model.Step(engine.Op{Kind: engine.OpForget, Forget: f})
	d.past.reset(d.model)
	if f&engine.ForgetSlots != 0 {
		d.unsettle()
	}
}

// unsettle makes it unknown whether what is pending was answered.
func (d *domain) unsettle() {
	for i := range d.pending {
		d.pending[i].unsure = true
	}
}

// processExit ends the calls of a process. Whether Xen executed a call that did
// not return is unknown.
func (s *session) processExit(pid uint32) {
	delete(s.jails, pid)
	delete(s.processes, pid)
	for _, c := range slices.Clone(s.calls) {
		if c.caller.PID == pid {
			s.abandon(c.call)
		}
	}
}

// ringOf: Xen fills in the port of every ring.
func ringOf(port xen.Port) engine.Tri {
	if port == 0 {
		return engine.No
	}
	return engine.Yes
}

// cost is the account of what Xen's work for the domain cost.
func (d *domain) cost() *engine.Cost { return (*engine.Cost)(&d.rep.Cost) }
