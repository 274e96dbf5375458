package flight

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/analyze"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// begins says whether e is the entry of a call. Entries and returns of all kinds
// have the call's id in their first word.
func begins(e *format.Event) bool {
	switch e.Kind {
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		return true
	}
	return false
}

// returns says whether e is the return of a call, and with what result.
func returns(e *format.Event) (ret int64, ok bool) {
	switch e.Kind {
	case format.KindDMOpReturn:
		return e.DMOpReturn().Ret, true
	case format.KindHypercallReturn:
		return e.HypercallReturn().Ret, true
	case format.KindIoctlReturn:
		return e.IoctlReturn().Ret, true
	}
	return 0, false
}

// nameOf says which call an entry is of.
func nameOf(e format.Event) string {
	dom := ""
	if e.Dom < xen.DomSelf {
		dom = fmt.Sprintf(" of dom%d", e.Dom)
	}
	switch e.Kind {
	case format.KindDMOpEnter:
		return e.DMOpEnter().Op.Op.String() + dom
	case format.KindHypercallEnter:
		h := e.HypercallEnter()
		return fmt.Sprintf("%v %#x%s", h.Nr, h.Sub, dom)
	case format.KindIoctlEnter:
		return e.IoctlEnter().Cmd.String() + dom
	case format.KindMmapResourceEnter:
		return "mmap_resource" + dom
	}
	return "a call" // whose entry was not seen
}

// callError fires at a call that failed.
type callError struct {
	want  xen.Errno // OK for any
	calls analyze.InFlight[format.Event]
	said  format.Event // the call's entry
	errno xen.Errno
}

func (c *callError) why() string { return fmt.Sprintf("%s returned %v", nameOf(c.said), c.errno) }

func (c *callError) watch(e *format.Event) bool {
	if begins(e) {
		c.calls.Begin(e.W[0], *e)
		return false
	}
	ret, ok := returns(e)
	if !ok {
		return false
	}
	enter, _ := c.calls.End(e.W[0])
	n, known := xen.ErrnoOf(ret)
	squashed := e.DMOpReturn().Squashed // it failed, and with what is not known
	if !known || n == xen.OK || c.want != xen.OK && (n != c.want || squashed) {
		return false
	}
	c.said, c.errno = enter, n
	return true
}

// slowCall fires when a call has been running for too long, or returns after that.
type slowCall struct {
	limit    uint64 // ns
	calls    analyze.InFlight[format.Event]
	said     format.Event // the call's entry
	returned bool
	now      uint64
}

func (s *slowCall) why() string {
	if s.returned {
		return fmt.Sprintf("%s returned after %v", nameOf(s.said), spanned(s.said.Time, s.now))
	}
	return fmt.Sprintf("%s has not returned for %v", nameOf(s.said), spanned(s.said.Time, s.now))
}

func (s *slowCall) watch(e *format.Event) bool {
	if begins(e) {
		s.calls.Begin(e.W[0], *e)
	} else if _, ok := returns(e); ok {
		enter, known := s.calls.End(e.W[0])
		if known && late(enter.Time, e.Time, s.limit) {
			s.said, s.returned, s.now = enter, true, e.Time
			return true
		}
	}
	if id, x := s.calls.Oldest(); x != nil && late(x.Time, e.Time, s.limit) {
		s.said, s.returned, s.now = *x, false, e.Time
		s.calls.End(id)
		return true
	}
	return false
}

// claim fires when map_mem_type_to_ioreq_server has succeeded.
type claim struct {
	calls analyze.InFlight[format.Event]
	said  format.Event // the call's entry
}

func (c *claim) why() string {
	d := c.said.DMOpEnter()
	m, _ := d.Op.DecodeBody().(xen.MapMemType)
	what := "claimed"
	if m.Flags == 0 {
		what = "released"
	}
	return fmt.Sprintf("dom%d server %s %s %v pages", d.Dom, m.ID, what, m.Type)
}

func (c *claim) watch(e *format.Event) bool {
	switch e.Kind {
	case format.KindDMOpEnter:
		if d := e.DMOpEnter(); d.Known && d.Op.Op == xen.OpMapMemType {
			c.calls.Begin(d.ID, *e)
		}
	case format.KindDMOpReturn:
		enter, ok := c.calls.End(e.W[0])
		c.said = enter
		return ok && e.DMOpReturn().Ret == 0
	}
	return false
}

// churn fires when the set_mem_type calls of one domain that succeeded in the last
// second changed more pages than the limit. A second is told to a tenth.
type churn struct {
	limit uint64 // pages a second
	calls analyze.InFlight[uint32]
	doms  map[xen.DomID]*window
	said  xen.DomID
	pages uint64
}

// A window counts what happened in the tenths of the last second.
type window struct {
	counts [10]uint64
	tenth  uint64 // since the beginning of time; the newest one's
}

const tenth = 100_000_000 // ns

// add counts n more and returns how many there were in the last second.
func (w *window) add(now, n uint64) (sum uint64) {
	t := now / tenth
	size := uint64(len(w.counts))
	for w.tenth < t { // what is older than a second is forgotten
		w.tenth = max(w.tenth+1, t-min(t, size))
		w.counts[w.tenth%size] = 0
	}
	w.counts[t%size] += n
	for _, c := range w.counts {
		sum += c
	}
	return sum
}

func (c *churn) why() string {
	return fmt.Sprintf("set_mem_type changed %d pages of dom%d within a second", c.pages, c.said)
}

func (c *churn) watch(e *format.Event) bool {
	switch e.Kind {
	case format.KindDMOpEnter:
		if d := e.DMOpEnter(); d.Known && d.Op.Op == xen.OpSetMemType {
			c.calls.Begin(d.ID, uint32(d.Op.Words()[0])) // the number of pages, as of xen.SetMemType
		}
	case format.KindDMOpReturn:
		n, ok := c.calls.End(e.W[0])
		return ok && e.DMOpReturn().Ret == 0 && c.changed(e.Dom, e.Time, uint64(n))
	}
	return false
}

func (c *churn) changed(dom xen.DomID, now, pages uint64) bool {
	w := c.doms[dom]
	if w == nil {
		if c.doms == nil || len(c.doms) >= maxPorts {
			c.doms = make(map[xen.DomID]*window)
		}
		w = &window{}
		c.doms[dom] = w
	}
	sum := w.add(now, pages)
	if sum <= c.limit {
		return false
	}
	c.said, c.pages = dom, sum
	*w = window{tenth: w.tenth}
	return true
}
