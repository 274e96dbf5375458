package record

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/iotrace-xen/iotrace/format"
	"golang.org/x/sys/unix"
)

// spares are the programs that stand behind others, by their names; see bpf/spare.h.
var spares = map[string]string{
	fentryProgPrivcmdEnter: fentryProgPrivcmdEnterSpare, fentryProgPrivcmdReturn: fentryProgPrivcmdReturnSpare,
	fentryProgEvtchnIoctlEnter: fentryProgEvtchnIoctlEnterSpare, fentryProgEvtchnIoctlReturn: fentryProgEvtchnIoctlReturnSpare,
	fentryProgEvtchnReadReturn: fentryProgEvtchnReadReturnSpare, fentryProgEvtchnWriteEnter: fentryProgEvtchnWriteEnterSpare,
	fentryProgThreadEnd: fentryProgThreadEndSpare,
}

// twice are the programs that have a second spare: they run seldom, but what comes behind
// a call of privcmd hangs on it, and the threads of a process end all at once.
var twice = []string{fentryProgPrivcmdEnter, fentryProgPrivcmdReturn, fentryProgThreadEnd}

// second names the second spare.
func second(spare string) string { return spare + "_2" }

// needSpares says whether programs are skipped here, and spares can be made to run behind
// them.
func needSpares() bool { return preempts() && newestFirst() == nil }

// takeSpares leaves in spec, which has none but in tier A, the spares that are to be
// attached: those of programs that are there, if they are needed.
func takeSpares(spec *ebpf.CollectionSpec, needed bool) {
	for name, spare := range spares {
		ps := spec.Programs[spare]
		if !needed || spec.Programs[name] == nil {
			delete(spec.Programs, spare)
		} else if ps != nil && slices.Contains(twice, name) {
			ps = ps.Copy()
			ps.Name = second(spare)
			spec.Programs[ps.Name] = ps
		}
	}
}

// attachWithSpares attaches a program and, before it, its spares, if it has any: the newest
// program of a function runs first.
func (p *probes) attachWithSpares(spec *ebpf.CollectionSpec, name string) error {
	for _, spare := range []string{second(spares[name]), spares[name]} {
		ps := spec.Programs[spare]
		if ps == nil {
			continue
		}
		if err := p.attachAs(ps.SectionName+" (spare)", ps); err != nil {
			return err
		}
	}
	return p.attachAs(spec.Programs[name].SectionName, spec.Programs[name])
}

func (p *probes) attachAs(name string, ps *ebpf.ProgramSpec) error {
	prog := p.coll.Programs[ps.Name]
	l, err := attachOne(prog, ps)
	if err == nil {
		p.attachedAs(name, prog, l)
	}
	return err
}

// useSpares has spares do their work, which they must not while a program that they stand
// behind is not attached.
func (p *probes) useSpares(on bool) error {
	v := p.coll.Variables[fentryVarSparesOn]
	if v == nil { // not tier A
		return nil
	}
	var n uint32
	if on {
		n = 1
	}
	if err := v.Set(n); err != nil {
		return fmt.Errorf("use of spares: %w", err)
	}
	return nil
}

// takeSpared takes from the programs that were skipped, by probe, those whose work a
// spare has done. One that has not got to it yet counts as skipped until the next time.
func (p *probes) takeSpared(skipped map[format.Probe]uint64) {
	m := p.coll.Maps[fentryMapSpared]
	for probe, n := range skipped {
		var spared uint64
		if m != nil && m.Lookup(uint32(probe), &spared) == nil {
			skipped[probe] = n - min(n, spared)
		}
	}
}

// An endsMissed counts the ends of processes that were missed. Threads of all processes
// end there, so that what was skipped only says how many can have been.
type endsMissed struct {
	n    uint64
	gone []uint32 // processes that are counted, and still known
}

// add counts those of the processes that are gone though the probes know them which are
// not counted yet, but no more than most in all.
func (m *endsMissed) add(gone []uint32, most uint64) {
	var counted []uint32
	for _, pid := range gone {
		if !slices.Contains(m.gone, pid) {
			if m.n >= most {
				continue
			}
			m.n++
		}
		counted = append(counted, pid)
	}
	m.gone = counted
}

// countEnds counts the ends that were missed up to now, while the program of ends is attached.
func (p *probes) countEnds() {
	const name = fentryProgThreadEnd
	most := p.misses(name)
	for _, spare := range []string{spares[name], second(spares[name])} {
		if p.coll.Programs[spare] != nil {
			most = min(most, p.misses(spare))
		}
	}
	if len(p.links) == 0 || most <= p.ends.n {
		return
	}
	if gone, err := p.goneProcesses(); err == nil { // else at the next reading
		p.ends.add(gone, most)
	}
}

// goneProcesses returns those that are no more, but known: their end makes the probes
// forget them.
func (p *probes) goneProcesses() (gone []uint32, err error) {
	for _, table := range []string{fentryMapProcesses, fentryMapServers} {
		var pid uint32
		var v []byte
		it := p.coll.Maps[table].Iterate()
		for it.Next(&pid, &v) {
			if errors.Is(unix.Kill(int(pid), 0), unix.ESRCH) {
				gone = append(gone, pid)
			}
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
	}
	slices.Sort(gone)
	return slices.DeleteFunc(slices.Compact(gone), func(pid uint32) bool { return !p.knows(pid) }), nil
}

// knows says whether a process is known still, which the program of its end may have seen to.
func (p *probes) knows(pid uint32) bool {
	var v []byte
	return p.coll.Maps[fentryMapProcesses].Lookup(pid, &v) == nil || p.coll.Maps[fentryMapServers].Lookup(pid, &v) == nil
}

// checkPreemption says whether the kernel may skip programs of tier A.
func checkPreemption() Check {
	c := Check{
		Name: "preemption", OK: true, Found: "the kernel does not preempt its own code",
		Try: "boot with preempt=voluntary, if this kernel has that",
	}
	if !preempts() {
		return c
	}
	c.Found = "the kernel preempts its own code: programs of tier A have spares"
	if err := newestFirst(); err != nil {
		c.OK, c.Optional, c.Found = false, true, fmt.Sprintf("the kernel preempts its own code, and programs have no spares: %v", err)
	}
	return c
}

// preempts says whether the kernel preempts its own code or, if that is not to be found
// out, may do so: CONFIG_PREEMPT, PREEMPT_LAZY or PREEMPT_RT, chosen as it was built or,
// with PREEMPT_DYNAMIC, as it was booted.
func preempts() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return true
	}
	mode, _ := os.ReadFile("/sys/kernel/debug/sched/preempt") // absent, or empty
	return preemptsAs(unix.ByteSliceToString(u.Version[:]), string(mode))
}

// preemptsAs judges by the version as uname has it, and by the file sched/preempt of
// debugfs, where the mode that was chosen stands in brackets.
func preemptsAs(version, mode string) bool {
	if !strings.Contains(version, "PREEMPT") {
		return false
	}
	return !strings.Contains(mode, "(none)") && !strings.Contains(mode, "(voluntary)")
}

// errOrder says that the kernel runs programs of one function in another order than all
// kernels did up to Linux 7.3.
var errOrder = errors.New("of two programs on a function the newer does not run first")

// newestFirst tries whether the kernel runs the newest program of a function first, with
// one that is made for trials and two that say which of them came first.
func newestFirst() error {
	const tried, older, newer = "bpf_fentry_test1", "older", "newer"
	spec := &ebpf.CollectionSpec{
		Maps:     map[string]*ebpf.MapSpec{"first": {Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}},
		Programs: map[string]*ebpf.ProgramSpec{older: claimsFirst(tried, 1), newer: claimsFirst(tried, 2)},
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return fmt.Errorf("trial of programs' order: %w", err)
	}
	defer coll.Close()
	for _, name := range []string{older, newer} {
		l, err := link.AttachTracing(link.TracingOptions{Program: coll.Programs[name]})
		if err != nil {
			return fmt.Errorf("trial of programs' order: %w", err)
		}
		defer l.Close()
	}
	if _, err := coll.Programs[older].Run(&ebpf.RunOptions{}); err != nil {
		return fmt.Errorf("trial of programs' order: %w", err)
	}
	var first uint32
	if err := coll.Maps["first"].Lookup(uint32(0), &first); err != nil || first != 2 {
		return errors.Join(errOrder, err)
	}
	return nil
}

// claimsFirst returns a program on the entry of a function that writes mark into the map
// "first" if nothing is there.
func claimsFirst(function string, mark int32) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{
		Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: function, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{
			asm.LoadMapValue(asm.R1, 0, 0).WithReference("first"),
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
			asm.JNE.Imm(asm.R2, 0, "end"),
			asm.StoreImm(asm.R1, 0, int64(mark), asm.Word),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
			asm.Return(),
		},
	}
}
