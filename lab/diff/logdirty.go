package diff

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// The operations on a domain's log-dirty mode, by Xen's numbers
// (XEN_DOMCTL_SHADOW_OP_*). What is dirty is not compared, but for which entries that
// makes Xen set.
const (
	logDirtyOff    = 0
	logDirtyEnable = 2
	logDirtyClean  = 11
	logDirtyPeek   = 12
)

var logDirtyKinds = map[uint64]engine.MemoryKind{
	logDirtyOff: engine.LogDirtyDisable, logDirtyEnable: engine.LogDirtyEnable, logDirtyClean: engine.LogDirtyClean,
}

// logDirty performs a shadow_op.
func (m *Model) logDirty(s Step) (Outcome, bool, error) {
	op := s.Arg("op")
	if op == logDirtyPeek {
		return Outcome{xen.OK.String()}, true, nil
	}
	kind, ok := logDirtyKinds[op]
	if !ok {
		return nil, false, fmt.Errorf("%v: the model can't do that", s)
	}
	e, err := m.domain.Step(engine.Op{Kind: engine.OpMemory, Memory: engine.MemoryCall{Kind: kind}})
	return Outcome{e.Ret.Errno.String()}, e.Ret.Known, err
}

// logDirty begins, goes on with or ends a migration, which at times stands still.
func (g *generator) logDirty() Step {
	return NewStep(LogDirty, Set{"op": oneOf[uint64](g, logDirtyOff, logDirtyOff, logDirtyEnable, logDirtyEnable, logDirtyClean, logDirtyPeek)})
}
