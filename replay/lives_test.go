package replay

import (
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// TestLivesWithoutEnd has domains come and go, of which one lives on and one waits for
// its verdict.
func TestLivesWithoutEnd(t *testing.T) {
	s := &session{others: noLives()}
	living, suspected := &domain{rep: &DomainReport{Dom: 7}}, &domain{rep: &DomainReport{Dom: 8}}
	s.lives, s.suspects = []*domain{living}, []suspect{{d: suspected}, {}}
	const rounds = 3
	for n := range rounds * maxLives {
		rep := &DomainReport{Dom: xen.DomID(n % 5), Complete: true, Tally: Tally{Events: 1}}
		switch n {
		case maxLives + 1:
			rep = living.rep
		case maxLives + 2:
			rep = suspected.rep
		}
		s.reports = append(s.reports, rep)
		if s.bound(); len(s.reports) >= 2*maxLives {
			t.Fatalf("after %d lives there are %d accounts", n, len(s.reports))
		}
	}
	living.rep.Events, living.rep.Complete, suspected.rep.Events = 5, true, 1
	s.tellLives()
	r := s.report
	if len(r.Domains) != maxLives || r.Domains[4].Dom != 4 || r.Others == nil {
		t.Fatalf("%d lives, the others %+v", len(r.Domains), r.Others)
	}
	if want := uint64((rounds-1)*maxLives + 4); r.Others.Events != want || r.Others.Dom != xen.DomInvalid || r.Others.Complete {
		t.Errorf("the others %+v, want %d events", r.Others, want)
	}
	if !r.CostIncomplete {
		t.Error("one life was not captured as a whole, and its cost is said to be complete")
	}
}

func TestFewLivesAreAllListed(t *testing.T) {
	s := &session{others: noLives(), reports: []*DomainReport{{Dom: 1, Complete: true}, {Dom: 2, Complete: true, Tally: Tally{Events: 1}}}}
	s.tellLives()
	if r := s.report; len(r.Domains) != 1 || r.Domains[0].Dom != 2 || r.Others != nil || r.CostIncomplete {
		t.Errorf("%+v", r)
	}
}
