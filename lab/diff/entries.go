package diff

import (
	"fmt"
	"slices"
)

// EntriesLost is the outcome of a look at the p2m entries that Xen has set where its
// trace lost records, or none was taken.
const EntriesLost = "lost"

// EntriesSet is the outcome of a look at n of them.
func EntriesSet(n uint64) Outcome { return Outcome{fmt.Sprintf("set %d", n)} }

// entries counts the calls of p2m_set_entry since the last look. These are the writes
// of Xen's p2m that its trace tells on NPT: what marks, splits and recalculations
// write is in no trace.
func (m *Model) entries(seen Outcome) (Outcome, bool, error) {
	n := m.domain.SetEntries()
	since := n - m.sets
	m.sets = n
	if slices.Equal(seen, Outcome{EntriesLost}) {
		return seen, false, nil
	}
	return EntriesSet(since), true, nil
}
