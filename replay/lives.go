package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// maxLives is how many lives of domains a report has one by one. It is more than there
// are domids, so that those at which a segment begins are always among them.
const maxLives = 1 << 16

// noLives is the account of lives that are not told one by one, while there are none.
func noLives() DomainReport { return DomainReport{Dom: xen.DomInvalid, Complete: true} }

// bound keeps the accounts of a trace in which domains come and go without end: those
// behind the first maxLives become one as soon as their lives are over.
func (s *session) bound() {
	if len(s.reports) < 2*maxLives {
		return
	}
	open := map[*DomainReport]bool{}
	for _, d := range s.lives {
		open[d.rep] = true
	}
	for _, x := range s.suspects {
		if x.d != nil {
			open[x.d.rep] = true
		}
	}
	s.fold(open)
}

// fold makes one of all accounts behind the first maxLives that are not open.
func (s *session) fold(open map[*DomainReport]bool) {
	if len(s.reports) <= maxLives {
		return
	}
	kept := s.reports[:maxLives]
	for _, rep := range s.reports[maxLives:] {
		if open[rep] {
			kept = append(kept, rep)
		} else {
			s.others.include(rep)
		}
	}
	clear(s.reports[len(kept):])
	s.reports = kept
}

// include adds another life's account.
func (r *DomainReport) include(other *DomainReport) {
	r.Complete = r.Complete && other.Complete
	r.Tally.absorb(&other.Tally)
	r.Cost.add((*engine.Cost)(&other.Cost))
}

// tellLives puts the accounts of all lives into the report.
func (s *session) tellLives() {
	s.fold(nil)
	r := &s.report
	r.Domains = []DomainReport{}
	for _, rep := range s.reports {
		if rep.Events != 0 {
			r.Domains = append(r.Domains, *rep)
		}
	}
	if s.others.Events != 0 {
		r.Others = &s.others
	}
	for _, rep := range append(s.reports, &s.others) {
		r.CostIncomplete = r.CostIncomplete || !rep.Complete
		r.Cost.add((*engine.Cost)(&rep.Cost))
	}
}
