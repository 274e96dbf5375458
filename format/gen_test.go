package format

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// anyEvent returns an event of any kind, known or not, with any bits set.
func anyEvent(rng *rand.Rand) Event {
	e := blank(Kind(1+rng.IntN(63)), anyWord(rng))
	if rng.IntN(4) > 0 {
		e.Kind = anyKind(rng)
	}
	if rng.IntN(2) == 0 {
		e.Dom, e.Server, e.VCPU = xen.DomID(rng.Uint32()), xen.ServerID(rng.Uint32()), xen.VCPU(rng.Uint32())
	}
	for w := range e.W {
		if rng.IntN(2) == 0 {
			e.W[w] = anyWord(rng)
		}
	}
	return e
}

// anyKind returns a kind that has a name.
func anyKind(rng *rand.Rand) Kind {
	all := slices.Collect(Kinds())
	return all[rng.IntN(len(all))]
}

// anyWord returns small, large and special numbers about equally often.
func anyWord(rng *rand.Rand) uint64 {
	switch rng.IntN(4) {
	case 0:
		return rng.Uint64N(16)
	case 1:
		return rng.Uint64() >> rng.IntN(64)
	case 2:
		return 1<<64 - 1 - rng.Uint64N(16)
	}
	return rng.Uint64()
}

// fieldEvent returns an event of kind k with bits in its fields only, and names
// of enumerations only where a view's type is narrower than the field.
func fieldEvent(rng *rand.Rand, k Kind) Event {
	e := blank(k, anyWord(rng))
	for _, f := range specs[k].fields {
		c := f.column()
		v := anyWord(rng) & c.mask()
		switch f.typ {
		case typeProbe, typeReason, typeWhat:
			v &= 0xff
		case typeChars:
			v |= 0x0101010101010101 // no zero bytes: they end a name
		}
		c.set(&e, v)
	}
	return e
}

// session returns n events that look like what a capture of n/7 requests gives:
// disk and VGA polling, memory-mapped writes, a buffered ring, some dm_ops.
func session(n int) []Event {
	s := &sessionGen{rng: rand.New(rand.NewPCG(1, 2)), now: 5_000_000_000_000}
	for len(s.events) < n {
		switch x := s.rng.IntN(100); {
		case x < 80:
			s.request()
		case x < 95:
			s.buffered()
		default:
			s.dmOp()
		}
	}
	for i := range s.events[:n] {
		s.events[i].Seq = uint64(i)
	}
	return s.events[:n]
}

type sessionGen struct {
	rng    *rand.Rand
	now    uint64
	id     uint64
	gfn    uint64
	events []Event
}

func (s *sessionGen) add(e Event, after uint64) {
	s.now += after/2 + s.rng.Uint64N(after)
	e.Time = s.now
	s.events = append(s.events, e)
}

func (s *sessionGen) nextID() uint64 { s.id++; return s.id }

// request adds a synchronous request as dom0 sees it.
func (s *sessionGen) request() {
	dom := xen.DomID(1 + s.rng.IntN(2))
	vcpu := xen.VCPU(s.rng.IntN(2))
	port := xen.Port(60 + 10*uint32(dom) + uint32(vcpu))
	who := Caller{PID: 1000 + uint32(dom), TID: 1000 + uint32(dom)}
	r := IOReq{Dom: dom, VCPU: vcpu, ID: s.nextID(), Caller: who, Port: port, DataKnown: true}
	r.Req = xen.IOReq{Size: 1, Count: 1, EPort: 3 + xen.Port(vcpu), State: xen.StateReady}
	switch s.rng.IntN(4) {
	case 0:
		r.Req.Addr, r.Req.Dir = 0x1f7, xen.DirRead
	case 1:
		r.Req.Addr, r.Req.Data = 0x1f0+s.rng.Uint64N(8), s.rng.Uint64N(256)
	case 2:
		r.Req.Addr, r.Req.Dir, r.Req.Size, r.Req.Type = 0xfebf0000+4*s.rng.Uint64N(64), xen.DirRead, 4, xen.TypeCopy
	default:
		r.Req.Addr, r.Req.Data, r.Req.Size, r.Req.Type = 0xfebf1000+4*s.rng.Uint64N(16), s.rng.Uint64N(1<<32), 4, xen.TypeCopy
	}
	s.add(PortEvent{Port: port, CPU: uint32(s.rng.IntN(2))}.Event(KindEvtchnInterrupt, 0), 20_000)
	s.add(PortEvent{Dom: dom, Port: port, Caller: who}.Event(KindEvtchnRead, 0), 6000)
	s.add(PortEvent{Dom: dom, Port: port, Caller: who}.Event(KindEvtchnUnmask, 0), 800)
	s.add(r.Event(KindIOReq, 0), 500)
	r.Req.State = xen.StateRespReady
	if r.Req.Dir == xen.DirRead {
		r.Req.Data = s.rng.Uint64N(1 << (8 * r.Req.Size))
	}
	s.add(r.Event(KindIOResp, 0), 2500)
	id := s.nextID()
	s.add(IoctlEnter{Dom: dom, ID: id, Caller: who, Cmd: xen.EvtchnNotify, Arg: uint64(port)}.Event(0), 600)
	s.add(IoctlReturn{Dom: dom, ID: id}.Event(0), 900)
}

func (s *sessionGen) buffered() {
	for range 1 + s.rng.IntN(30) {
		b := BufIOReq{Dom: 1, ID: s.nextID(), Caller: Caller{1001, 1001}, DataKnown: true, Type: xen.TypeCopy, Size: 4}
		b.Addr, b.Data = 0xa0000+4*uint32(s.rng.IntN(0x4000)), s.rng.Uint64N(1<<32)
		s.add(b.Event(0), 300)
	}
}

func (s *sessionGen) dmOp() {
	s.gfn++
	var body xen.Body = xen.SetMemType{Nr: 1, Type: xen.MemIOReqServer, First: xen.GFN(0xf0000 + s.gfn)}
	if s.rng.IntN(2) == 0 {
		body = xen.SetISAIRQLevel{IRQ: 14, Level: uint8(s.rng.IntN(2))}
	}
	d := DMOpEnter{Dom: 1, ID: s.nextID(), Caller: Caller{1001, 1001}, NrBufs: 1, Known: true, Size0: 32, Op: xen.NewDMOp(body)}
	s.add(d.Event(0), 10_000)
	s.add(DMOpReturn{Dom: 1, ID: d.ID, Known: true, Words: d.Op.Words()}.Event(0), 1500)
}

// binaryOf returns a binary trace of events, which get numbers, in blocks of
// blockSize at most.
func binaryOf(t testing.TB, h Header, events []Event, blockSize int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, h, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
		if (i+1)%blockSize == 0 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// textOf returns events as a text trace.
func textOf(t testing.TB, h Header, events []Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewTextWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// jsonOf returns events as JSON Lines.
func jsonOf(t testing.TB, h Header, events []Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewJSONWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll returns the events before the end or the error, and the error.
func readAll(b []byte) (events []Event, closed bool, err error) {
	tr, err := Open(bytes.NewReader(b))
	if err != nil {
		return nil, false, err
	}
	for e, err := range tr.Events() {
		if err != nil {
			return events, tr.Closed(), err
		}
		events = append(events, e)
	}
	return events, tr.Closed(), nil
}

// newRand returns a source that gives the same numbers in every run.
func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
