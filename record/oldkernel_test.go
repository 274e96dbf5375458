//go:build linux && amd64

package record

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// The limits of Linux 4.19's verifier (include/uapi/linux/bpf_common.h,
// kernel/bpf/verifier.c).
const (
	oldInstructions = 4096       // of a program with all its functions
	oldFrames       = 8          // of calls inside each other
	oldLastHelper   = 82         // bpf_sk_select_reuseport
	oldProcessed    = 128 * 1024 // instructions that it follows at most
)

// oldMaps are the map types that tier C uses; all were there in Linux 4.6.
var oldMaps = map[ebpf.MapType]bool{ebpf.Hash: true, ebpf.Array: true, ebpf.PerCPUArray: true, ebpf.PerfEventArray: true}

// oldPrograms are its program types; all were there in Linux 4.9.
var oldPrograms = map[ebpf.ProgramType]bool{ebpf.Kprobe: true, ebpf.TracePoint: true, ebpf.PerfEvent: true}

// TestTierCIsForOldKernels inspects the compiled objects.
func TestTierCIsForOldKernels(t *testing.T) {
	for name, load := range map[string]func() (*ebpf.CollectionSpec, error){"perf": loadPerf, "driver": loadDriverPerf} {
		spec, err := load()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { checkOld(t, spec) })
	}
}

func checkOld(t *testing.T, spec *ebpf.CollectionSpec) {
	for name, m := range spec.Maps {
		if !oldMaps[m.Type] || m.Flags != 0 {
			t.Errorf("map %s: type %v, flags %#x", name, m.Type, m.Flags)
		}
	}
	for name, p := range spec.Programs {
		if !oldPrograms[p.Type] {
			t.Errorf("program %s: type %v", name, p.Type)
		}
		if n := p.Instructions.Size() / asm.InstructionSize; n > oldInstructions {
			t.Errorf("program %s: %d instructions, want at most %d", name, n, oldInstructions)
		}
		for i, ins := range p.Instructions {
			if why := tooNew(ins); why != "" {
				t.Errorf("program %s: instruction %d, %v: %s", name, i, ins, why)
			}
		}
		if loops(p.Instructions) {
			t.Errorf("program %s: has a loop", name)
		}
		if d := frames(p.Instructions, p.Instructions[0].Symbol(), 0); d > oldFrames {
			t.Errorf("program %s: %d frames, want at most %d", name, d, oldFrames)
		}
	}
}

// TestLoopsAreFound makes sure that the search for them finds any.
func TestLoopsAreFound(t *testing.T) {
	spec, err := loadKprobe()
	if err != nil {
		t.Fatal(err)
	}
	if p := spec.Programs[kprobeProgSample]; !loops(p.Instructions) {
		t.Error("tier B's sampler has no loop")
	}
}

// tooNew says what an old kernel would not take of an instruction.
func tooNew(ins asm.Instruction) string {
	op := ins.OpCode
	switch {
	case op.Class() == asm.Jump32Class:
		return "32-bit jumps are of Linux 5.1"
	case op.Class() == asm.StXClass && op.Mode() == asm.AtomicMode && ins.Constant != 0:
		return "atomics that return a value are of Linux 5.12"
	case ins.IsBuiltinCall() && ins.Constant > oldLastHelper:
		return "a newer helper"
	case ins.IsLoadFromMap() && ins.Src == asm.PseudoMapValue:
		return "global data is of Linux 5.2"
	}
	return ""
}

// loops reports whether a jump leads back to where the program came from.
func loops(prog asm.Instructions) bool {
	at := map[int]asm.Instruction{} // by place, in units of 8 bytes
	for it := prog.Iterate(); it.Next(); {
		at[int(it.Offset)] = *it.Ins
	}
	const open, done = 1, 2
	state := map[int]int{}
	var walk func(i int) bool
	walk = func(i int) bool {
		if state[i] != 0 {
			return state[i] == open
		}
		state[i] = open
		for _, next := range successors(i, at[i]) {
			if walk(next) {
				return true
			}
		}
		state[i] = done
		return false
	}
	for i := range at {
		if walk(i) {
			return true
		}
	}
	return false
}

func successors(i int, ins asm.Instruction) []int {
	next := i + int(ins.Size()/asm.InstructionSize)
	op := ins.OpCode
	switch {
	case op.Class() != asm.JumpClass || op.JumpOp() == asm.Call:
		return []int{next}
	case op.JumpOp() == asm.Exit:
		return nil
	case op.JumpOp() == asm.Ja:
		return []int{next + int(ins.Offset)}
	}
	return []int{next, next + int(ins.Offset)}
}

// frames returns how deep calls go from function fn, counting it.
func frames(prog asm.Instructions, fn string, depth int) int {
	deepest := depth + 1
	if deepest > 2*oldFrames {
		return deepest // it calls itself
	}
	in := false
	for _, ins := range prog {
		if s := ins.Symbol(); s != "" {
			in = s == fn
		}
		if in && ins.IsFunctionCall() {
			deepest = max(deepest, frames(prog, ins.Reference(), depth+1))
		}
	}
	return deepest
}
