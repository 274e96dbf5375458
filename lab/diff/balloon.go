package diff

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// Ballooned is the outcome of a call that has taken or populated n extents.
func Ballooned(n uint64) Outcome { return Outcome{fmt.Sprintf("did %d", n)} }

// balloon performs a call that gives the domain memory or takes it. What a page holds
// that is given back is Xen's affair: a script must write before it reads.
func (m *Model) balloon(s Step) (Outcome, bool, error) {
	call := engine.MemoryCall{Kind: engine.MemRemove, First: xen.GFN(s.Arg("gfn")), Nr: s.Arg("nr"), Order: uint8(s.Arg("order"))}
	switch {
	case s.Verb == Decrease:
		call.Kind = engine.MemDecrease
	case s.Verb == Populate && s.Arg("pod") != 0:
		call.Kind = engine.MemPopulatePoD
	case s.Verb == Populate:
		call.Kind = engine.MemPopulate
	}
	sets := m.domain.SetEntries()
	e, err := m.domain.Step(engine.Op{Kind: engine.OpMemory, Memory: call})
	if s.Verb != Populate {
		m.removed(sets)
	}
	if s.Verb == Remove || e.Ret.Errno != xen.OK {
		return Outcome{e.Ret.Errno.String()}, e.Ret.Known, err
	}
	return Ballooned(e.Out.Words[0]), e.Ret.Known, err
}
