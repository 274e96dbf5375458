package replay

import (
	"cmp"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// absorb makes what a session found out in a segment part of s, which stands at
// the key-frame with which that session began.
func (s *session) absorb(ahead *session) {
	s.absorbLives(ahead)
	s.report.absorb(&ahead.report)
	for _, d := range s.lives {
		s.bury(d)
	}
	s.state, s.segment = ahead.state, ahead.segment
	s.suspects, s.interval = ahead.suspects, ahead.interval
	s.bound()
}

// absorbLives adds the accounts of lives: those that the key-frame lists go on
// with theirs in s, in the same order; the others are new.
func (s *session) absorbLives(ahead *session) {
	s.book()
	ahead.book()
	known := len(s.lives)
	accounts := make(map[*DomainReport]*DomainReport, known)
	for i, d := range s.lives {
		d.rep.absorb(ahead.reports[i])
		accounts[ahead.reports[i]] = d.rep
	}
	for _, rep := range ahead.reports[known:] {
		rep.Events += s.noted.take(rep.Dom)
		s.reports = append(s.reports, rep)
	}
	s.others.include(&ahead.others)
	for id, n := range ahead.noted {
		s.noted.add(xen.DomID(id), n)
	}
	for _, d := range ahead.lives {
		d.settle(accounts)
	}
	for _, x := range ahead.suspects {
		x.d.settle(accounts)
	}
}

// settle lets a life go on with the account that it has elsewhere.
func (d *domain) settle(accounts map[*DomainReport]*DomainReport) {
	if d != nil && accounts[d.rep] != nil {
		d.rep = accounts[d.rep]
	}
}

// absorb adds a later part of a life.
func (r *DomainReport) absorb(later *DomainReport) {
	r.Complete = later.Complete
	r.Tally.absorb(&later.Tally)
	r.Cost.add((*engine.Cost)(&later.Cost))
}

// absorb adds what a later segment counted. Key-frames are counted by who
// arrives at them, costs and domains at the end.
func (r *Report) absorb(later *Report) {
	r.Tally.absorb(&later.Tally)
	r.Lost += later.Lost
	r.LostUncounted = r.LostUncounted || later.LostUncounted
	r.Spurious += later.Spurious
	r.Unjudged += later.Unjudged
	r.Unlearned += later.Unlearned
	r.Unreturned += later.Unreturned
	r.Unanswered += later.Unanswered
	r.Rings += later.Rings
	r.RingMismatches += later.RingMismatches
	r.FirstRingMismatch = cmp.Or(r.FirstRingMismatch, later.FirstRingMismatch)
	for why, n := range later.Unknown {
		r.Unknown[why] += n
	}
	if r.FirstDifference == nil {
		r.FirstDifference = later.FirstDifference
	}
}

func (t *Tally) absorb(later *Tally) {
	t.Events += later.Events
	t.Agree += later.Agree
	t.Differ += later.Differ
	t.Undetermined += later.Undetermined
}
