package diff

import (
	"fmt"
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// EntriesLost is the outcome of a look at the p2m entries that Xen has set where its
// trace lost records, or none was taken.
const EntriesLost = "lost"

// EntriesSet is the outcome of a look at n of them.
func EntriesSet(n uint64) Outcome { return Outcome{fmt.Sprintf("set %d", n)} }

// entries counts the calls of p2m_set_entry since the last look. These are the writes
// of Xen's p2m that its trace tells on NPT: what marks, splits and recalculations
// write is in no trace. Frames below the pool are not counted, for there the prober
// itself writes.
func (m *Model) entries(seen Outcome) (Outcome, bool, error) {
	n := m.domain.SetEntries()
	since := n - m.sets - m.below
	m.sets, m.below = n, 0
	if slices.Equal(seen, Outcome{EntriesLost}) {
		return seen, false, nil
	}
	return EntriesSet(since), true, nil
}

// cleanBelow counts the frames below the pool that an instruction may write, and
// whose entries are set when it does. A string that leaves the VGA window downwards
// gets there.
func (m *Model) cleanBelow(s Step) (n uint64) {
	in := s.Instr()
	first, last := reach(&in, in.Addr)
	for g := xen.GFNOf(first); g <= xen.GFNOf(last) && g < guest.ProberPool; g++ {
		if m.domain.Page(g) == 1<<engine.P2MLogDirty {
			n++
		}
	}
	return n
}
