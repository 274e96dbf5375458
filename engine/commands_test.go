package engine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// commands are the words of the behaviour pages.
var commands = map[string]func(*script, *args) string{
	"new": (*script).newDomain, "found": (*script).found, "noothers": (*script).noOthers, "show": (*script).show,
	"create": (*script).create, "info": (*script).info, "map": (*script).mapRange, "unmap": (*script).unmapRange,
	"enable": (*script).enable, "disable": (*script).disable, "destroy": (*script).destroy, "acquire": (*script).acquire,
	"settype": (*script).setType, "claim": (*script).claim, "release": (*script).release, "dmop": (*script).dmop,
	"in": (*script).in, "out": (*script).out, "read": (*script).read, "write": (*script).write,
	"broadcast": (*script).broadcast, "answer": (*script).answer, "forget": (*script).forget,
	"learn": (*script).learn, "page": (*script).page, "dirty": (*script).dirty, "modified": (*script).modified, "maprow": (*script).mapRow,
	"layout": (*script).layOut, "rights": (*script).rights, "populate": (*script).populate, "decrease": (*script).decrease,
	"add": (*script).add, "remove": (*script).remove, "gettype": (*script).getType, "logdirty": (*script).logDirty,
	"track": (*script).track, "fetch": (*script).fetch,
}

// args are a command's key=value pairs. Taking one removes it, so that what is
// left over is a mistake of the page.
type args struct {
	values map[string]string
	err    error
}

func (a *args) has(key string) bool {
	_, ok := a.values[key]
	delete(a.values, key)
	return ok
}

func (a *args) num(key string, def uint64) uint64 {
	v, ok := a.values[key]
	if !ok {
		return def
	}
	delete(a.values, key)
	n, err := strconv.ParseUint(v, 0, 64)
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("%s: %w", key, err)
	}
	return n
}

// named returns the value of key as a number, by the names of a page or as it
// stands.
func (a *args) named(key string, def uint64, names ...string) uint64 {
	for i, n := range names {
		if v, ok := a.values[key]; ok && v == n {
			delete(a.values, key)
			return uint64(i)
		}
	}
	return a.num(key, def)
}

func (s *script) newDomain(a *args) string {
	r := Release{4, uint8(a.num("minor", 17))}
	paging := Paging(a.named("paging", uint64(NPT), "", "npt", "ept"))
	p, err := ProfileFor(r, paging)
	if err != nil {
		return err.Error()
	}
	s.d = New(Config{
		VCPUs: uint32(a.num("vcpus", 0)),
		HAP:   Tri(a.named("hap", 0, "maybe", "no", "yes")),
		Dom:   xen.DomID(a.num("dom", 1)), Profile: p, Complete: a.has("complete"), EveryAccess: a.has("every"), PV: a.has("pv"),
		VGA: a.has("vga"), Handlers: handlers(a),
		CPU:   CPU{Family: uint8(a.num("family", 0)), ExtendedConfig: Tri(a.named("msr", 0, "maybe", "no", "yes"))},
		IOMMU: IOMMU(a.named("iommu", 0, "none", "separate", "shared")),
	})
	s.maps, s.guest = nil, guest{}
	return p.String()
}

// handlers reads handler=first-last (memory) and porthandler=first-last.
func handlers(a *args) (out []Handler) {
	for word, space := range map[string]xen.Space{"handler": xen.SpaceMemory, "porthandler": xen.SpacePort} {
		if v := a.text(word); v != "" {
			h := Handler{Space: space}
			if _, err := fmt.Sscanf(v, "%v-%v", &h.First, &h.Last); err != nil {
				a.err = err
			}
			out = append(out, h)
		}
	}
	return out
}

func (s *script) found(a *args) string {
	s.d.Found(xen.ServerID(a.num("id", 0)), Tri(a.named("ring", 0, "maybe", "no", "yes")))
	return "ok"
}

func (s *script) noOthers(*args) string {
	s.d.noOthers()
	return "ok"
}

// call steps a dm_op built from body.
func (s *script) call(a *args, body xen.Body) string {
	op := Op{Kind: OpDM, Caller: xen.DomID(a.num("caller", 0)), NrBufs: uint32(a.num("bufs", 1)), DM: xen.NewDMOp(body)}
	if old, ok := hvmOf(s.d.cfg.Dom, body); ok && !s.d.cfg.Profile.DMOp {
		op = hvmCall(op.Caller, old)
		op.Done = a.num("done", 0)
		return s.step(op, retText)
	}
	op.Size0 = a.num("size", xen.DMOpSize)
	op.Preempt = uint32(a.num("preempt", 0))
	op.DM.Pad = uint32(a.num("oppad", 0))
	return s.step(op, retText)
}

func (s *script) create(a *args) string {
	b := xen.CreateIOReqServer{HandleBufIOReq: xen.BufMode(a.named("mode", 0, "off", "legacy", "atomic"))}
	b.Pad[1] = uint8(a.num("pad", 0))
	return s.call(a, b)
}

func (s *script) info(a *args) string {
	return s.call(a, xen.GetIOReqServerInfo{
		ID: id(a), Flags: uint16(a.num("flags", 0)), BufPort: xen.Port(a.num("port", 0)),
	})
}

func id(a *args) xen.ServerID { return xen.ServerID(a.num("id", 0)) }

// ioRange reads space=first-last, or space=value.
func ioRange(a *args) (b xen.MapIORange) {
	b.ID, b.Pad = id(a), uint16(a.num("pad", 0))
	for i, name := range []string{"port", "memory", "pci", "space3"} {
		v, ok := a.values[name]
		if !ok {
			continue
		}
		delete(a.values, name)
		first, last, two := strings.Cut(v, "-")
		if !two {
			last = first
		}
		b.Range.Space = xen.Space(i)
		b.Range.First, a.err = strconv.ParseUint(first, 0, 64)
		if a.err == nil {
			b.Range.Last, a.err = strconv.ParseUint(last, 0, 64)
		}
		return b
	}
	a.err = fmt.Errorf("no range")
	return b
}

func (s *script) mapRange(a *args) string   { return s.call(a, ioRange(a)) }
func (s *script) unmapRange(a *args) string { return s.call(a, xen.UnmapIORange(ioRange(a))) }

// mapRow maps nr ports that do not touch, step apart.
func (s *script) mapRow(a *args) string {
	first, step, nr := a.num("port", 0), a.num("step", 2), a.num("nr", 1)
	b := xen.MapIORange{ID: id(a)}
	for i := range nr {
		b.Range.First = first + i*step
		b.Range.Last = b.Range.First
		if got := s.call(a, b); !strings.HasPrefix(got, "ok") {
			return fmt.Sprintf("%d ok, then %s", i, got)
		}
	}
	return fmt.Sprintf("%d ok", nr)
}

func (s *script) enable(a *args) string {
	return s.call(a, xen.SetIOReqServerState{ID: id(a), Enabled: 1, Pad: uint8(a.num("pad", 0))})
}

func (s *script) disable(a *args) string {
	return s.call(a, xen.SetIOReqServerState{ID: id(a)})
}

func (s *script) destroy(a *args) string {
	return s.call(a, xen.DestroyIOReqServer{ID: id(a), Pad: uint16(a.num("pad", 0))})
}

func (s *script) acquire(a *args) string {
	return s.step(Op{Kind: OpAcquire, Caller: xen.DomID(a.num("caller", 0)), Acquire: xen.AcquireResource{
		Dom: xen.DomID(a.num("dom", 1)), Type: xen.ResourceType(a.num("type", 0)), ID: uint32(a.num("id", 0)),
		Frame: a.num("frame", 0), NrFrames: uint32(a.num("nr", 1)), Pad: uint32(a.num("pad", 0)),
	}}, retText)
}

var memTypeNames = []string{"ram_rw", "ram_ro", "mmio_dm", "unused", "ioreq_server"}

func (s *script) setType(a *args) string {
	return s.call(a, xen.SetMemType{
		Type: xen.MemType(a.named("type", 0, memTypeNames...)), First: xen.GFN(a.num("first", 0)),
		Nr: uint32(a.num("nr", 1)), Pad: uint16(a.num("pad", 0)),
	})
}

func (s *script) claim(a *args) string { return s.mapMemType(a, uint64(xen.AccessWrite)) }

func (s *script) release(a *args) string { return s.mapMemType(a, 0) }

func (s *script) mapMemType(a *args, flags uint64) string {
	return s.call(a, xen.MapMemType{
		ID: id(a), Type: xen.MemType(a.num("type", uint64(xen.MemIOReqServer))), Flags: uint32(a.num("flags", flags)),
		Opaque: a.num("opaque", 0),
	})
}

// dmop steps any dm_op from its number and words.
func (s *script) dmop(a *args) string {
	w := [3]uint64{a.num("w0", 0), a.num("w1", 0), a.num("w2", 0)}
	return s.step(Op{
		Kind: OpDM, Caller: xen.DomID(a.num("caller", 0)), NrBufs: uint32(a.num("bufs", 1)), Size0: a.num("size", xen.DMOpSize),
		DM: xen.DMOpFromWords(xen.DMOpCode(a.num("op", 0)), uint32(a.num("pad", 0)), w),
	}, retText)
}

func (s *script) in(a *args) string    { return s.access(a, xen.TypePIO, xen.DirRead, "port") }
func (s *script) out(a *args) string   { return s.access(a, xen.TypePIO, xen.DirWrite, "port") }
func (s *script) read(a *args) string  { return s.access(a, xen.TypeCopy, xen.DirRead, "gpa") }
func (s *script) write(a *args) string { return s.access(a, xen.TypeCopy, xen.DirWrite, "gpa") }

func (s *script) access(a *args, t xen.IOReqType, dir xen.Dir, addr string) string {
	acc := Access{
		VCPU: xen.VCPU(a.num("vcpu", 0)), Type: t, Dir: dir, Addr: a.num(addr, 0), Size: uint32(a.num("size", 4)),
		Count: uint32(a.num("count", 1)), DF: a.has("df"), DataIsPtr: a.has("ptr"), Buffered: a.has("buffered"),
	}
	_, acc.DataKnown = a.values["data"]
	acc.Data = a.num("data", 0)
	return s.step(Op{Kind: OpAccess, Access: acc}, routeText)
}

func (s *script) broadcast(a *args) string {
	acc := Access{Type: xen.TypeInvalidate, Size: 4}
	if a.has("buffered") {
		acc = Access{Type: xen.TypeTimeOffset, Size: 8, Count: 1, Buffered: true}
	}
	return s.step(Op{Kind: OpAccess, Access: acc}, routeText)
}

func (s *script) answer(a *args) string {
	return s.step(Op{Kind: OpAnswer, Answer: Answer{
		VCPU: xen.VCPU(a.num("vcpu", 0)), Server: id(a),
		State: xen.State(a.named("state", 3, "none", "ready", "inprocess", "resp_ready")),
	}}, slotText)
}

func (s *script) forget(a *args) string {
	var f Forget
	for i, name := range []string{"servers", "claim", "pages", "latch", "slots"} {
		if a.has(name) {
			f |= 1 << i
		}
	}
	return s.step(Op{Kind: OpForget, Forget: f}, func(Effect) string { return "ok" })
}

// learn learns from the last step: ret=ERRNO for a call, to=SERVER for an
// access.
func (s *script) learn(a *args) string {
	seen := Seen{Server: xen.ServerID(a.num("to", uint64(xen.NoServer))), Type: s.op.Access.Type, Addr: s.op.Access.Addr}
	for e := range xen.EOpNotSupp + 1 {
		if a.values["ret"] == e.String() {
			seen.Errno = e
		}
	}
	delete(a.values, "ret")
	if pci, ok := a.values["pci"]; ok {
		delete(a.values, "pci")
		seen.Type = xen.TypePCIConfig
		seen.Addr, a.err = strconv.ParseUint(pci, 0, 64)
	}
	_, seen.OutKnown = a.values["id"]
	seen.Words[0] = a.num("id", 0) << 32
	if w, ok := a.values["w0"]; ok {
		seen.OutKnown = true
		delete(a.values, "w0")
		seen.Words[0], a.err = strconv.ParseUint(w, 0, 64)
	}
	return "ok" + costText(s.d.Learn(s.op, seen))
}

func (s *script) page(a *args) string { return s.d.Page(xen.GFN(a.num("gfn", 0))).String() }

// show prints what is known of every server that may exist.
func (s *script) show(*args) string {
	var lines []string
	for i := range s.d.servers {
		v := &s.d.servers[i]
		if v.exists == No {
			continue
		}
		line := fmt.Sprintf("%d: exists %v enabled %v ring %v", i, v.exists, v.enabled, v.ring)
		for space, set := range v.ranges {
			if len(set) > 0 {
				line += fmt.Sprintf(" %v", xen.Space(space))
			}
			for _, r := range set {
				line += fmt.Sprintf(" [%#x,%#x]", r.first, r.last)
			}
		}
		if !v.closed {
			line += " and perhaps more"
		}
		lines = append(lines, line)
	}
	if lines == nil {
		return "no server"
	}
	return strings.Join(lines, "\n")
}
