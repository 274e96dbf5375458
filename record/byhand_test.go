//go:build linux && amd64

package record

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"golang.org/x/sys/unix"
)

// byHand runs tier A's programs without Xen and without the functions that they hook:
// the kernel runs a program where it is told to, in this process, whose memory stands
// for the pages of a server. So nothing of what the kernel does around a program at a
// hook is in it.
type byHand struct {
	testing.TB
	coll  *ebpf.Collection
	pages []byte // of the ring, of the slots, and one that begins with the port's number, 0
	zero  uint64 // address of zeros in the kernel

	spared  bool   // spares are in use
	skip    string // the program that is skipped at its hook, and
	skipped uint64 // how often it was
}

// What the pages of byHand have at which offsets.
const (
	ringAt   = 0
	slotAt   = xen.PageSize
	numberAt = 2 * xen.PageSize

	handPort   = 0 // dom0's, and
	handRemote = 9 // its other end

	nothing = "nothing" // a program that does nothing

	privcmdUnimplemented = 0x0050ff // an ioctl by which libraries ask whether there are some
)

// newByHand wants everything, or what choices leave.
func newByHand(tb testing.TB, choices ...func(*fentrySettings)) *byHand {
	coll := loadByHand(tb, choices...)
	pages, err := unix.Mmap(-1, 0, 3*xen.PageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		tb.Fatal(err)
	}
	h := &byHand{TB: tb, coll: coll, pages: pages}
	runtime.LockOSThread() // the programs tell threads apart
	tb.Cleanup(func() {
		runtime.UnlockOSThread()
		h.coll.Close()
		_ = unix.Munmap(pages) // nothing follows
	})
	h.zero = h.findZeros()
	h.learn()
	return h
}

func loadByHand(tb testing.TB, choices ...func(*fentrySettings)) *ebpf.Collection {
	if err := rlimit.RemoveMemlock(); err != nil {
		tb.Skipf("needs root to load programs: %v", err)
	}
	spec, err := loadFentry()
	if err != nil {
		tb.Fatal(err)
	}
	s := fentrySettings{BufferBytes: minBuffer, WakeBytes: minBuffer, SampleNs: 1e9, Kinds: rawKinds(nil)}
	for _, choose := range choices {
		choose(&s)
	}
	if err := flavours[0].configure(spec, &s); err != nil {
		tb.Fatal(err)
	}
	spec.Maps[fentryMapEvents].MaxEntries = minBuffer
	addZeros(spec)
	spec.Programs[nothing] = &ebpf.ProgramSpec{Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}, License: "BSD"}
	for _, p := range spec.Programs {
		if p.Type == ebpf.Tracing || p.Type == ebpf.UnspecifiedProgram {
			judgeAnywhere(p)
		}
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		tb.Skipf("this kernel or user cannot load programs: %v", err)
	}
	return coll
}

// addZeros adds a map with a word of zeros, and a program that says where in the kernel
// that is.
func addZeros(spec *ebpf.CollectionSpec) {
	spec.Maps["zeros"] = &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	spec.Programs["where"] = &ebpf.ProgramSpec{License: "BSD", Instructions: asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, 0).WithReference("zeros"),
		asm.FnMapLookupElem.Call(),
		asm.StoreMem(asm.R6, 0, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}}
}

// findZeros returns the address of that word, which stands for what the evtchn driver
// keeps of a port.
func (h *byHand) findZeros() (addr uint64) {
	var out [1]uint64
	if _, err := h.coll.Programs["where"].Run(&ebpf.RunOptions{Context: out, ContextOut: &out}); err != nil || out[0] == 0 {
		h.Fatalf("address of a map's value: %#x, %v", out[0], err)
	}
	return out[0]
}

// learn tells the tables what calls would: that this process has the pages of a server
// mapped, has looked at its ring, and has the port of its vCPU 0.
func (h *byHand) learn() {
	const born = 1
	dom, pid := uint16(testDom), uint32(os.Getpid())
	t := fentryTable{Generation: born, Used: 1}
	t.S[0] = fentryServer{Sync: h.address(slotAt), Buf: h.address(ringAt), Born: born, Ring: born, Dom: dom, Sure: 1, Calm: 1}
	err := errors.Join(
		h.coll.Maps[fentryMapServers].Put(pid, &t),
		h.coll.Maps[fentryMapRings].Put(1<<63|uint64(dom)<<16, &fentryRing{Born: born, Seen: 1}),
		h.coll.Maps[fentryMapPorts].Put(uint32(handPort), &fentryPort{Remote: handRemote, Dom: dom, Tgid: pid, Server: uint16(xen.NoServer)}),
	)
	if err != nil {
		h.Fatal(err)
	}
}

func (h *byHand) address(at int) uint64 { return uint64(uintptr(unsafe.Pointer(&h.pages[at]))) }

// run runs a program with the arguments of its function and, behind them, the result.
func (h *byHand) run(name string, args ...uint64) {
	if _, err := h.coll.Programs[name].Run(&ebpf.RunOptions{Context: args}); err != nil {
		h.Fatalf("%s: %v", name, err)
	}
}

// hook runs what is attached to a function: a program, unless it is skipped, and its spares
// if they are in use.
func (h *byHand) hook(name string, args ...uint64) {
	if name == h.skip {
		h.skipped++
	} else {
		h.run(name, args...)
	}
	if spare, ok := spares[name]; ok && h.spared {
		h.run(spare, args...)
		if slices.Contains(twice, name) {
			h.run(spare, args...) // as a second one
		}
	}
}

// put has the slot hold a request.
func (h *byHand) put(q xen.IOReq) { q.Append(h.pages[slotAt:slotAt]) }

// buffer adds an entry to the ring.
func (h *byHand) buffer(e xen.BufIOReq) {
	wp := le.Uint32(h.pages[ringAt+4:])
	e.Append(h.pages[ringAt+8+8*wp : ringAt+8+8*wp])
	le.PutUint32(h.pages[ringAt+4:], wp+1)
}

// event is what comes before a device model's read.
func (h *byHand) event() {
	h.hook(fentryProgEvtchnInterruptEnter, 0, h.zero)
	h.hook(fentryProgPollReturn, 0)
}

func (h *byHand) read() {
	h.hook(fentryProgEvtchnReadReturn, 0, h.address(numberAt), 4, 0, 4)
}

func (h *byHand) unmask() { h.hook(fentryProgEvtchnWriteEnter, 0, h.address(numberAt), 4, 0) }

func (h *byHand) notify() {
	h.hook(fentryProgEvtchnIoctlEnter, 0, uint64(xen.EvtchnNotify), h.address(numberAt))
	h.hook(fentryProgEvtchnIoctlReturn, 0, uint64(xen.EvtchnNotify), h.address(numberAt), 0)
}

// request passes a request and its answer through all programs that see them.
func (h *byHand) request(q xen.IOReq) {
	q.EPort, q.State = handRemote, xen.StateReady
	h.put(q)
	h.event()
	h.read()
	h.unmask()
	q.State = xen.StateRespReady
	h.put(q)
	h.notify()
}

// records calls f with all that is in the buffer.
func (h *byHand) records(f func([]byte)) {
	r, err := ringbuf.NewReader(h.coll.Maps[fentryMapEvents])
	if err != nil {
		h.Fatal(err)
	}
	defer r.Close()
	var rec ringbuf.Record
	for r.AvailableBytes() > 0 {
		if err := r.ReadInto(&rec); err != nil {
			h.Fatal(err)
		}
		f(rec.RawSample)
	}
}

// decode returns the events of what is in the buffer.
func (h *byHand) decode(d *decoder) []format.Event {
	var all [][]byte
	h.records(func(b []byte) { all = append(all, slices.Clone(b)) })
	return decodeAll(d, all...)
}

func TestProgramsTellOfARequest(t *testing.T) {
	h, d := newByHand(t), newDecoder()
	q := xen.IOReq{Addr: 0x3f8, Size: 1, Count: 1, Data: 0x41}
	for i := range 2 { // the port's slot is found at the first
		h.request(q)
		got := h.decode(d)
		want := []format.Kind{format.KindEvtchnInterrupt, format.KindEvtchnRead, format.KindIOReq, format.KindEvtchnUnmask, format.KindIOResp}
		if !slices.Equal(kindsOf(got), want) {
			t.Fatalf("request %d: kinds %v, want %v", i, kindsOf(got), want)
		}
		if got[2].ID() != got[4].ID() || got[2].Server != 0 {
			t.Errorf("request %d: events %v", i, got)
		}
	}
}

// TestOneLookARequest wants what a vCPU put into the ring before its event came to be told
// before its request, which the look at the poll's return sees to, and what came later once.
func TestOneLookARequest(t *testing.T) {
	h, d := newByHand(t), newDecoder()
	h.request(xen.IOReq{Size: 1, Count: 1})
	h.decode(d)
	h.buffer(xen.BufIOReq{Size: 1, Addr: 0xa0001})
	h.event()
	h.buffer(xen.BufIOReq{Size: 1, Addr: 0xa0002})
	h.put(xen.IOReq{EPort: handRemote, State: xen.StateReady, Size: 1, Count: 1})
	h.read()
	h.run(fentryProgPollReturn, 0)
	got := h.decode(d)
	want := []format.Kind{format.KindBufIOReq, format.KindEvtchnInterrupt, format.KindEvtchnRead, format.KindIOReq, format.KindBufIOReq}
	if !slices.Equal(kindsOf(got), want) || got[0].BufIOReq().Addr != 0xa0001 || got[4].BufIOReq().Addr != 0xa0002 {
		t.Errorf("want %v\ngot %v", want, got)
	}
	h.buffer(xen.BufIOReq{Size: 1, Addr: 0xa0003})
	h.read() // of an event that came before the last look, or none
	if got := kindsOf(h.decode(d)); !slices.Contains(got, format.KindBufIOReq) {
		t.Errorf("a read without an event looks at no ring: %v", got)
	}
}

// TestLookThatIsNotRepeatedGoesOn wants the sampler to run when a read is content with a
// look that found entries and did not start it, as a call's does not.
func TestLookThatIsNotRepeatedGoesOn(t *testing.T) {
	h := newByHand(t)
	h.request(xen.IOReq{Size: 1, Count: 1})
	if h.sampled() {
		t.Fatal("the sampler runs without an entry")
	}
	h.run(fentryProgEvtchnInterruptEnter, 0, h.zero)
	h.buffer(xen.BufIOReq{Size: 1})
	h.run(fentryProgPrivcmdEnter, 0, privcmdUnimplemented, 0)
	if h.sampled() {
		t.Fatal("the sampler runs behind a call's look")
	}
	h.read()
	if !h.sampled() {
		t.Error("the sampler does not run behind the read")
	}
}

// TestPortIsOnesThatBindsIt has a device model end without a word of its port, which then
// is bound to something else: of that nothing is known.
func TestPortIsOnesThatBindsIt(t *testing.T) {
	for _, cmd := range []xen.Ioctl{xen.EvtchnBindVIRQ, xen.EvtchnBindUnbound} {
		h := newByHand(t)
		h.request(xen.IOReq{Size: 1, Count: 1})
		h.bind(cmd, -int64(unix.EINVAL))
		h.decode(newDecoder())
		h.read()
		if got := h.decode(newDecoder())[0]; got.Dom != testDom {
			t.Errorf("%v failed, and the port is not domain %d's: %v", cmd, testDom, got)
		}
		h.bind(cmd, handPort)
		h.decode(newDecoder())
		h.read()
		if got := h.decode(newDecoder())[0]; got.Dom != xen.DomInvalid {
			t.Errorf("%v has made a port of another, whose read is %v", cmd, got)
		}
	}
}

// TestStaticPortIsOnesThatBindsIt has one bound by a call that takes the port, and returns 0.
func TestStaticPortIsOnesThatBindsIt(t *testing.T) {
	h := newByHand(t)
	const port, portAt = 7, numberAt + 64
	ports := h.coll.Maps[fentryMapPorts]
	if err := ports.Put(uint32(port), &fentryPort{Remote: handRemote, Dom: testDom}); err != nil {
		t.Fatal(err)
	}
	le.PutUint32(h.pages[portAt:], port)
	for _, c := range []struct {
		ret          int64
		static, none uint32 // what is known then of that port, and of port 0
	}{{-int64(unix.EISCONN), handRemote, handRemote}, {0, 0, handRemote}} {
		h.hook(fentryProgEvtchnIoctlEnter, 0, uint64(xen.EvtchnBindStatic), h.address(portAt))
		h.hook(fentryProgEvtchnIoctlReturn, 0, uint64(xen.EvtchnBindStatic), h.address(portAt), uint64(c.ret))
		for n, want := range map[uint32]uint32{port: c.static, handPort: c.none} {
			var p fentryPort
			if err := ports.Lookup(n, &p); err != nil || p.Remote != want {
				t.Errorf("bound with %d: port %d has remote %d, %v, want %d", c.ret, n, p.Remote, err, want)
			}
		}
	}
}

// bind is an ioctl that returns a port, or takes one.
func (h *byHand) bind(cmd xen.Ioctl, ret int64) {
	h.hook(fentryProgEvtchnIoctlEnter, 0, uint64(cmd), h.address(numberAt))
	h.hook(fentryProgEvtchnIoctlReturn, 0, uint64(cmd), h.address(numberAt), uint64(ret))
}

// TestInterruptsOfChosenProcesses wants those of a port that a chosen process has bound
// or read, and no others.
func TestInterruptsOfChosenProcesses(t *testing.T) {
	h, d := newByHand(t, leaveOutAll), newDecoder()
	arrives := func(want bool) {
		t.Helper()
		h.event()
		got := slices.Contains(kindsOf(h.decode(d)), format.KindEvtchnInterrupt)
		h.decode(d)
		if got != want {
			t.Errorf("the interrupt is told: %v, want %v", got, want)
		}
	}
	if err := h.coll.Maps[fentryMapPorts].Put(uint32(handPort), &fentryPort{}); err != nil {
		t.Fatal(err)
	}
	h.read()
	arrives(false)
	if err := h.coll.Maps[fentryMapPids].Put(uint32(os.Getpid()), uint32(1)); err != nil {
		t.Fatal(err)
	}
	arrives(false)
	h.read()
	arrives(true)
	if err := h.coll.Maps[fentryMapPorts].Put(uint32(handPort), &fentryPort{Remote: handRemote, Tgid: uint32(os.Getpid())}); err != nil {
		t.Fatal(err)
	}
	arrives(true)
	h.read()
	h.bind(xen.EvtchnUnbind, 0)
	h.decode(d)
	arrives(false) // it may be anybody's by now
	h.read()
	arrives(true)
	h.read()
	h.bind(xen.EvtchnUnbind, 0) // of a port of which nothing else is known
	h.decode(d)
	arrives(false)
}

// testServer is the server that setup is about.
const testServer = 3

// setup returns where the arguments are of the calls that map a server's pages and bind
// its vCPU's port.
func (h *byHand) setup() (mapping, bind uint64) {
	const mappingAt, bindAt = numberAt + 64, numberAt + 128
	b := le.AppendUint32(h.pages[mappingAt:mappingAt], testDom)
	b = le.AppendUint32(b, 0) // of ioreq servers
	b = le.AppendUint32(b, testServer)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, 2) // the ring, and the slots
	le.AppendUint64(b, h.address(ringAt))
	b = le.AppendUint32(h.pages[bindAt:bindAt], testDom)
	le.AppendUint32(b, handRemote)
	return h.address(mappingAt), h.address(bindAt)
}

// forget takes from the tables what learn has put there.
func (h *byHand) forget() {
	err := errors.Join(
		h.coll.Maps[fentryMapServers].Delete(uint32(os.Getpid())),
		h.coll.Maps[fentryMapPorts].Put(uint32(handPort), &fentryPort{}),
	)
	if err != nil {
		h.Fatal(err)
	}
}

// sampled says whether some CPU's timer is set.
func (h *byHand) sampled() bool {
	var cpu uint32
	var s []byte // struct sampler of bpf/ring.h
	const runningAt = 20
	for it := h.coll.Maps[fentryMapSamplers].Iterate(); it.Next(&cpu, &s); {
		if le.Uint32(s[runningAt:]) != 0 {
			return true
		}
	}
	return false
}

// BenchmarkRequest has the kernel measure the programs by themselves, as --verbose does
// in a capture: probe-ns/request is what a request and its answer cost.
func BenchmarkRequest(b *testing.B) {
	h := newByHand(b)
	measuring, err := startMeasuring()
	if err != nil {
		b.Skip(err)
	}
	defer measuring.Close()
	for i := 0; b.Loop(); i++ {
		h.request(xen.IOReq{Addr: 0x3f8, Size: 1, Count: 1})
		h.run(nothing)
		if i%128 == 0 {
			h.records(func([]byte) {})
		}
	}
	total, least := 0.0, h.took(b, nothing)
	for name := range h.coll.Programs {
		if ns := h.took(b, name) - least; ns > 0 {
			b.ReportMetric(ns, name+"-ns")
			total += ns
		}
	}
	b.ReportMetric(total, "probe-ns/request")
}

// took returns how many nanoseconds a program took for a request.
func (h *byHand) took(b *testing.B, name string) float64 {
	st, err := h.coll.Programs[name].Stats()
	if err != nil {
		b.Fatal(err)
	}
	return float64(st.Runtime.Nanoseconds()) / float64(b.N)
}

// TestLossesOfNoDomainAreCountedAsSuch: what is lost of calls that no domain is known of
// must not be what is left of sums, which domains' losses go into at the same time.
func TestLossesOfNoDomainAreCountedAsSuch(t *testing.T) {
	h := newByHand(t)
	const calls = 1000 // more than there is room for
	for range calls {
		h.run(fentryProgPrivcmdEnter, 0, uint64(xen.PrivcmdHypercall), h.address(numberAt))
	}
	kept := uint64(0)
	h.records(func(b []byte) {
		if rawKind(b[rawKindAt]) == rawHyper {
			kept++
		}
	})
	of, err := (&probes{coll: h.coll}).lostOf()
	if err != nil {
		t.Fatal(err)
	}
	lost := uint64(0)
	for k, n := range of {
		if k.dom == xen.DomInvalid && k.probe == format.ProbePrivcmd {
			lost += n
		}
	}
	if lost == 0 || kept+lost != calls {
		t.Errorf("%d calls kept, %d lost of no domain, want %d in all", kept, lost, calls)
	}
}

// TestRingsPointersWrap has a ring in legacy mode pass the end of its pointers, which 511
// does not divide, entry by entry and several at once.
func TestRingsPointersWrap(t *testing.T) {
	h, d := newByHand(t), newDecoder()
	const first = 1<<32 - 4
	if err := h.coll.Maps[fentryMapRings].Put(1<<63|uint64(testDom)<<16, &fentryRing{Born: 1, Seen: 1, Rp: first, Wp: first}); err != nil {
		t.Fatal(err)
	}
	at := uint32(first)
	var want, got []uint32
	for i, n := range []int{1, 1, 5, 1, 30, 1} {
		for range n {
			e := xen.BufIOReq{Size: 1, Addr: 0xa0000 + uint32(len(want))}
			want = append(want, e.Addr)
			slot := ringAt + 8*(1+at%xen.BufSlots)
			e.Append(h.pages[slot:slot])
			at++
		}
		le.PutUint32(h.pages[ringAt:], at-uint32(i%2)) // the last may wait
		le.PutUint32(h.pages[ringAt+4:], at)
		h.run(fentryProgPrivcmdEnter, 0, privcmdUnimplemented, 0)
		for _, e := range h.decode(d) {
			if e.Kind == format.KindBufIOReq {
				got = append(got, e.BufIOReq().Addr)
			}
		}
	}
	want = slices.Delete(want, 2, 4) // of a few slots on both sides of the end those before it are not copied
	if r := d.order[0]; r.captured != uint64(len(want)) || r.lost != 2 {
		t.Errorf("%d captured and %d lost, want %d and 2", r.captured, r.lost, len(want))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %#x, want %#x", got, want)
	}
}
