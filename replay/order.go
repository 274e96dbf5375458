package replay

import (
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
)

// Bounds of the search for an order: see the package documentation.
const (
	maxDisputes = 100 // differences of a domain after which no order is tried
	maxPairs    = 4   // calls in flight up to which pairs of them are tried
	maxRewrites = 4   // places in the past that are tried in full
)

// reorder looks for an order of overlapping operations under which st, which
// the present model contradicts, agrees with the recording. since is the
// beginning of st's interval; flying are calls that may have taken effect. On
// success d's model and past are those of the order found.
func (d *domain) reorder(st step, since uint64, flying []*call) (engine.Effect, bool) {
	if d.disputes >= maxDisputes {
		return engine.Effect{}, false
	}
	st.kind = Agree
	for _, k := range d.earlier(st, since) {
		early := st
		early.pos = d.past.steps[k].pos
		if eff, ok := d.adopt(slices.Insert(slices.Clone(d.past.steps), k, early), k); ok {
			return eff, true
		}
	}
	for _, calls := range orders(flying) {
		steps := slices.Clone(d.past.steps)
		for _, c := range calls {
			steps = append(steps, step{pos: st.pos, op: c.op, call: c})
		}
		if eff, ok := d.adopt(append(steps, st), len(steps)); ok {
			return eff, true
		}
	}
	return engine.Effect{}, false
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

// earlier returns the places in the past, newest first, at which st would have
// agreed: in front of calls that lie after since.
func (d *domain) earlier(st step, since uint64) []int {
	steps := d.past.steps
	first := len(steps)
	for first > 0 && steps[first-1].pos > since {
		first--
	}
	if !slices.ContainsFunc(steps[first:], func(s step) bool { return s.isCall() }) {
		return nil
	}
	var found []int
	m := d.past.base.Clone()
	for k := range steps {
		if k >= first && steps[k].isCall() && d.agrees(m.Clone(), &st) {
			found = append(found, k)
		}
		steps[k].run(m)
	}
	slices.Reverse(found)
	return found[:min(len(found), maxRewrites)]
}

// agrees runs st on m and reports whether the outcome is as recorded.
func (d *domain) agrees(m *engine.Domain, st *step) bool {
	eff := st.run(m)
	kind, _ := judge(d.profile, &st.op, &eff, &st.rec)
	return kind == Agree
}

// adopt makes steps the past of d, if every step that agreed with the recording
// still does, and steps[at] too. It returns the effect of that one.
func (d *domain) adopt(steps []step, at int) (engine.Effect, bool) {
	m := d.past.base.Clone()
	var result engine.Effect
	early := map[*call]engine.Effect{}
	for i := range steps {
		st := &steps[i]
		eff := st.run(m)
		if i == at {
			result = eff
		}
		if st.call != nil {
			early[st.call] = eff
			continue
		}
		if st.kind != Agree {
			continue
		}
		if kind, _ := judge(d.profile, &st.op, &eff, &st.rec); kind == Differ || i == at && kind != Agree {
			return engine.Effect{}, false
		}
	}
	for c, eff := range early {
		c.applied, c.effect = true, eff
	}
	d.model, d.past.steps = m, steps
	return result, true
}
