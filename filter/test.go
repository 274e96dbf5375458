package filter

import (
	"math"

	"github.com/iotrace-xen/iotrace/format"
)

// A test is one comparison. The fields of one name can differ from kind to kind,
// and so can what its values mean there.
type test struct {
	byKind [256]uint16 // place in cases, or one of the following
	cases  []testCase
}

const (
	never  = 1<<16 - 1 // no event of the kind passes
	always = 1<<16 - 2 // every one does
)

// A testCase is a test for the kinds that have the field in the same place, with
// the values that pass.
type testCase struct {
	from  source
	field format.Field
	pass  []span
}

// source says where a testCase takes its value from.
type source uint8

const (
	fromField source = iota
	fromSeq
	fromTime
)

// A span is a range of values, both ends included, in the order of keys.
type span struct{ first, last uint64 }

func (t *test) holds(e *format.Event) bool {
	switch at := t.byKind[e.Kind]; at {
	case never:
		return false
	case always:
		return true
	default:
		return t.cases[at].holds(e)
	}
}

func (c *testCase) holds(e *format.Event) bool {
	v, ok := c.value(e)
	if !ok {
		return false
	}
	for _, s := range c.pass {
		if s.first <= v && v <= s.last {
			return true
		}
	}
	return false
}

func (c *testCase) value(e *format.Event) (uint64, bool) {
	switch c.from {
	case fromSeq:
		return e.Seq, true
	case fromTime:
		return e.Time, true
	}
	v, ok := c.field.Value(e)
	return key(c.field, v), ok
}

// key maps the values of a field to numbers of the same order.
func key(f format.Field, v uint64) uint64 {
	if f.Signed() {
		return v ^ 1<<63
	}
	return v
}

// spansOf returns the keys that compare to k in the given way.
func spansOf(operator string, k uint64) []span {
	const top = math.MaxUint64
	var below, above []span
	if k > 0 {
		below = []span{{0, k - 1}}
	}
	if k < top {
		above = []span{{k + 1, top}}
	}
	same := span{k, k}
	switch operator {
	case "==":
		return []span{same}
	case "<":
		return below
	case "<=":
		return append(below, same)
	case ">":
		return above
	case ">=":
		return append(above, same)
	}
	return append(below, above...) // !=
}
