package rewrite

import (
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// TestCutter cuts a trace of five segments, of which each begins a second behind the
// one before and has so many bytes, by each of the limits.
func TestCutter(t *testing.T) {
	sizes := []int64{100, 300, 100, 100, 200}
	for _, c := range []struct {
		cut  Cut
		want []int // segments of each part
	}{
		{Cut{Segments: 1}, []int{1, 1, 1, 1, 1}},
		{Cut{Segments: 2}, []int{2, 2, 1}},
		{Cut{Segments: 5}, []int{5}},
		{Cut{Time: 1}, []int{1, 1, 1, 1, 1}},
		{Cut{Time: 2e9}, []int{2, 2, 1}},
		{Cut{Time: 2e9 + 1}, []int{3, 2}},
		{Cut{Time: 9e9}, []int{5}},
		// The next segment may be as large as the largest so far.
		{Cut{Size: 1}, []int{1, 1, 1, 1, 1}},
		{Cut{Size: 200}, []int{2, 1, 1, 1}},
		{Cut{Size: 700}, []int{3, 2}},
		{Cut{Size: 10000}, []int{5}},
	} {
		cutter := NewCutter(c.cut)
		var got []int
		size := int64(0)
		for i, n := range sizes {
			frame := format.KeyFrame{Count: 2}.Event(uint64(i) * 1e9)
			if cutter.Begins(&frame, size) {
				got, size = append(got, 0), 0
			}
			got[len(got)-1]++
			size += n
			for _, e := range []format.Event{format.StateDomain{}.Event(frame.Time), format.Mark{}.Event(frame.Time + 5e9)} {
				if cutter.Begins(&e, size) {
					t.Errorf("%+v: a part begins with %v", c.cut, e.Kind)
				}
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: parts of %v segments, want %v", c.cut, got, c.want)
		}
	}
}

// TestCutterBeginsAnywhere: a trace need not begin with a key-frame.
func TestCutterBeginsAnywhere(t *testing.T) {
	cutter := NewCutter(Cut{Segments: 1})
	e := format.Mark{}.Event(1)
	if !cutter.Begins(&e, 0) || cutter.Begins(&e, 10) {
		t.Error("the first event, and only that, begins the first part")
	}
}
