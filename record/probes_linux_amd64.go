package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/iotrace-xen/iotrace/format"
)

// returnsFirst is the order of attaching, so that hardly any call is seen to
// begin that is not seen to end. Detaching goes backwards.
var returnsFirst = slices.Concat(eventFDPrograms, []string{
	kprobeProgEvtchnReadEnter, fentryProgPrivcmdReturn, fentryProgEvtchnIoctlReturn, fentryProgEvtchnReadReturn,
	fentryProgPollReturn, fentryProgTick, fentryProgThreadEnd, fentryProgProcessExit, fentryProgProcessExec,
	fentryProgMemoryLeft, fentryProgExecBegins, fentryProgPrivcmdCloseEnter,
	fentryProgEvtchnWriteEnter, fentryProgEvtchnInterruptEnter, fentryProgEvtchnIoctlEnter, fentryProgPrivcmdEnter,
})

// programProbe says what is lost when the kernel skips a program.
var programProbe = map[string]format.Probe{
	fentryProgPrivcmdEnter: format.ProbePrivcmd, fentryProgPrivcmdReturn: format.ProbePrivcmd,
	fentryProgEvtchnIoctlEnter: format.ProbeEvtchnIoctl,
	kprobeProgEvtchnReadEnter:  format.ProbeEvtchnRead, fentryProgEvtchnReadReturn: format.ProbeEvtchnRead,
	fentryProgEvtchnWriteEnter: format.ProbeEvtchnWrite, fentryProgEvtchnInterruptEnter: format.ProbeInterrupt,
	fentryProgThreadEnd: format.ProbeProcess, fentryProgProcessExit: format.ProbeProcess, fentryProgProcessExec: format.ProbeProcess,
	fentryProgPrivcmdCloseEnter: format.ProbeProcess,
	fentryProgIoeventfdEnter:    format.ProbeIOReq, fentryProgIoeventfdReturn: format.ProbeIOReq,
	fentryProgIrqfdEnter: format.ProbePrivcmd, fentryProgIrqfdReturn: format.ProbePrivcmd,
}

// unaccounted are programs whose skipping loses nothing: the next look at a ring
// sees the same, and what is not forgotten before an exec is forgotten after it. Most
// returns of the evtchn device are a notify's and tell nothing; that another's did not
// come, the decoder tells.
var unaccounted = map[string]bool{
	fentryProgEvtchnIoctlReturn: true,
	kprobeProgSample:            true, fentryProgPollReturn: true, fentryProgTick: true,
	fentryProgMemoryLeft: true, fentryProgExecBegins: true,
}

// eventFDPrograms hook what privcmd does by itself.
var eventFDPrograms = []string{fentryProgIoeventfdReturn, fentryProgIoeventfdEnter, fentryProgIrqfdReturn, fentryProgIrqfdEnter}

// dispensable are programs that a capture can do without, for kernels that do not
// have their function.
var dispensable = append([]string{
	fentryProgPollReturn, fentryProgTick, fentryProgMemoryLeft, fentryProgExecBegins, fentryProgThreadEnd,
}, eventFDPrograms...)

// onlyFor are programs that only one kind of record needs.
var onlyFor = map[string]rawKind{
	fentryProgEvtchnInterruptEnter: rawInterrupt,
	fentryProgPollReturn:           rawRing, fentryProgTick: rawRing, kprobeProgSample: rawRing,
}

// leaveOut takes out of spec the programs that only unwanted records need: what they hook
// then runs as if there were no recorder.
func leaveOut(spec *ebpf.CollectionSpec, kinds uint64) {
	for name, k := range onlyFor {
		if !wantsRaw(kinds, k) {
			delete(spec.Programs, name)
		}
	}
}

// probes are the loaded programs and tables with their attachments.
type probes struct {
	flavour
	why      string // no better flavour
	choice   format.Choice
	coll     *ebpf.Collection
	links    []link.Link     // kept referenced: a collected link detaches
	attached []string        // what the links attach, as users read it
	programs []*ebpf.Program // the program of each
	ends     endsMissed

	hooks         []hooked           // of drivers, each with its
	hookPrograms  []*ebpf.Collection // copy of the programs
	driverMaps    map[string]*ebpf.Map
	hookedDrivers []string // names of the profiles
	unhooked      []string // which drivers could not be, and why
}

func (p *probes) attach(spec *ebpf.CollectionSpec) error {
	for _, name := range returnsFirst {
		ps := spec.Programs[name]
		if ps == nil || name == fentryProgProcessExit && p.attachedTo(spec.Programs[fentryProgThreadEnd]) {
			continue // another flavour has it, or it is left out; something better does its work
		}
		err := p.attachWithSpares(spec, name)
		if err != nil && !slices.Contains(dispensable, name) {
			return fmt.Errorf("tier %v: %s: %w", p.tier, ps.SectionName, err)
		}
	}
	return p.useSpares(true)
}

// attachedTo says whether a program is attached to what its section names.
func (p *probes) attachedTo(ps *ebpf.ProgramSpec) bool {
	return ps != nil && slices.Contains(p.attached, ps.SectionName)
}

func attachOne(prog *ebpf.Program, ps *ebpf.ProgramSpec) (link.Link, error) {
	how, _, _ := strings.Cut(ps.SectionName, "/")
	switch how {
	case "fentry", "fexit", "tp_btf":
		return link.AttachTracing(link.TracingOptions{Program: prog})
	case "kprobe":
		return link.Kprobe(ps.AttachTo, prog, nil)
	case "kretprobe":
		return attachReturn(ps.AttachTo, prog)
	}
	group, name, _ := strings.Cut(ps.AttachTo, "/")
	return link.Tracepoint(group, name, prog, nil)
}

// retprobes is how many threads may be inside one function at a time without the
// return of any being missed. The kernel's own choice can be as low as one a CPU.
const retprobes = 256

// attachReturn attaches to a function's return. Where tracefs is not to be had,
// the kernel's choice has to do; replay then sees what it missed as lost.
func attachReturn(symbol string, prog *ebpf.Program) (link.Link, error) {
	l, err := link.Kretprobe(symbol, prog, &link.KprobeOptions{RetprobeMaxActive: retprobes})
	if err != nil {
		return link.Kretprobe(symbol, prog, nil)
	}
	return l, nil
}

// detach ends the recording; what was recorded stays in the ring buffer.
func (p *probes) detach() error {
	p.countEnds()
	errs := []error{p.useSpares(false)}
	for i := len(p.links) - 1; i >= 0; i-- {
		errs = append(errs, p.links[i].Close())
	}
	p.links = nil
	// Timers run without a link.
	errs = append(errs, p.coll.Maps[fentryMapChanged].Put(uint32(0), &fentryChanges{Ended: 1}))
	return errors.Join(errs...)
}

func (p *probes) close() error {
	err := p.detach()
	p.closeHooks()
	p.coll.Close()
	return err
}

// missed returns how often the kernel skipped programs, because another ran on that CPU,
// and no spare stood in.
func (p *probes) missed() map[lossKey]uint64 {
	n := map[format.Probe]uint64{}
	for name, probe := range programProbe {
		n[probe] += p.skips(name)
	}
	p.takeSpared(n)
	p.missedHooks(n)
	missed := map[lossKey]uint64{}
	for probe, n := range n {
		missed[undivided(probe, format.ReasonMissed, noCPU)] = n
	}
	return missed
}

// skips returns how often the kernel skipped a program and something may be lost by that.
func (p *probes) skips(name string) uint64 {
	if name == fentryProgThreadEnd {
		p.countEnds()
		return p.ends.n
	}
	return p.misses(name)
}

// misses returns how often the kernel skipped a program, if there is such a program.
func (p *probes) misses(name string) uint64 {
	prog := p.coll.Programs[name]
	if prog == nil {
		return 0
	}
	st, err := prog.Stats()
	if err != nil {
		return 0
	}
	return st.RecursionMisses
}
