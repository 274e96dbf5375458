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
// the present model contradicts, agrees with the recording, or else for one under
// which that cannot be told. flying are calls that may have taken effect. On success
// d's model and past are those of the order found, and eff is what st did in it.
func (d *domain) reorder(st step, flying []*call, eff *engine.Effect) bool {
	if d.disputes >= maxDisputes {
		return false
	}
	ahead, open := d.places(st)
	var doubtful []attempt
	tries := 0
search:
	for _, among := range []iter.Seq[attempt]{d.earlier(st, ahead), d.flown(st, flying), d.swapped(st, flying)} {
		for a := range among {
			switch d.accept(a, eff, Agree) {
			case Agree:
				return true
			case Undetermined:
				doubtful = append(doubtful, a)
			}
			if tries++; tries == maxTries {
				break search
			}
		}
	}
	tries = 0
	for a := range d.earlier(st, open) {
		if d.accept(a, eff, Undetermined) == Undetermined {
			return true
		}
		if tries++; tries == maxTries {
			break
		}
	}
	return len(doubtful) > 0 && d.accept(doubtful[0], eff, Undetermined) == Undetermined
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

// earlier lets st happen before steps of the past that changed the model and lie inside
// its own interval, newest first, at these places.
func (d *domain) earlier(st step, places []int) iter.Seq[attempt] {
	return func(yield func(attempt) bool) {
		steps := d.past.all()
		for _, k := range slices.Backward(places) {
			st.pos = steps[k].pos
			if !yield(attempt{slices.Insert(slices.Clone(steps), k, st), k}) {
				return
			}
		}
	}
}

// places returns the steps of the past, of those that changed the model inside st's
// interval, before which st would have agreed, and those before which that could not
// have been told.
func (d *domain) places(st step) (agree, open []int) {
	steps := d.past.all()
	first := len(steps)
	for first > 0 && steps[first-1].pos > st.since {
		first--
	}
	if !slices.ContainsFunc(steps[first:], func(s step) bool { return s.changed() }) {
		return nil, nil
	}
	m := d.past.base.Clone()
	var t trial
	for k := range steps {
		if k >= first && steps[k].changed() {
			switch d.outcome(m.Clone(), &st) {
			case Agree:
				agree = append(agree, k)
			case Undetermined:
				open = append(open, k)
			}
		}
		t.run(&steps[k], m)
	}
	return agree, open
}

// outcome runs st on m and judges it.
func (d *domain) outcome(m *engine.Domain, st *step) VerdictKind {
	var t trial
	t.run(st, m)
	kind, _ := judge(d.profile, &t)
	return kind
}

// accept makes an attempt the past of d if every step that agreed with the recording
// does not differ in it and the one to be explained is as wanted: Agree, or Undetermined.
// eff becomes the effect of that one. It returns what that one is where nothing differs,
// else Differ.
func (d *domain) accept(a attempt, eff *engine.Effect, wanted VerdictKind) VerdictKind {
	m := d.past.base.Clone()
	found := Agree
	a.steps[a.at].kind, a.steps[a.at].learn, a.steps[a.at].stale = Agree, false, false
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
		switch kind, why := judge(d.profile, &t); {
		case kind == Differ:
			return Differ
		case kind == Undetermined && i == a.at:
			found, st.kind = kind, kind
			if st.learn = st.teaches(why); st.learn {
				m.Learn(t.op, t.rec.Seen)
			}
		}
	}
	if found != wanted {
		return found
	}
	for c, eff := range early {
		c.effect, c.past = &eff, true
	}
	d.model = m
	d.past.rewrite(a.steps)
	return found
}

// teaches says whether the model learns from a step that is undetermined for this reason.
func (st *step) teaches(why string) bool {
	return why != whyExhausted && why != whySquashed && (st.call == nil || st.call.modelled())
}

// replace explains the result of a call that was applied early by another call:
// that one took effect in its place, and the call itself later.
func (d *domain) replace(c *call, pos uint64, flying []*call, eff *engine.Effect) bool {
	steps := d.past.all()
	k := slices.IndexFunc(steps, func(s step) bool { return s.call == c && s.early })
	if k < 0 || d.disputes >= maxDisputes {
		return false
	}
	own := step{pos: pos, since: c.seq, call: c}
	for _, x := range flying {
		moved := slices.Clone(steps)
		moved[k] = early(x, steps[k].pos)
		if d.accept(attempt{append(moved, own), len(moved)}, eff, Agree) == Agree {
			return true
		}
	}
	return false
}
