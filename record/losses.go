package record

import (
	"cmp"
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// The loss counters of the probes: one for each probe and reason, on each CPU,
// at index probe*lossReasons + reason.
const (
	lossProbes  = 11
	lossReasons = 11
)

// noCPU is the CPU of a loss that belongs to none.
const noCPU = -1

// lossKey names one counter: of a domain, or of what is no domain's or of nobody knows
// which.
type lossKey struct {
	probe  format.Probe
	reason format.Reason
	cpu    int64
	dom    xen.DomID
}

// undivided names a counter of no domain.
func undivided(p format.Probe, r format.Reason, cpu int64) lossKey {
	return lossKey{p, r, cpu, xen.DomInvalid}
}

// divide takes from the sums of all losses what is known to be a domain's, or of none:
// the rest found no room in the table of those. Both grow while they are read, the
// domains' last, so it is the rest that may be told too late.
func divide(sums, domains map[lossKey]uint64) {
	for k, n := range domains {
		all := undivided(k.probe, k.reason, k.cpu)
		sums[all] -= min(n, sums[all])
	}
	for k, n := range domains {
		sums[k] += n
	}
}

// losses turns counters that only grow into Lost events for what was added.
type losses struct{ told map[lossKey]uint64 }

func newLosses() losses { return losses{told: map[lossKey]uint64{}} }

// forgive leaves out what was counted for reason so far.
func (l losses) forgive(now map[lossKey]uint64, reason format.Reason) {
	for k, n := range now {
		if k.reason == reason {
			l.told[k] = n
		}
	}
}

// withdraw takes out of now what was counted for reason since then.
func withdraw(now, then map[lossKey]uint64, reason format.Reason) {
	for k := range now {
		if k.reason == reason {
			now[k] = then[k]
		}
	}
}

// straddling returns the counters of now without one of those that were counted since
// before, while the clocks were read, where there are several: they may lie on both sides
// of the clocks, and what is left is told with the next.
func straddling(before, now map[lossKey]uint64) map[lossKey]uint64 {
	told := maps.Clone(now)
	for k, n := range now {
		if n > before[k]+1 {
			told[k] = n - 1
		}
	}
	return told
}

// add puts counts that may shrink among the counters of now. One shrinks if something came,
// or a spare did its work, so late that it was told as lost: that stands, and hides nothing
// that is lost from then on.
func (l losses) add(counts, now map[lossKey]uint64) {
	for k, n := range counts {
		now[k] = n
		l.told[k] = min(n, l.told[k])
	}
}

// update returns an event for each counter that has grown since the last call,
// in the order of the keys.
func (l losses) update(t uint64, now map[lossKey]uint64) []format.Event {
	var grown []lossKey
	for k, n := range now {
		if n > l.told[k] {
			grown = append(grown, k)
		}
	}
	slices.SortFunc(grown, func(a, b lossKey) int {
		return cmp.Or(cmp.Compare(a.probe, b.probe), cmp.Compare(a.reason, b.reason), cmp.Compare(a.cpu, b.cpu),
			cmp.Compare(a.dom, b.dom))
	})
	var ev []format.Event
	for _, k := range grown {
		ev = append(ev, format.Lost{
			Dom: k.dom, Server: xen.NoServer, Probe: k.probe, Reason: k.reason, CPU: k.cpu, Count: now[k] - l.told[k],
		}.Event(t))
		l.told[k] = now[k]
	}
	return ev
}

// perCPU has the records of each CPU.
type perCPU []cpuRecords

// cpuRecords counts the records of a CPU.
type cpuRecords struct {
	by   [lossProbes]uint64 // probe
	next uint64             // sequence number after the highest
}

// at returns the place of a CPU, which is made if need be.
func (p *perCPU) at(cpu uint16) *cpuRecords {
	if n := int(cpu) + 1; n > len(*p) {
		*p = append(*p, make(perCPU, n-len(*p))...)
	}
	return &(*p)[cpu]
}

// of returns the number of all probes' records on a CPU.
func (p perCPU) of(cpu uint16) (n uint64) {
	for _, k := range p.at(cpu).by {
		n += k
	}
	return n
}

// holes returns what the sequence numbers show to be missing and no counter
// tells: tried has the records that each CPU tried to make, received those that
// came, now the counters. What those count of rings are slots, no records.
func holes(tried []uint64, received perCPU, now map[lossKey]uint64) map[lossKey]uint64 {
	missing := map[lossKey]uint64{}
	for cpu, n := range tried {
		known := received.of(uint16(cpu))
		for k, c := range now {
			if (k.reason == format.ReasonNoSpace || k.reason == format.ReasonShare) && k.cpu == int64(cpu) && k.probe != format.ProbeRing {
				known += c
			}
		}
		if n > known {
			missing[undivided(format.ProbeUnknown, format.ReasonUnknown, int64(cpu))] = n - known
		}
	}
	return missing
}

// recordsMade are the records that each CPU has tried to make: struct made of
// bpf/output.h, by CPU.
type recordsMade []struct{ By [16]uint64 }

// allProbes is where the number of all probes' records stands.
const allProbes = format.ProbeUnknown

// unsent returns what the kernel had no room for, where the programs are not told (tier
// C): of the records made those that were not received, by probe also if they are none.
// It is certain if all that came of those has been received, and nothing made since then.
// A look at a ring is no loss: the ring's account has its slots.
func unsent(made recordsMade, received perCPU) (lost map[lossKey]uint64, certain bool) {
	lost, certain = map[lossKey]uint64{}, true
	for cpu := range made {
		by, got := &made[cpu].By, received.at(uint16(cpu))
		certain = certain && got.next <= by[allProbes]
		for probe := format.ProbePrivcmd; probe < lossProbes; probe++ {
			if probe != format.ProbeRing {
				lost[undivided(probe, format.ReasonNoSpace, int64(cpu))] = by[probe] - min(got.by[probe], by[probe])
			}
		}
	}
	return lost, certain
}

// sortLosses orders by probe, then reason.
func sortLosses(l []Loss) {
	slices.SortFunc(l, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.Probe, b.Probe), cmp.Compare(a.Reason, b.Reason))
	})
}
