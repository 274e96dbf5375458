package diff

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// The operations on a domain's log-dirty mode, by Xen's numbers
// (XEN_DOMCTL_SHADOW_OP_*).
const (
	logDirtyOff    = 0
	logDirtyEnable = 2
	logDirtyClean  = 11
	logDirtyPeek   = 12
)

var logDirtyKinds = map[uint64]engine.MemoryKind{
	logDirtyOff: engine.LogDirtyDisable, logDirtyEnable: engine.LogDirtyEnable, logDirtyClean: engine.LogDirtyClean,
}

// LoggedDirty is the outcome of an operation that succeeded, with the pages of the pool
// that the bitmap holds, which begins with the pool's first. The pages below are the
// prober's own.
func LoggedDirty(op uint64, bitmap []byte) Outcome {
	o := Outcome{xen.OK.String()}
	if op != logDirtyClean && op != logDirtyPeek {
		return o
	}
	return append(o, Dirty(guest.ProberPool, bitmap)...)
}

// dirty is the bitmap.
func (m *Model) dirty() []byte {
	bits := make([]byte, PoolPages/8)
	for i := range xen.GFN(PoolPages) {
		if m.domain.Dirty(guest.ProberPool+i) == engine.Yes {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return bits
}

// logDirty performs a shadow_op.
func (m *Model) logDirty(s Step) (Outcome, bool, error) {
	op, bitmap := s.Arg("op"), m.dirty()
	if op == logDirtyPeek {
		return LoggedDirty(op, bitmap), true, nil
	}
	kind, ok := logDirtyKinds[op]
	if !ok {
		return nil, false, fmt.Errorf("%v: the model can't do that", s)
	}
	e, err := m.domain.Step(engine.Op{Kind: engine.OpMemory, Memory: engine.MemoryCall{Kind: kind}})
	if e.Ret.Errno != xen.OK {
		return Outcome{e.Ret.Errno.String()}, e.Ret.Known, err
	}
	return LoggedDirty(op, bitmap), e.Ret.Known, err
}

// modified tells of frames that a device model has written.
func (g *generator) modified() Step {
	s := Set{"first": g.frame(), "nr": oneOf[uint64](g, 1, 1, 2, 4, 0, 300)}
	switch g.rand.IntN(8) {
	case 0:
		s["opaque"] = oneOf[uint64](g, 1, 2, 3)
	case 1:
		s["extents"] = oneOf[uint64](g, 0, 0, 2)
	case 2:
		s["first"] = oneOf(g, mmioStart>>xen.PageShift, ^uint64(0), g.wild())
	}
	return g.made(NewStep(Modified, s))
}

// logDirty begins, goes on with or ends a migration, which at times stands still.
func (g *generator) logDirty() Step {
	return NewStep(LogDirty, Set{"op": oneOf[uint64](g, logDirtyOff, logDirtyOff, logDirtyEnable, logDirtyEnable, logDirtyClean, logDirtyPeek)})
}
