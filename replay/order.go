package replay

import (
	"iter"
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
)

// Bounds of the search for an order: see the package documentation.
const (
	maxDisputes = 100 // differences of a domain after which no order is tried
	maxPairs    = 4   // calls in flight up to which pairs of them are tried
	maxTries    = 64  // orders tried in full for one operation
)

// An attempt is another past of a domain; the operation that it is to explain
// is steps[at].
type attempt struct {
	steps []step
	at    int
}

// reorder looks for an order of overlapping operations under which st, which
// the present model contradicts, agrees with the recording. flying are calls
// that may have taken effect. On success d's model and past are those of the
// order found, and eff is what st did in it.
func (d *domain) reorder(st step, flying []*call, eff *engine.Effect) bool {
	if d.disputes >= maxDisputes {
		return false
	}
	st.kind = Agree
	tries := 0
	for _, among := range []iter.Seq[attempt]{d.earlier(st), d.flown(st, flying), d.swapped(st, flying)} {
		for a := range among {
			if d.accept(a, eff) {
				return true
			}
			if tries++; tries == maxTries {
				return false
			}
		}
	}
	return false
}

// flown lets calls in flight take effect before st.
func (d *domain) flown(st step, flying []*call) iter.Seq[attempt] {
	return func(yield func(attempt) bool) {
		for _, calls := range orders(flying) {
			steps := d.past.all()
			for _, c := range calls {
				steps = append(steps, early(c, st.pos))
			}
			if !yield(attempt{append(steps, st), len(steps)}) {
				return
			}
		}
	}
}

// early is the step of a call that has taken effect by pos and not returned.
func early(c *call, pos uint64) step { return step{pos: pos, since: c.seq, call: c, early: true} }

// swapped lets a call of the past take effect before another that it overlapped,
// newest first, and st between them or after all, perhaps with a call in flight
// besides. Two calls may have returned the same in either order and left
// different states.
func (d *domain) swapped(st step, flying []*call) iter.Seq[attempt] {
	return func(yield func(attempt) bool) {
		steps := d.past.all()
		for i, j := range overlaps(steps) {
			first := steps[j]
			first.pos = steps[i].pos
			moved := slices.Delete(slices.Clone(steps), j, j+1)
			moved = slices.Insert(moved, i, first)
			if !yield(attempt{append(slices.Clone(moved), st), len(moved)}) {
				return
			}
			if first.pos > st.since && !yield(attempt{slices.Insert(slices.Clone(moved), i+1, st), i + 1}) {
				return
			}
			for _, c := range flying {
				more := append(slices.Clone(moved), early(c, st.pos))
				if !yield(attempt{append(more, st), len(more)}) {
					return
				}
			}
		}
	}
}

// overlaps iterates over the pairs i < j of calls in a past that overlapped.
func overlaps(steps []step) iter.Seq2[int, int] {
	return func(yield func(i, j int) bool) {
		for j := len(steps) - 1; j > 0; j-- {
			for i := j - 1; i >= 0 && steps[i].pos > steps[j].since && steps[j].isCall(); i-- {
				if steps[i].isCall() && !yield(i, j) {
					return
				}
			}
		}
	}
}

// orders lists the sequences of calls in flight that are tried: each alone,
// then each pair both ways.
func orders(flying []*call) [][]*call {
	var out [][]*call
	for _, c := range flying {
		out = append(out, []*call{c})
	}
	if len(flying) > maxPairs {
		return out
	}
	for _, a := range flying {
		for _, b := range flying {
			if a != b {
				out = append(out, []*call{a, b})
			}
		}
	}
	return out
}

// earlier lets st happen before calls of the past that lie inside its own
// interval, newest first, wherever it would have agreed.
func (d *domain) earlier(st step) iter.Seq[attempt] {
	steps := d.past.all()
	first := len(steps)
	for first > 0 && steps[first-1].pos > st.since {
		first--
	}
	return func(yield func(attempt) bool) {
		places := d.places(st, steps, first)
		for _, k := range slices.Backward(places) {
			st.pos = steps[k].pos
			if !yield(attempt{slices.Insert(slices.Clone(steps), k, st), k}) {
				return
			}
		}
	}
}

// places returns the calls among steps, the past, from first on before which st
// would have agreed.
func (d *domain) places(st step, steps []step, first int) (found []int) {
	if !slices.ContainsFunc(steps[first:], func(s step) bool { return s.isCall() }) {
		return nil
	}
	m := d.past.base.Clone()
	var t trial
	for k := range steps {
		if k >= first && steps[k].isCall() && d.agrees(m.Clone(), &st) {
			found = append(found, k)
		}
		t.run(&steps[k], m)
	}
	return found
}

// agrees runs st on m and reports whether the outcome is as recorded.
func (d *domain) agrees(m *engine.Domain, st *step) bool {
	var t trial
	t.run(st, m)
	kind, _ := judge(d.profile, &t)
	return kind == Agree
}

// accept makes an attempt the past of d, if every step that agreed with the
// recording still does, and the one to be explained too. eff becomes the effect
// of that one.
func (d *domain) accept(a attempt, eff *engine.Effect) bool {
	m := d.past.base.Clone()
	var t trial
	early := map[*call]engine.Effect{}
	for i := range a.steps {
		st := &a.steps[i]
		t.run(st, m)
		if i == a.at {
			*eff = t.eff
		}
		if st.early {
			early[st.call] = t.eff
			continue
		}
		if st.kind != Agree {
			continue
		}
		if kind, _ := judge(d.profile, &t); kind == Differ || i == a.at && kind != Agree {
			return false
		}
	}
	for c, eff := range early {
		c.effect, c.past = &eff, true
	}
	d.model = m
	d.past.rewrite(a.steps)
	return true
}

// replace explains the result of a call that was applied early by another call:
// that one took effect in its place, and the call itself later.
func (d *domain) replace(c *call, pos uint64, flying []*call, eff *engine.Effect) bool {
	steps := d.past.all()
	k := slices.IndexFunc(steps, func(s step) bool { return s.call == c && s.early })
	if k < 0 || d.disputes >= maxDisputes {
		return false
	}
	own := step{pos: pos, since: c.seq, call: c, kind: Agree}
	for _, x := range flying {
		moved := slices.Clone(steps)
		moved[k] = early(x, steps[k].pos)
		if d.accept(attempt{append(moved, own), len(moved)}, eff) {
			return true
		}
	}
	return false
}
