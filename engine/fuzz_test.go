package engine

import (
	"encoding/binary"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// FuzzStep: no operation and no recording of one makes a domain panic, however
// little is known of it, and the same bytes have the same effects.
func FuzzStep(f *testing.F) {
	for _, seed := range []string{"", "\x01create", "\x03\x00\x00access", "\x02acquire", "\x05\xff", "\x04answer\xff\xff\xff"} {
		f.Add([]byte(seed))
	}
	all := Profiles()
	f.Fuzz(func(t *testing.T, data []byte) {
		p := all[len(data)%len(all)]
		var ds [2]*Domain
		for i := range ds {
			ds[i] = New(Config{Dom: 1, Profile: p, Complete: len(data)%2 == 0, EveryAccess: len(data)%3 == 0})
			if len(data)%4 == 0 {
				layOutWorld(t, ds[i])
			}
		}
		in := fuzzInput{data}
		for len(in.left) > 0 {
			op, seen := in.op(), in.seen()
			a, errA := ds[0].Step(op)
			b, errB := ds[1].Step(op)
			if a != b || errA != errB {
				t.Fatalf("%+v:\n%+v %v\n%+v %v", op, a, errA, b, errB)
			}
			if in.u64()&1 == 0 {
				ds[0].Learn(op, seen)
				ds[1].Learn(op, seen)
			}
			if ds[0].layout != nil && ds[0].claim.held == Maybe {
				t.Fatalf("%+v: a layout whose claim is not known", op)
			}
		}
	})
}

// FuzzExecution: no instruction makes a domain panic or goes on for ever,
// whatever the device model leaves and whatever happens to the domain meanwhile.
func FuzzExecution(f *testing.F) {
	f.Add([]byte("\x05load"), uint8(3))
	f.Add([]byte("\x0bmovs\xff\xff"), uint8(18))
	all := Profiles()
	f.Fuzz(func(t *testing.T, data []byte, profile uint8) {
		d := stage(t, all[int(profile)%len(all)])
		in := fuzzInput{data}
		var x Execution
		var mem Memory
		bits := in.u8()
		x.Begin(d, &mem, Instr{
			Kind: InstrKind(in.u8()), Size: in.u8(), Port: uint16(in.u64()), Addr: in.u64(), Src: in.u64(), VCPU: xen.VCPU(in.u64()),
			Rep: bits&1 != 0, DF: bits&2 != 0, Count: in.u64(), Data: Operand{in.u8()}, Expect: Operand{in.u8()},
		})
		_, more := x.Next(Answer{})
		for n := 0; more && (len(in.left) > 0 || n < 4*MaxReps); n++ {
			if in.u8()&7 == 1 {
				_, _ = d.Step(in.op())
			}
			_, more = x.Next(Answer{State: xen.StateRespReady - xen.State(in.u8()&3), Data: in.u64()})
		}
		if o := x.Result().Outcome; !more && o == Running {
			t.Fatal("it ended running")
		}
	})
}

// fuzzInput reads an operation from bytes; where they end it reads zeroes.
type fuzzInput struct{ left []byte }

func (in *fuzzInput) u8() uint8 {
	if len(in.left) == 0 {
		return 0
	}
	b := in.left[0]
	in.left = in.left[1:]
	return b
}

// u64 reads a number that mostly is small, sometimes huge.
func (in *fuzzInput) u64() uint64 {
	n := uint64(in.u8())
	switch {
	case n < 0xc0:
		return n
	case n < 0xe0:
		return n&0x1f<<8 | uint64(in.u8())
	case n < 0xf0:
		return []uint64{portCF8, portCFC, vgaFirst, vgaLast, 1 << 31, 1 << 32, 1 << 63, 0xfff, 0x1000, 0xffff}[n%10]
	case n < 0xf8:
		return -(n & 7)
	}
	var b [8]byte
	for i := range b {
		b[i] = in.u8()
	}
	return binary.LittleEndian.Uint64(b[:])
}

func (in *fuzzInput) op() Op {
	op := Op{
		Kind: OpKind(in.u8() % uint8(numOps+1)), Caller: xen.DomID(in.u8() % 3), NrBufs: 1, Size0: xen.DMOpSize,
		Forget: Forget(in.u8()),
	}
	switch op.Kind {
	case OpDM:
		op.DM = xen.DMOpFromWords(xen.DMOpCode(in.u64()), uint32(in.u8()>>7), [3]uint64{in.u64() << (in.u8() % 64), in.u64(), in.u64()})
		if in.u8() > 0xf0 {
			op.NrBufs, op.Size0, op.Preempt = uint32(in.u64()), in.u64(), uint32(in.u64())
		}
	case OpAcquire:
		op.Acquire = xen.AcquireResource{
			Dom: xen.DomID(in.u64()), Type: xen.ResourceType(in.u64() % 4), ID: uint32(in.u64()), NrFrames: uint32(in.u64()),
			Pad: uint32(in.u8() >> 7), Frame: in.u64(),
		}
	case OpAccess:
		bits := in.u8()
		op.Access = Access{
			VCPU: xen.VCPU(in.u64()), Type: xen.IOReqType(in.u64()), Dir: xen.Dir(bits & 1), Addr: in.u64(),
			Size: uint32(in.u64()), Count: uint32(in.u64()), DF: bits&2 != 0, DataIsPtr: bits&4 != 0,
			DataKnown: bits&8 != 0, Buffered: bits&16 != 0, Data: in.u64(),
		}
	case OpMemory:
		op.Preempt = uint32(in.u64())
		op.Memory = MemoryCall{
			Kind: MemoryKind(in.u8() % 12), Order: in.u8() % 24, Type: P2MType(in.u8() % 16), First: xen.GFN(in.u64() << (in.u8() % 64)),
			Nr: in.u64() << (in.u8() % 64),
		}
	case OpHVM:
		h := xen.HVMOp{Op: xen.HVMOpCode(in.u64())}
		for i := range h.Body {
			h.Body[i] = in.u8()
		}
		call := hvmCall(op.Caller, h)
		op.HVM, op.DM, op.Done = call.HVM, call.DM, in.u64()
	case OpParam:
		op.Param = Param{Set: in.u8()&1 == 0, Index: uint32(in.u64()), Value: in.u64()}
	case OpLife:
		op.Life = LifeEvent(in.u8())
	case OpRing:
		op.Ring = RingMove{Server: xen.ServerID(in.u64()), Read: uint32(in.u64())}
	case OpAnswer:
		op.Answer = Answer{VCPU: xen.VCPU(in.u64()), Server: xen.ServerID(in.u64()), State: xen.State(in.u8())}
	}
	return op
}

func (in *fuzzInput) seen() Seen {
	return Seen{
		Errno: xen.Errno(in.u8() % 32), Words: [3]uint64{in.u64() << 32, in.u64(), in.u64()}, OutKnown: in.u8()&1 == 0,
		Server: xen.ServerID(in.u64()), Type: xen.IOReqType(in.u64()), Addr: in.u64(),
	}
}
