package engine

import "github.com/iotrace-xen/iotrace/xen"

// Execution runs one instruction of a scripted guest as Xen does: natively as
// far as nothing traps, then through x86_emulate, which asks device models for
// one access at a time and starts over after each answer. It splits the
// instruction into the requests that Xen sends.
//
//	x.Begin(d, mem, in)
//	for e, more := x.Next(Answer{}); more; e, more = x.Next(reply) {
//		// e is what Xen does next. If x.Waiting(), x.Request() is in a slot
//		// and reply must be what the device model leaves there.
//	}
//	// x.Result() says how it ended, mem what RAM holds.
//
// Each Next yields one Effect, in Xen's order:
//
//   - an access that leaves the vCPU: Route says where it goes and with which
//     type, address and count; x.Request() has the rest;
//   - a write that the emulator drops (RouteDiscard), or does in RAM though the
//     page is of type ioreq_server (RouteRAM, older releases);
//   - an access that is not made: the page has no claim (RouteRefault), or the
//     domain shuts down (RouteSuspended). The next Next tries again, so take
//     the obstacle away between them; nothing else ends it. So it is with a
//     RouteFault that comes after an answer: the guest does not get its #GP and
//     begins anew;
//   - the answer, if it is not the end of its request: with Slot set, while the
//     device model has only taken it up, or if what it left crashes the domain.
//
// An instruction that never traps has no Effect, nor have exits that only change an
// exact p2m; what these cost is Result.Walks. After the last one Next returns false, and the Execution can
// Begin anew; it allocates nothing.
//
// Data that a request points to (IOReq.DataIsPtr) passes between mem and the
// device model without the Execution: whoever plays the device model reads it
// from mem, or writes it there before the answer. So it must store what is
// written to a claimed page, for Xen does not. Between Begin and the end, d may
// take any other Op, as real Xen does, and other Executions may run on d, but
// no two for one vCPU.
//
// What is not known stays so: if the type of a page or the receiver is unknown,
// the last Effect is RouteUnknown and the Outcome is Undecided. So d must know
// its pages: Restore takes a State that names them.
//
// An Execution is one vCPU's: what an instruction leaves behind in the vCPU (Unread) the
// next that it Begins meets. The zero Execution has ended.
type Execution struct {
	d    *Domain
	mem  *Memory
	in   Instr
	left uint64 // elements to be done
	addr uint64 // of the next element
	src  uint64
	res  Result

	// The emulation in progress.
	emulating bool
	kept      kept // what outlives a pass of Xen's emulator
	ins       did  // INS has read its port in this pass
	told      bool // the effect of its write that is not sent was returned
	fresh     bool // this pass has an effect
	exited    bool // the VM exit of this emulation is counted
	resumed   bool // an answer brought the vCPU back into this emulation
	effect    Effect
	access    Access // of the last effect
	waiting   bool   // its slot is not answered
	early     bool   // the instruction does not hang on the answer
	batched   bool   // this access is for several elements of a string
	reply     reply
}

// did is a port's read that is done.
type did struct {
	data uint64
	is   bool
}

// Outcome is how an instruction ended.
type Outcome uint8

// The outcomes.
const (
	Running     Outcome = iota // it has not ended
	Retired                    // it is complete
	GuestFault                 // the guest got #GP(0)
	DomainCrash                // Xen crashed the domain
	XenCrash                   // the hypervisor died, or spins for ever
	Hung                       // the vCPU never goes on
	Undecided                  // it hangs on something that is not known
	Malformed                  // there is no such instruction
)

// Result is the end of an instruction.
type Result struct {
	Outcome Outcome
	Why     string // what decided, unless it is Retired
	// Value is what the guest finds in its register: IN, LOAD, the old value of
	// XADD and XCHG, what CMPXCHG compared. Unknown says that it came from
	// hardware or one of Xen's own devices.
	Value   Operand
	Unknown bool
	Equal   bool   // CMPXCHG: memory held Expect
	Left    uint64 // elements of a string that were not done
	// Walks is what the exits cost that only changed a known layout: marks that were
	// resolved, memory that was populated, log-dirty pages that were written.
	Walks Cost
}

// Begin starts an instruction of d's guest, on the vCPU of the last one.
func (x *Execution) Begin(d *Domain, mem *Memory, in Instr) {
	*x = Execution{d: d, mem: mem, in: in, left: in.reps(), addr: in.Addr, src: in.Src, reply: x.reply}
	if !in.valid() {
		x.end(Malformed, "no such instruction")
	}
}

// On makes a copy of an Execution go on on copies of its domain and memory.
func (x *Execution) On(d *Domain, mem *Memory) { x.d, x.mem = d, mem }

// Result returns the end, or the state of a Running one.
func (x *Execution) Result() Result {
	r := x.res
	r.Left = x.left
	return r
}

// Waiting says whether the vCPU is blocked until Next is given an Answer.
func (x *Execution) Waiting() bool { return x.waiting }

// Request returns the request of the last Effect as Xen puts it into the slot,
// without port and state. It means something for RouteServer, and for
// RouteBuffered, whose ring holds its lower bits.
func (x *Execution) Request() xen.IOReq {
	a, r := &x.access, &x.effect.Route
	return xen.IOReq{
		Type: r.Type, Addr: r.Addr, Data: a.Data, Count: r.Count, Size: a.Size, Dir: a.Dir, DF: a.DF, DataIsPtr: a.DataIsPtr,
	}
}

// Next goes on to the next Effect and returns false when there is none. If the
// Execution is Waiting, a is what the device model left in the slot: State, and
// Data of a read. Otherwise a is ignored.
func (x *Execution) Next(a Answer) (e Effect, more bool) {
	if x.waiting && !x.take(a) {
		return x.effect, true
	}
	for x.res.Outcome == Running && !x.waiting {
		x.fresh, x.effect = false, Effect{}
		x.pass()
		if x.fresh {
			return x.effect, true
		}
	}
	return Effect{}, false
}

// take gives the answer to the slot's state machine. It returns false if the
// request has not ended well: x.effect then says how.
func (x *Execution) take(a Answer) bool {
	a.VCPU, a.Server = x.in.VCPU, x.effect.Route.Server
	e := Effect{Cost: Cost{HC: 1}} // EVTCHNOP_send
	x.d.answer(&a, &e)
	data := a.Data
	switch {
	case e.Slot.Kind == SlotDeath:
		data = ^uint64(0)
	case e.Slot.Kind == SlotUnknown:
		x.waiting = false
		x.end(Hung, whyStuck)
		return true
	case e.Slot.Kind == SlotIllegal:
		x.waiting, x.effect.Slot, x.effect.Cost = false, e.Slot, e.Cost
		x.end(DomainCrash, e.Slot.Why)
		return false
	case e.Slot.Kind == SlotLegal && a.State != xen.StateRespReady:
		x.effect.Slot, x.effect.Cost = e.Slot, e.Cost
		return false
	}
	x.waiting = false
	if !x.early {
		x.reply = reply{due: true, access: x.access, count: x.effect.Route.Count, data: data}
		x.ins, x.resumed = did{}, true
	}
	return true
}

// end ends the instruction.
func (x *Execution) end(o Outcome, why string) rc {
	x.res.Outcome, x.res.Why = o, why
	x.emulating = false
	return retry
}

// rc is what a step of the emulator returns (X86EMUL_*).
type rc uint8

const (
	okay         rc = iota
	retry           // the pass ends here: an effect must be seen first, or all has ended
	unhandleable    // not in this way: a string is done one by one
)

// pass runs the instruction from where it stands: natively up to the first
// element that traps, then that one in the emulator from its beginning.
func (x *Execution) pass() {
	if !x.emulating {
		if x.native(); x.res.Outcome != Running {
			return
		}
		x.emulating, x.kept, x.ins, x.told, x.exited, x.resumed = true, kept{}, did{}, false, false, false
	}
	if reps, got := x.emulate(); got == okay {
		x.retire(reps)
	}
}

// retire takes reps elements off what is left.
func (x *Execution) retire(reps uint64) {
	step := uint64(x.in.Size) * reps
	if x.in.DF {
		step = -step
	}
	x.left -= min(reps, x.left)
	x.addr += step
	x.src += step
	x.emulating = false
	if x.left == 0 {
		x.res.Outcome = Retired
	}
}

// io is hvmemul_do_io: an access takes the reply that is due, or is routed.
func (x *Execution) io(a Access) (data uint64, reps uint32, got rc) {
	switch {
	case x.fresh || x.waiting:
		return 0, 0, retry // one effect at a time: the pass is run again
	case x.reply.due:
		return x.collect(&a)
	}
	a.VCPU = x.in.VCPU
	x.latchFromRAM(&a)
	x.d.doIO(&a, &x.effect)
	if a.DataIsPtr && x.effect.Route.Kind == RouteBuffered {
		x.fromRAM(&a)
	}
	if x.batched && x.effect.Route.refused(&a) {
		x.effect = Effect{}
		return 0, 0, unhandleable
	}
	x.access = a
	x.seen()
	return x.sent(&a)
}

// refused says whether hvmemul_do_io is not able to send an access: an instruction
// that is not of the string kind ends with that.
func (r *Route) refused(a *Access) bool {
	return r.Kind == RouteFault || r.Kind == RouteDomainCrash && a.Type == xen.TypePIO
}

// seen makes the effect at hand the one that Next returns. The VM exit counts
// with the first of an emulation.
func (x *Execution) seen() {
	x.fresh = true
	if x.exited {
		x.effect.Cost.VX = 0
	}
	x.exited = true
}

// sent says what the emulator makes of where the access went.
func (x *Execution) sent(a *Access) (data uint64, reps uint32, got rc) {
	r := &x.effect.Route
	switch r.Kind {
	case RouteServer:
		x.waiting, x.early = true, !x.d.needsCompletion(a)
		if !x.early {
			return 0, 0, retry
		}
	case RouteBuffered:
	case RouteNull:
		data = ^uint64(0)
		if r.Why == whyStale && a.Dir == xen.DirRead {
			x.res.Unknown = true
		}
		x.repeat(a, r.Count, 0xff)
	case RouteHandled:
		if r.Why != whyConsole {
			x.res.Unknown = x.res.Unknown || a.Dir == xen.DirRead
			break
		}
		data = portConsole
		x.repeat(a, r.Count, portConsole)
	case RouteRefault, RouteSuspended:
		x.emulating = false // the guest runs into it again
		return 0, 0, retry
	case RouteFault:
		return 0, 0, x.fault()
	case RouteDomainCrash:
		if !x.in.str() {
			return 0, 0, x.end(DomainCrash, r.Why)
		}
		return 0, 0, x.fault() // only handle_pio crashes the domain
	case RouteXenCrash:
		return 0, 0, x.end(XenCrash, r.Why)
	default:
		return 0, 0, x.end(Undecided, r.Why)
	}
	return data, r.Count, okay
}

// fault ends an emulation that can't go on. The guest gets #GP(0) for it at the VM
// exit only: what handle_mmio says when an answer has brought the vCPU back is not
// looked at (arch_ioreq_complete_mmio, hvm_do_resume), and the guest begins anew.
func (x *Execution) fault() rc {
	x.effect.Route.Kind = RouteFault
	if x.resumed {
		x.emulating = false
		return retry
	}
	return x.end(GuestFault, x.effect.Route.Why)
}

// needsCompletion is ioreq_needs_completion: whether the instruction hangs on
// the answer. The vCPU waits for it either way.
func (d *Domain) needsCompletion(a *Access) bool {
	switch {
	case a.DataIsPtr:
		return false
	case a.Dir == xen.DirRead:
		return true
	}
	rule := d.cfg.Profile.EarlyWrites
	return rule == EarlyPointer || rule == EarlyPIO && a.Type != xen.TypePIO
}

// repeat is what a read into RAM by a string comes to that Xen itself answers, with the
// same byte over and over; dropped where the emulator cannot write.
func (x *Execution) repeat(a *Access, reps uint32, with byte) {
	if !a.DataIsPtr || a.Dir != xen.DirRead {
		return
	}
	var b [8]byte
	for i := range b {
		b[i] = with
	}
	for i := range uint64(reps) {
		gpa := a.Data + i*uint64(a.Size)
		if a.DF {
			gpa = a.Data - i*uint64(a.Size)
		}
		if x.copyOut(gpa, b[:a.Size]) == retry {
			return // what a page is is not known
		}
	}
}
