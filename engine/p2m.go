package engine

import (
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// run is a stretch of frames of which the same is known.
type run struct {
	first, last xen.GFN
	types       P2MTypes
}

func (r run) frames() uint64 { return uint64(r.last-r.first) + 1 }

// p2m is what is known about the types of a domain's pages. Frames outside the
// runs have rest. Runs are sorted, disjoint, and no two that touch are alike.
type p2m struct {
	runs   []run
	shared bool // with another domain: runs are copied before they change
	recent int  // what next returned last: the pages of a guest are asked for again and again
	rest   P2MTypes
	typed  uint64 // frames that certainly are ioreq_server: entry_count's lower bound
	doubt  uint64 // frames in runs that may be ioreq_server or something else
}

// next returns the index of the first run that ends at or after g. Devices lie above
// what is known of RAM, and are asked for in between.
func (p *p2m) next(g xen.GFN) int {
	if n := len(p.runs); n == 0 || p.runs[n-1].last < g {
		return n
	}
	if i := p.recent; i >= len(p.runs) || p.runs[i].last < g || i > 0 && p.runs[i-1].last >= g {
		p.recent = p.search(g)
	}
	return p.recent
}

// search is next by halving.
func (p *p2m) search(g xen.GFN) int {
	lo, n := 0, len(p.runs)
	for n > 0 {
		half := n / 2
		if p.runs[lo+half].last < g {
			lo += half + 1
			n -= half + 1
		} else {
			n = half
		}
	}
	return lo
}

// at returns what is known about frame g.
func (p *p2m) at(g xen.GFN) P2MTypes {
	if len(p.runs) == 0 {
		return p.rest
	}
	return p.among(g)
}

// among is at where there are runs.
func (p *p2m) among(g xen.GFN) P2MTypes {
	if i := p.next(g); i < len(p.runs) && p.runs[i].first <= g {
		return p.runs[i].types
	}
	return p.rest
}

// stretch returns the longest run from g on, not beyond last, of which the same
// is known.
func (p *p2m) stretch(g, last xen.GFN) run {
	i := p.next(g)
	switch {
	case i == len(p.runs):
		return run{g, last, p.rest}
	case p.runs[i].first > g:
		return run{g, min(last, p.runs[i].first-1), p.rest}
	}
	return run{g, min(last, p.runs[i].last), p.runs[i].types}
}

// set makes t what is known about [first, last].
func (p *p2m) set(first, last xen.GFN, t P2MTypes) {
	i := p.next(first)
	j := i
	for j < len(p.runs) && p.runs[j].first <= last {
		j++
	}
	var parts [3]run // a rest, the new run, a rest
	n := 0
	now := run{first, last, t}
	i, left := p.below(i, &now)
	j, right := p.above(j, &now)
	if left.types != p.rest {
		parts[n] = left
		n++
	}
	if t != p.rest {
		parts[n] = now
		n++
	}
	if right.types != p.rest {
		parts[n] = right
		n++
	}
	p.replace(i, j, parts[:n])
}

// below looks at what ends at or begins before now's first frame, where run i is
// the first that ends at or after it. What is alike grows now, and its run is to
// go; of another run that now begins in, the rest is returned, else none.
func (p *p2m) below(i int, now *run) (from int, rest run) {
	rest.types = p.rest
	if i < len(p.runs) && p.runs[i].first < now.first {
		if r := p.runs[i]; r.types != now.types {
			return i, run{r.first, now.first - 1, r.types}
		}
		now.first = p.runs[i].first
		return i, rest
	}
	if i > 0 && p.runs[i-1].last+1 == now.first && p.runs[i-1].types == now.types {
		now.first = p.runs[i-1].first
		return i - 1, rest
	}
	return i, rest
}

// above is below for now's last frame, where run j is the first that begins
// behind it.
func (p *p2m) above(j int, now *run) (limit int, rest run) {
	rest.types = p.rest
	if j > 0 && p.runs[j-1].last > now.last {
		if r := p.runs[j-1]; r.types != now.types {
			return j, run{now.last + 1, r.last, r.types}
		}
		now.last = p.runs[j-1].last
		return j, rest
	}
	if j < len(p.runs) && p.runs[j].first == now.last+1 && p.runs[j].types == now.types {
		now.last = p.runs[j].last
		return j + 1, rest
	}
	return j, rest
}

// join drops runs that only say rest and merges neighbours that are alike.
func (p *p2m) join(parts []run) []run {
	out := parts[:0]
	for _, r := range parts {
		if r.types == p.rest {
			continue
		}
		if n := len(out); n > 0 && out[n-1].last+1 == r.first && out[n-1].types == r.types {
			out[n-1].last = r.last
			continue
		}
		out = append(out, r)
	}
	return out
}

// replace puts parts in the place of runs i..j-1 and keeps the counts.
func (p *p2m) replace(i, j int, parts []run) {
	p.own()
	for _, r := range p.runs[i:j] {
		p.count(r, false)
	}
	for _, r := range parts {
		p.count(r, true)
	}
	if len(parts) == j-i {
		copy(p.runs[i:], parts)
		return
	}
	p.runs = slices.Replace(p.runs, i, j, parts...)
}

// own makes runs p's alone.
func (p *p2m) own() {
	if p.shared {
		p.runs, p.shared = slices.Clone(p.runs), false
	}
}

// forget makes every frame unknown and keeps the memory of the runs.
func (p *p2m) forget() {
	if p.shared {
		p.runs = nil
	}
	*p = p2m{runs: p.runs[:0], rest: setAll}
}

// push makes r what is known of frames beyond all runs.
func (p *p2m) push(r run) {
	p.own()
	n := len(p.runs)
	switch {
	case r.types == p.rest:
		return
	case n > 0 && p.runs[n-1].last+1 == r.first && p.runs[n-1].types == r.types:
		p.runs[n-1].last = r.last
	default:
		p.runs = append(p.runs, r)
	}
	p.count(r, true)
}

func (p *p2m) count(r run, plus bool) {
	n := r.frames()
	if !plus {
		n = -n
	}
	switch {
	case r.types == setIOReqServer:
		p.typed += n
	case r.types&setIOReqServer != 0:
		p.doubt += n
	}
}

// widen adds t to what the frames [first, last] may be.
func (p *p2m) widen(first, last xen.GFN, t P2MTypes) {
	for g := first; ; {
		r := p.stretch(g, last)
		p.set(r.first, r.last, r.types|t)
		if r.last == last {
			return
		}
		g = r.last + 1
	}
}

// change replaces what is known about every frame by what f makes of it.
func (p *p2m) change(f func(P2MTypes) P2MTypes) {
	p.own()
	p.rest = f(p.rest)
	p.typed, p.doubt = 0, 0
	for i := range p.runs {
		p.runs[i].types = f(p.runs[i].types)
	}
	p.runs = p.join(p.runs)
	for _, r := range p.runs {
		p.count(r, true)
	}
}

// entries says whether any page is of type ioreq_server.
func (p *p2m) entries() Tri {
	switch {
	case p.typed > 0:
		return Yes
	case p.doubt > 0 || p.rest&setIOReqServer != 0:
		return Maybe
	}
	return No
}
