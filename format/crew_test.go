package format

import "testing"

// TestCrewLeavesTheLoopItsBlock asks which block is decoded next: never the one that
// the loop will come to next by itself, unless it is passing on what others decoded.
func TestCrewLeavesTheLoopItsBlock(t *testing.T) {
	c := newCrew(nil, make([]Block, 8), 1, 2)
	expect := func(what string, want int) {
		t.Helper()
		if got := c.free(); got != want {
			t.Errorf("%s: block %d, not %d", what, got, want)
		}
	}
	expect("the loop decodes 1, will decode 2", 3)
	a, b := c.take(), c.take()
	if a.number != 3 || b.number != 4 {
		t.Errorf("blocks %d and %d are taken", a.number, b.number)
	}
	expect("3 and 4 are taken", 5)
	if c.turn(2) != nil {
		t.Error("somebody has 2")
	}
	expect("the loop decodes 2, will decode 5", 6)
	a.ready = true
	if c.turn(3) != a {
		t.Error("3 has somebody else")
	}
	expect("the loop passes on 3", 5)
	c.release(a)
	if j := c.take(); j != a || j.number != 5 || j.ready {
		t.Errorf("%+v", j)
	}
	c.end()
	if c.take() != nil {
		t.Error("a block is taken after the end")
	}
}
