package record

import (
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record/driver"
	"github.com/iotrace-xen/iotrace/xen"
)

// hookValues is how many values a hook of the probes can look up. Each has its place,
// but those of calls any behind the domain's.
const hookValues = 16

var rolePlaces = map[string]int{"dom": 0, "server": 1, "irq": 2, "port": 3, "page": 4, "handler": 5, "count": 6, "handle": 7}

// A hooked function is what one pair of the probes' programs is attached to: a line of
// a profile with a role of its own, or all call lines that name the function.
type hooked struct {
	driver uint32
	symbol string
	role   driver.Role
	lines  []driver.Hook
	values [hookValues]driver.Value
	places []map[string]int // of each line's values
}

// planHooks turns a profile's lines into hooked functions. A function whose call
// lines have more different values than there is room for is not ok.
func planHooks(id uint32, lines []driver.Hook) (plan []hooked, ok bool) {
	calls := map[string]int{}
	for _, h := range lines {
		if h.Role != driver.RoleCall {
			p := hooked{driver: id, symbol: h.Symbol, role: h.Role, lines: []driver.Hook{h}, places: []map[string]int{rolePlaces}}
			for _, v := range h.Values {
				p.values[rolePlaces[v.Name]] = v
			}
			plan = append(plan, p)
			continue
		}
		i, seen := calls[h.Symbol]
		if !seen {
			i = len(plan)
			calls[h.Symbol] = i
			plan = append(plan, hooked{driver: id, symbol: h.Symbol, role: h.Role})
		}
		if !plan[i].addCall(h) {
			return nil, false
		}
	}
	return plan, true
}

// returns says whether the function's return is looked at, too.
func (p *hooked) returns() bool {
	return p.role == driver.RoleCall || p.role == driver.RoleBind || p.role == driver.RolePage
}

// addCall finds room for a line's values, one place for those that are equal.
func (p *hooked) addCall(h driver.Hook) bool {
	places := map[string]int{}
	for _, v := range h.Values {
		first := 1
		if v.Name == "dom" {
			first = rolePlaces["dom"]
		}
		at := slices.IndexFunc(p.values[first:], func(w driver.Value) bool {
			return w.From == 0 || w.Source == v.Source && w.Late == v.Late
		})
		if at < 0 {
			return false
		}
		p.values[first+at] = v
		places[v.Name] = first + at
	}
	p.lines, p.places = append(p.lines, h), append(p.places, places)
	return true
}

// handleKey is a driver's own name for a domain.
type handleKey struct {
	driver uint32
	handle uint64
}

// hookKey is a thread inside a hooked function.
type hookKey struct{ tid, hook uint32 }

// hookCall is a driver's function between entry and return.
type hookCall struct {
	pid   uint32
	enter uint64
	id    uint64 // of its first dm_op, 0 if it makes none
	gaps  int64  // decoder.gaps at the entry
}

// drivers is what the decoder knows of device models inside the kernel.
type drivers struct {
	hooks   []hooked
	handles map[handleKey]xen.DomID
	open    map[hookKey]hookCall
	servers map[xen.DomID][]xen.ServerID // that drivers were seen to create
}

func newDrivers() drivers {
	return drivers{handles: map[handleKey]xen.DomID{}, open: map[hookKey]hookCall{}, servers: map[xen.DomID][]xen.ServerID{}}
}

// lookup returns what a record has of line i's values.
func (p *hooked) lookup(i int, r rawHookRec) driver.Lookup {
	return func(name string) (uint64, bool) {
		at, ok := p.places[i][name]
		if !ok || r.Known>>at&1 == 0 {
			return 0, false
		}
		return r.Values[at], true
	}
}

// hook decodes a driver's function at entry or return.
func (d *decoder) hook(h rawHead, r rawHookRec) {
	if int(r.Hook) >= len(d.drivers.hooks) {
		d.lose(h.Time, format.ProbePrivcmd, format.ReasonMalformed, h.CPU, 1)
		return
	}
	p := &d.drivers.hooks[r.Hook]
	d.drivers.learnHandles(p, r)
	if p.role != driver.RoleCall {
		return
	}
	if h.Kind == rawHook {
		d.hookEnter(h, p, r)
	} else {
		d.hookReturn(h, p, r)
	}
}

// learnHandles notes which domain the driver means by a handle.
func (s *drivers) learnHandles(p *hooked, r rawHookRec) {
	for i := range p.lines {
		value := p.lookup(i, r)
		handle, ok := value("handle")
		dom, known := value("dom")
		if ok && known {
			s.handles[handleKey{p.driver, handle}] = xen.DomID(dom)
		}
	}
}

// made returns the lines whose dm_op the function makes.
func (p *hooked) made(r rawHookRec) (lines []int) {
	for i := range p.lines {
		value := p.lookup(i, r)
		_, conditional := p.places[i]["if"]
		on, _ := value("if")
		off, _ := value("unless")
		if (!conditional || on != 0) && off == 0 {
			lines = append(lines, i)
		}
	}
	return lines
}

// domain returns the domain that line i is about, xen.DomInvalid if nobody can tell.
func (s *drivers) domain(p *hooked, i int, r rawHookRec) xen.DomID {
	value := p.lookup(i, r)
	if dom, ok := value("dom"); ok {
		return xen.DomID(dom)
	}
	handle, ok := value("handle")
	if dom, known := s.handles[handleKey{p.driver, handle}]; ok && known {
		return dom
	}
	return xen.DomInvalid
}

func (d *decoder) hookEnter(h rawHead, p *hooked, r rawHookRec) {
	d.see(&h)
	key := hookKey{h.TID, r.Hook}
	if c, ok := d.drivers.open[key]; ok && c.id != 0 && d.gaps <= c.gaps {
		d.missed(h.Time, format.ProbePrivcmd)
	}
	c := hookCall{pid: h.PID, enter: r.Enter, gaps: d.gaps}
	if made := p.made(r); len(made) > 0 && !p.lines[made[0]].AtReturn() {
		c.id = d.implied(h, p, made[0], r)
	}
	d.drivers.open[key] = c
}

// implied emits the entry of the dm_op of line i and returns its id, 0 if its
// domain is not wanted.
func (d *decoder) implied(h rawHead, p *hooked, i int, r rawHookRec) uint64 {
	dom := d.drivers.domain(p, i, r)
	if !d.wanted(dom) {
		return 0
	}
	op, known := p.lines[i].Call(p.lookup(i, r))
	id := d.newID()
	d.emit(format.DMOpEnter{
		Dom: dom, ID: id, Caller: h.caller(), NrBufs: 1, Known: known, Implied: true, Size0: xen.DMOpSize, Op: op,
	}.Event(h.Time))
	return id
}

// hookReturn ends the first dm_op of a function and tells the others, as well as one
// that was not known before.
func (d *decoder) hookReturn(h rawHead, p *hooked, r rawHookRec) {
	key := hookKey{h.TID, r.Hook}
	c, ok := d.drivers.open[key]
	if !ok || c.enter != r.Enter {
		d.lose(h.Time, format.ProbePrivcmd, format.ReasonNoEntry, h.CPU, 1)
		return
	}
	delete(d.drivers.open, key)
	for n, i := range p.made(r) {
		if n > 0 || p.lines[i].AtReturn() {
			c.id = d.implied(h, p, i, r)
		}
		if c.id != 0 {
			d.impliedReturn(h, p, i, r, c.id)
		}
	}
}

// impliedReturn emits the result of a dm_op. Where a function makes several, nobody can
// tell which of them failed.
func (d *decoder) impliedReturn(h rawHead, p *hooked, i int, r rawHookRec, id uint64) {
	line := &p.lines[i]
	value := p.lookup(i, r)
	dom := d.drivers.domain(p, i, r)
	ret, squashed := line.Errors.Outcome(r.Ret)
	words, known := line.Result(value)
	if ret == 0 {
		d.drivers.took(line.Op, dom, value)
	} else {
		op, ok := line.Call(value) // Xen leaves it as it is
		words, known = op.Words(), ok
	}
	d.emit(format.DMOpReturn{
		Dom: dom, ID: id, Ret: ret, Squashed: squashed || len(p.lines) > 1 && ret < 0 && len(p.made(r)) > 1,
		Known: known, Words: words,
	}.Event(h.Time))
}

// took keeps account of the servers that drivers have.
func (s *drivers) took(op xen.DMOpCode, dom xen.DomID, value driver.Lookup) {
	id, created := value("id")
	if op == xen.OpCreateIOReqServer && created {
		s.servers[dom] = append(s.servers[dom], xen.ServerID(id))
	}
	if id, ok := value("server"); op == xen.OpDestroyIOReqServer && ok {
		s.servers[dom] = slices.DeleteFunc(s.servers[dom], func(x xen.ServerID) bool { return x == xen.ServerID(id) })
	}
}

// serverOf returns the server of a driver's slot: the one that the page was mapped
// for, or the only one that a driver has created for the domain.
func (s *drivers) serverOf(dom xen.DomID, id xen.ServerID) xen.ServerID {
	if id == xen.NoServer && len(s.servers[dom]) == 1 {
		return s.servers[dom][0]
	}
	return id
}

// forget drops the open calls of a process.
func (s *drivers) forget(pid uint32) {
	maps.DeleteFunc(s.open, func(_ hookKey, c hookCall) bool { return c.pid == pid })
}
