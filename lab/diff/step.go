package diff

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// Step is one line of a script: a verb and its arguments, in the order of the
// table. Steps are comparable.
type Step struct {
	Verb Verb
	Args [maxArgs]uint64
}

// NewStep returns a step with the named arguments set and all others at their
// defaults. It panics if the verb has no argument of that name.
func NewStep(v Verb, set Set) Step {
	s := defaults(v)
	for name, value := range set {
		i := v.index(name)
		if i < 0 {
			panic(fmt.Sprintf("%v has no argument %q", v, name))
		}
		s.Args[i] = value
	}
	return s
}

// Set names values of arguments.
type Set map[string]uint64

func defaults(v Verb) Step {
	s := Step{Verb: v}
	for i, a := range verbs[v].args {
		s.Args[i] = a.def
	}
	return s
}

func (v Verb) index(name string) int {
	return slices.IndexFunc(verbs[v].args, func(a arg) bool { return a.name == name })
}

// Arg returns the argument of that name, zero if the verb has none.
func (s Step) Arg(name string) uint64 {
	if i := s.Verb.index(name); i >= 0 {
		return s.Args[i]
	}
	return 0
}

// DeviceModel returns the device model that makes a call.
func (s Step) DeviceModel() int { return int(s.Arg(argDM.name)) }

// VCPU returns the vCPU that performs an instruction.
func (s Step) VCPU() xen.VCPU { return xen.VCPU(s.Arg(argVCPU.name)) }

// Hold says whether the first request of an instruction is left without an answer.
func (s Step) Hold() bool { return s.Arg(argHold.name) != 0 }

// State returns the state in which a device model leaves the slot of a request that is
// held. Only xen.StateRespReady is an answer.
func (s Step) State() xen.State { return xen.State(s.Arg(argState.name)) }

// DMOp returns the dm_op that the step makes, with the number of buffers and the
// size of the first.
func (s Step) DMOp() (op xen.DMOp, bufs uint32, size uint64) {
	op = xen.DMOp{Op: verbs[s.Verb].op, Pad: uint32(s.Arg("oppad"))}
	if s.Verb == Other {
		op.Op = xen.DMOpCode(s.Arg("op"))
	}
	for i, a := range verbs[s.Verb].args {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], s.Args[i])
		copy(op.Body[a.off:], b[:a.size])
	}
	return op, uint32(s.Arg("bufs")), s.Arg(argSize.name)
}

// Own says whether the step's dm_op is made on the caller's own domain.
func (s Step) Own() bool { return s.Arg(argOwn.name) != 0 }

// Extent returns the extent that modified_memory's second buffer holds: its first
// frame, and how many.
func (s Step) Extent() (first xen.GFN, nr uint32) {
	return xen.GFN(s.Arg("first")), uint32(s.Arg("nr"))
}

// String returns the step's line.
func (s Step) String() string {
	var b strings.Builder
	b.WriteString(s.Verb.String())
	for i, a := range verbs[s.Verb].args {
		if v := s.Args[i]; v != a.def {
			fmt.Fprintf(&b, " %s=%s", a.name, number(v))
		}
	}
	return b.String()
}

// number is decimal where that is short, else hexadecimal.
func number(v uint64) string {
	if v < 10 {
		return strconv.FormatUint(v, 10)
	}
	return "0x" + strconv.FormatUint(v, 16)
}

// ParseStep reads the line of a step.
func ParseStep(line string) (Step, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Step{}, fmt.Errorf("want a verb, got an empty line")
	}
	v := Verb(slices.IndexFunc(verbs[:], func(v verb) bool { return v.name == words[0] }))
	if v >= numVerbs {
		return Step{}, fmt.Errorf("verb %q: not known", words[0])
	}
	s := defaults(v)
	for _, w := range words[1:] {
		name, text, _ := strings.Cut(w, "=")
		i := v.index(name)
		if i < 0 {
			return Step{}, fmt.Errorf("%s: argument %q: not known", words[0], name)
		}
		n, err := strconv.ParseUint(text, 0, 64)
		if err != nil {
			return Step{}, fmt.Errorf("%s: %s: %w", words[0], name, err)
		}
		if !verbs[v].args[i].allows(n) {
			return Step{}, fmt.Errorf("%s: %s: %s is no such thing", words[0], name, text)
		}
		s.Args[i] = n
	}
	return s, nil
}
