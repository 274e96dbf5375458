package record

import (
	"cmp"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// The loss counters of the probes: one for each probe and reason, on each CPU,
// at index probe*lossReasons + reason.
const (
	lossProbes  = 11
	lossReasons = 9
)

// noCPU is the CPU of a loss that belongs to none.
const noCPU = -1

// lossKey names one counter.
type lossKey struct {
	probe  format.Probe
	reason format.Reason
	cpu    int64
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
		return cmp.Or(cmp.Compare(a.probe, b.probe), cmp.Compare(a.reason, b.reason), cmp.Compare(a.cpu, b.cpu))
	})
	var ev []format.Event
	for _, k := range grown {
		ev = append(ev, format.Lost{
			Dom: xen.DomInvalid, Server: xen.NoServer, Probe: k.probe, Reason: k.reason, CPU: k.cpu, Count: now[k] - l.told[k],
		}.Event(t))
		l.told[k] = now[k]
	}
	return ev
}

// holes returns what the sequence numbers show to be missing and no counter
// tells: tried has the records that each CPU tried to make, received those that
// came, now the counters.
func holes(tried map[uint16]uint64, received map[uint16]uint64, now map[lossKey]uint64) map[lossKey]uint64 {
	missing := map[lossKey]uint64{}
	for cpu, n := range tried {
		known := received[cpu]
		for k, c := range now {
			if k.reason == format.ReasonNoSpace && k.cpu == int64(cpu) {
				known += c
			}
		}
		if n > known {
			missing[lossKey{format.ProbeUnknown, format.ReasonUnknown, int64(cpu)}] = n - known
		}
	}
	return missing
}

// sortLosses orders by probe, then reason.
func sortLosses(l []Loss) {
	slices.SortFunc(l, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.Probe, b.Probe), cmp.Compare(a.Reason, b.Reason))
	})
}
