package engine

import "github.com/iotrace-xen/iotrace/xen"

// kept is what Xen keeps of an instruction from one pass of its emulator to the next,
// which begins when a request was answered (struct hvm_vcpu_io, struct hvmemul_cache).
type kept struct {
	parts  [maxParts]part
	nparts int
	reads  [maxReads]ramRead
	nreads int

	// The page whose translation Xen holds, from the first part outside of RAM on.
	latched bool
	writes  bool // it was found by a write
	page    xen.GFN
}

// maxParts is enough for two operands over two pages each. maxReads are two such
// operands of 16 bytes, in pieces of 8 or less.
const (
	maxParts = 4
	maxReads = 6
)

// part is a part of an operand that is not in RAM (struct hvm_mmio_cache).
type part struct {
	addr uint64
	dir  xen.Dir
	done int     // bytes, that device models have said or were told
	data Operand // these
}

// find returns the part that begins at gpa, nil if there is none.
func (k *kept) find(gpa uint64, dir xen.Dir) *part {
	for i := range k.parts[:k.nparts] {
		if p := &k.parts[i]; p.addr == gpa && p.dir == dir {
			return p
		}
	}
	return nil
}

// latch is latch_linear_to_phys.
func (k *kept) latch(gpa uint64, dir xen.Dir) {
	if !k.latched {
		k.latched, k.writes, k.page = true, dir == xen.DirWrite, xen.GFNOf(gpa)
	}
}

// ramRead is a read of RAM.
type ramRead struct {
	gpa  uint64
	size int
	data uint64
}

// recall fills b with what the same read gave before (hvmemul_read_cache).
func (k *kept) recall(gpa uint64, b []byte) bool {
	for _, r := range k.reads[:k.nreads] {
		if r.gpa == gpa && r.size == len(b) {
			put(b, r.data)
			return true
		}
	}
	return false
}

// note keeps a read of RAM (hvmemul_write_cache).
func (k *kept) note(gpa uint64, b []byte) {
	if k.nreads < maxReads {
		k.reads[k.nreads] = ramRead{gpa, len(b), number(b)}
		k.nreads++
	}
}

// again says whether the part at gpa is a matter of device models because it was one in
// an earlier pass, whatever its page is now: from 4.20 on not as long as the first request
// for it is in flight (hvmemul_find_mmio_cache, linear_read).
func (x *Execution) again(gpa uint64, dir xen.Dir) bool {
	p := x.kept.find(gpa, dir)
	return p != nil && (p.done > 0 || x.d.cfg.Profile.OperandParts != 0)
}

// knownGLA says whether Xen does not look at the page of a write, because it knows the
// translation of its address: the fault gave it (EPT), or an earlier pass has left it.
func (x *Execution) knownGLA(gpa uint64, n int) bool {
	if inPage(gpa, n) != n {
		return false
	}
	k := &x.kept
	return x.d.cfg.Profile.Paging == EPT || k.latched && k.writes && k.page == xen.GFNOf(gpa)
}

// part returns the part of an operand that begins at gpa, a new one if Xen's emulator
// has room for it. An instruction that reads and writes over the end of a page has four.
func (x *Execution) part(gpa uint64, dir xen.Dir) (*part, rc) {
	k := &x.kept
	if p := k.find(gpa, dir); p != nil {
		return p, okay
	}
	most := maxParts
	if n := x.d.cfg.Profile.OperandParts; n != 0 {
		most = int(n)
	}
	switch {
	case x.fresh || x.waiting:
		return nil, retry
	case k.nparts == most:
		x.effect.Route = Route{Server: xen.NoServer, Why: whyParts}
		x.seen()
		return nil, x.fault()
	}
	p := &k.parts[k.nparts]
	*p = part{addr: gpa, dir: dir}
	k.nparts++
	k.latch(gpa, dir)
	return p, okay
}

const whyParts = "more parts of operands outside of RAM than Xen's emulator keeps"

// onePart is the part of an operand in one page.
func (x *Execution) onePart(gpa uint64, b []byte, dir xen.Dir) rc {
	p, got := x.part(gpa, dir)
	if got != okay {
		return got
	}
	return x.mmio(p, gpa, b)
}

// allMMIO is hvmemul_linear_mmio_access over all pages of an operand: it takes
// them for MMIO, RAM too.
func (x *Execution) allMMIO(gpa uint64, b []byte, dir xen.Dir) rc {
	p, got := x.part(gpa, dir)
	if got != okay {
		return got
	}
	for at, n := range parts(gpa, len(b)) {
		if got := x.mmio(p, at, b[at-gpa:][:n]); got != okay {
			return got
		}
	}
	return okay
}

// mmio is hvmemul_phys_mmio_access: what of a part lies in one page, in chunks of the
// largest power of two that fits, 8 at most.
func (x *Execution) mmio(p *part, gpa uint64, b []byte) rc {
	chunk := 8
	for len(b) > 0 {
		for chunk > len(b) {
			chunk /= 2
		}
		if got := x.chunk(p, gpa, b[:chunk]); got != okay {
			return got
		}
		gpa, b = gpa+uint64(chunk), b[chunk:]
	}
	return okay
}

// chunk is a piece of a part that one request is made for, unless an earlier pass has
// done so.
func (x *Execution) chunk(p *part, gpa uint64, b []byte) rc {
	at := int(gpa - p.addr)
	known := p.data[at:][:len(b)]
	switch {
	case at >= p.done:
	case p.dir == xen.DirRead:
		copy(b, known)
		return okay
	case string(known) != string(b):
		return x.end(DomainCrash, whyChanged)
	default:
		return okay
	}
	a := Access{Type: xen.TypeCopy, Dir: p.dir, Addr: gpa, Size: uint32(len(b)), Count: 1}
	if p.dir == xen.DirWrite {
		a.Data, a.DataKnown = number(b), true
	}
	data, _, got := x.io(a)
	if got != okay {
		return got
	}
	if p.dir == xen.DirRead {
		put(b, data)
	}
	copy(known, b)
	p.done = at + len(b)
	return okay
}

// whyChanged: what the instruction has read is not the same in every pass.
const whyChanged = "the instruction begins anew and writes other data than it has sent"
