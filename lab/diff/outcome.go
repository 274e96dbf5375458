package diff

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// Outcome is what came of a step, as lines of text: the form in which outcomes are
// kept, read and compared.
//
//	ok w0=0x100000000                   a call's result, and words of the union that changed
//	type 4                              get_mem_type's
//	dirty 0x400-0x403                   frames that are dirty in the bitmap of track_dirty_vram, or of log-dirty mode
//	did 2                               how many extents were ballooned
//	set 3                               how many p2m entries Xen has set, or lost
//	-> 1 pio read addr=0x100 size=4     a request, and the server that got it
//	.. 1 copy write addr=0xb8000        an entry taken from a ring
//	= 0x12345678                        the register that an instruction loads
//	equal                               CMPXCHG has stored
//	#13 error=0                         the instruction ended in an exception
//	left 3                              what a string instruction has left in RCX
//	page 0x400 8f3c...                  a page that is not all zeros
//	busy                                the vCPU has a request in flight, so it can't perform another instruction
//	idle                                the vCPU has none that could be answered
//	waits                               its request was left in a state that is no answer
//	hung                                the server of its request is gone, and the vCPU waits for ever
//	crash                               or stuck: how the domain came to an end
type Outcome []string

// What can become of a vCPU. The script goes on.
const (
	Busy  = "busy"
	Idle  = "idle"
	Waits = "waits"
	Hung  = "hung"
)

// How a script can end before its last step. Only a model ever says Panic.
const (
	Crash = "crash" // the domain dies
	Stuck = "stuck" // the instruction begins again for ever
	Panic = "panic" // the hypervisor dies
)

// Ended says whether nothing can follow on this outcome.
func (o Outcome) Ended() bool {
	return len(o) > 0 && slices.Contains([]string{Crash, Stuck, Panic}, o[len(o)-1])
}

// Called is the outcome of a dm_op: its error number, and what of its union Xen
// has changed. Some leave there how far they got before they were preempted, which is
// no outcome.
func Called(op, after xen.DMOp, errno xen.Errno) Outcome {
	line := errno.String()
	if !slices.Contains([]xen.DMOpCode{xen.OpSetMemType, xen.OpMapMemType, xen.OpModifiedMemory}, op.Op) {
		was, is := op.Words(), after.Words()
		for i := range is {
			if was[i] != is[i] {
				line += fmt.Sprintf(" w%d=%#x", i, is[i])
			}
		}
	}
	return Outcome{line}
}

// words reads a dm_op's line back.
func (o Outcome) words(op xen.DMOp) (after xen.DMOp, errno xen.Errno, err error) {
	if len(o) == 0 {
		return op, 0, errors.New("a call's outcome: want a line, got none")
	}
	name, rest, _ := strings.Cut(o[0], " ")
	if errno, err = errnoNamed(name); err != nil {
		return op, 0, err
	}
	w := op.Words()
	for f := range strings.FieldsSeq(rest) {
		var i int
		var v uint64
		if _, err := fmt.Sscanf(f, "w%d=%v", &i, &v); err != nil || i < 0 || i > 2 {
			return op, 0, fmt.Errorf("a call's outcome: want wN=VALUE, got %q", f)
		}
		w[i] = v
	}
	return xen.DMOpFromWords(op.Op, op.Pad, w), errno, nil
}

// errnoNamed returns the error number of that name.
func errnoNamed(name string) (xen.Errno, error) {
	for e := range xen.EOpNotSupp + 1 {
		if e.String() == name {
			return e, nil
		}
	}
	return 0, fmt.Errorf("error number %q: not known", name)
}

// requestMark begins the line of a request.
const requestMark = "-> "

// Request is a line for a request that a server got.
func Request(server xen.ServerID, q xen.IOReq, sum uint64) string {
	line := fmt.Sprintf(requestMark+"%v %v %v addr=%#x size=%d", server, q.Type, q.Dir, q.Addr, q.Size)
	if q.Count != 1 {
		line += fmt.Sprintf(" count=%d", q.Count)
	}
	if q.DF {
		line += " df"
	}
	if q.DataIsPtr {
		line += " ptr"
	}
	if q.Data != 0 {
		line += fmt.Sprintf(" data=%#x", q.Data)
	}
	if sum != 0 {
		line += fmt.Sprintf(" sum=%#x", sum)
	}
	return line
}

// Entry is a line for an entry of a ring.
func Entry(server xen.ServerID, t xen.IOReqType, dir xen.Dir, addr, data uint64, size uint32) string {
	return fmt.Sprintf(".. %v %v %v addr=%#x size=%d data=%#x", server, t, dir, addr, size, data)
}

// Dirty is a line for each run of frames that are set in a bitmap, which begins with
// frame first.
func Dirty(first xen.GFN, bitmap []byte) (o Outcome) {
	set := func(i int) bool { return i < 8*len(bitmap) && bitmap[i/8]>>(i%8)&1 != 0 }
	for i := 0; i < 8*len(bitmap); i++ {
		if !set(i) {
			continue
		}
		from := i
		for set(i + 1) {
			i++
		}
		o = append(o, fmt.Sprintf("dirty %#x-%#x", uint64(first)+uint64(from), uint64(first)+uint64(i)))
	}
	return o
}

// Result appends what a guest's step has left in the registers.
func (o Outcome) Result(s Step, r guest.Registers, x guest.Exception) Outcome {
	if x.Vector != guest.NoException {
		o = append(o, fmt.Sprintf("#%d error=%d", x.Vector, x.Error))
	}
	switch s.Verb {
	case In, CmpXchg:
		o = append(o, fmt.Sprintf("= %#x", r.RAX))
	case CmpXchg8B:
		o = append(o, fmt.Sprintf("= %#x %#x", r.RAX, r.RDX))
	case Xadd, Xchg:
		o = append(o, fmt.Sprintf("= %#x", r.RDX))
	case Read:
		if s.Arg(argWidth.name) == sizeXMM {
			o = append(o, fmt.Sprintf("= %#x %#x", r.XMM0[0], r.XMM0[1]))
		} else {
			o = append(o, fmt.Sprintf("= %#x", r.RAX))
		}
	}
	switch {
	case (s.Verb == CmpXchg || s.Verb == CmpXchg8B) && r.Flags&flagZ != 0 && x.Vector == guest.NoException:
		o = append(o, "equal")
	case s.Arg(argRep.name) != 0 && r.RCX != 0:
		o = append(o, fmt.Sprintf("left %d", r.RCX))
	}
	return o
}

// Pages is the outcome of a look at the pool.
func Pages(ram RAM) (o Outcome) {
	var page, zero [xen.PageSize]byte
	for gfn := guest.ProberPool; gfn < guest.ProberPool+PoolPages; gfn++ {
		if ram.Read(gfn.Addr(), page[:]); page != zero {
			h := fnv.New64a()
			h.Write(page[:])
			o = append(o, fmt.Sprintf("page %#x %016x", uint64(gfn), h.Sum64()))
		}
	}
	return o
}
