package record

import (
	"maps"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func TestLossesAreToldOnceAndInOrder(t *testing.T) {
	l := newLosses()
	a := undivided(format.ProbeIOReq, format.ReasonFault, 1)
	b := undivided(format.ProbePrivcmd, format.ReasonNoSpace, 0)
	ev := l.update(5, map[lossKey]uint64{a: 2, b: 1})
	if len(ev) != 2 || ev[0].Lost().Probe != format.ProbePrivcmd || ev[1].Lost().Count != 2 || ev[1].Lost().CPU != 1 {
		t.Errorf("first %v", ev)
	}
	ev = l.update(6, map[lossKey]uint64{a: 5, b: 1})
	if len(ev) != 1 || ev[0].Lost().Count != 3 || ev[0].Time != 6 {
		t.Errorf("then %v", ev)
	}
}

// TestLossesAreDividedAmongDomains reads domains' counters a moment after the sums.
func TestLossesAreDividedAmongDomains(t *testing.T) {
	const none = xen.DomInvalid
	all := undivided(format.ProbePrivcmd, format.ReasonNoSpace, 0)
	type byDomain map[xen.DomID]uint64
	for _, c := range []struct {
		name        string
		sums        []uint64
		of          []byDomain
		once, twice byDomain // told after the first reading, and after both
	}{
		{"no room for all", []uint64{5, 7}, []byDomain{{1: 3}, {1: 4, 2: 4}}, byDomain{none: 2, 1: 3}, byDomain{none: 2, 1: 4, 2: 4}},
		{"of none, and five of 1 behind the sum", []uint64{4, 5}, []byDomain{{1: 3, none: 1}, {1: 9, none: 2}},
			byDomain{none: 1, 1: 3}, byDomain{none: 2, 1: 9}},
	} {
		l, told := newLosses(), byDomain{}
		for i, want := range []byDomain{c.once, c.twice} {
			now, domains := map[lossKey]uint64{all: c.sums[i]}, map[lossKey]uint64{}
			for dom, n := range c.of[i] {
				domains[lossKey{all.probe, all.reason, all.cpu, dom}] = n
			}
			divide(now, domains)
			for _, e := range l.update(5, now) {
				told[e.Dom] += e.Lost().Count
			}
			if !maps.Equal(told, want) {
				t.Errorf("%s: reading %d: told %v, want %v", c.name, i, told, want)
			}
		}
	}
}

// TestLossesAroundTheClocksAreToldTwice: those of a counter that moves while the clocks are
// read belong to the interval before them, to that behind, or to both.
func TestLossesAroundTheClocksAreToldTwice(t *testing.T) {
	storm := undivided(format.ProbeIOReq, format.ReasonShare, 0)
	still := undivided(format.ProbePrivcmd, format.ReasonFault, 0)
	l, told := newLosses(), []uint64{}
	before, now := map[lossKey]uint64{storm: 10, still: 1}, map[lossKey]uint64{storm: 14, still: 1}
	for _, counts := range []map[lossKey]uint64{straddling(before, now), now} {
		for _, e := range l.update(5, counts) {
			told = append(told, e.Lost().Count)
		}
	}
	if !slices.Equal(told, []uint64{1, 13, 1}) {
		t.Errorf("told %v, want one fault, 13 of the storm with it and one behind", told)
	}
}

func TestForgivenLossesAreNotTold(t *testing.T) {
	l := newLosses()
	a := undivided(format.ProbePrivcmd, format.ReasonNoEntry, 0)
	b := undivided(format.ProbePrivcmd, format.ReasonNoSpace, 0)
	now := map[lossKey]uint64{a: 2, b: 1}
	l.forgive(now, format.ReasonNoEntry)
	if ev := l.update(5, now); len(ev) != 1 || ev[0].Lost().Reason != format.ReasonNoSpace {
		t.Errorf("told %v", ev)
	}
	now[a]++
	if ev := l.update(6, now); len(ev) != 1 || ev[0].Lost().Count != 1 {
		t.Errorf("then told %v", ev)
	}
}

func TestWithdrawnLossesAreThoseSinceThen(t *testing.T) {
	a := undivided(format.ProbePrivcmd, format.ReasonNoEntry, 0)
	b := undivided(format.ProbePrivcmd, format.ReasonNoEntry, 1)
	c := undivided(format.ProbePrivcmd, format.ReasonNoSpace, 0)
	now := map[lossKey]uint64{a: 3, b: 1, c: 4}
	withdraw(now, map[lossKey]uint64{a: 2, c: 1}, format.ReasonNoEntry)
	if want := map[lossKey]uint64{a: 2, b: 0, c: 4}; !maps.Equal(now, want) {
		t.Errorf("want %v, got %v", want, now)
	}
}

func TestHolesAreWhatNoCounterTells(t *testing.T) {
	got := holes([]uint64{10, 7}, perCPU{{by: [lossProbes]uint64{format.ProbeIOReq: 5, format.ProbePrivcmd: 3}}, {by: [lossProbes]uint64{format.ProbeIOReq: 7}}},
		map[lossKey]uint64{
			undivided(format.ProbeIOReq, format.ReasonNoSpace, 0): 1, undivided(format.ProbeIOReq, format.ReasonFault, 0): 9,
		})
	want := undivided(format.ProbeUnknown, format.ReasonUnknown, 0)
	if len(got) != 1 || got[want] != 1 {
		t.Errorf("holes %v, want one on CPU 0", got)
	}
}

func TestUnsentIsByProbeAndCPU(t *testing.T) {
	made := make(recordsMade, 2)
	made[0].By = [16]uint64{allProbes: 21, format.ProbeIOReq: 10, format.ProbePrivcmd: 6, format.ProbeRing: 5}
	made[1].By = [16]uint64{allProbes: 3, format.ProbeIOReq: 3}
	received := func(next uint64) perCPU {
		return perCPU{
			{[lossProbes]uint64{format.ProbeIOReq: 7, format.ProbePrivcmd: 6, format.ProbeRing: 4}, next},
			{[lossProbes]uint64{format.ProbeIOReq: 1}, 1},
		}
	}
	for _, next := range []uint64{18, 20, 21} { // whether the last are among the lost, or not
		got, certain := unsent(made, received(next))
		maps.DeleteFunc(got, func(_ lossKey, n uint64) bool { return n == 0 })
		want := map[lossKey]uint64{
			undivided(format.ProbeIOReq, format.ReasonNoSpace, 0): 3, undivided(format.ProbeIOReq, format.ReasonNoSpace, 1): 2,
		}
		if !certain || !maps.Equal(got, want) {
			t.Errorf("numbers up to %d: want %v, got %v, %v", next, want, got, certain)
		}
	}
	if _, certain := unsent(made, received(22)); certain {
		t.Error("certain, with a record received that was made later")
	}
}

// TestLateRecordHidesNoLoss has a record arrive that was told as lost.
func TestLateRecordHidesNoLoss(t *testing.T) {
	l, k := newLosses(), undivided(format.ProbeIOReq, format.ReasonNoSpace, 0)
	for i, c := range []struct{ lost, told uint64 }{{1, 1}, {0, 0}, {1, 1}, {3, 2}} {
		now := map[lossKey]uint64{}
		l.add(map[lossKey]uint64{k: c.lost}, now)
		told := uint64(0)
		for _, e := range l.update(5, now) {
			told += e.Lost().Count
		}
		if told != c.told {
			t.Errorf("reading %d, %d lost: told %d, want %d", i, c.lost, told, c.told)
		}
	}
}
