package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A flavour is one compilation of the probes, for the kernels of a tier.
type flavour struct {
	tier    Tier
	load    func() (*ebpf.CollectionSpec, error)
	drivers func() (*ebpf.CollectionSpec, error) // what is copied for each hooked function of a driver
	servers int                                  // of one process that its programs look at
	needs   []func() Check                       // what it takes, beyond what all take
	noRings bool                                 // it is for captures without them
}

// perCPU says that each CPU has a buffer of its own.
func (f flavour) perCPU() bool { return f.tier >= TierC }

// flavours are those that there are, the best first.
var flavours = []flavour{
	{TierA, loadFentry, loadDriverFentry, 16, []func() Check{checkLoops, checkRingBuffer, checkTimers, checkKernelBTF, checkModuleBTF}, false},
	{TierB, loadKprobe, loadDriverKprobe, 16, []func() Check{checkLoops, checkRingBuffer}, false},
	{TierC, loadPerf, loadDriverPerf, 8, []func() Check{checkPerfBuffer}, false},
	{TierD, loadPerf, loadDriverPerf, 8, []func() Check{checkPerfBuffer}, true},
}

// lacks returns the first need of f that is not met.
func (f flavour) lacks() (Check, bool) {
	for _, need := range f.needs {
		if c := need(); !c.OK {
			return c, true
		}
	}
	return Check{}, false
}

// checkTier says which tier a capture would have, and why no better one.
func checkTier() Check {
	c := Check{Name: "tier", Try: "use Linux 4.18 or later in dom0"}
	var why []string
	for _, f := range flavours {
		lack, lacks := f.lacks()
		if !lacks {
			c.OK, c.Found = true, strings.Join(append([]string{f.tier.String()}, why...), "; ")
			return c
		}
		why = append(why, notThis(f.tier, lack))
	}
	c.Found = strings.Join(why, "; ")
	return c
}

func notThis(t Tier, lack Check) string {
	return fmt.Sprintf("not %v: %s: %s", t, lack.Name, lack.Found)
}

// loadProbes loads the flavour that o asks for, or the best that the kernel
// takes.
func loadProbes(o Options, self uint32) (*probes, error) {
	var errs []error
	var why []string
	for _, f := range flavours {
		if o.Tier != TierAuto && o.Tier != f.tier {
			continue
		}
		lack, lacks := f.lacks()
		if lacks && o.Tier != TierAuto {
			return nil, refused(f.tier, lack)
		}
		if lacks {
			why = append(why, notThis(f.tier, lack))
			continue
		}
		p, err := f.start(o, self)
		if errors.Is(err, ErrOptions) {
			return nil, err
		}
		if err == nil {
			p.why = strings.Join(why, "; ")
			if o.Tier != TierAuto {
				p.why = "asked for"
			}
			return p, nil
		}
		why = append(why, fmt.Sprintf("not %v: %v", f.tier, err))
		errs = append(errs, fmt.Errorf("tier %v: %w", f.tier, err))
	}
	return nil, errors.Join(errs...)
}

// refused is the answer to who forces a tier that this kernel cannot have.
func refused(t Tier, c Check) error {
	c.OK, c.Optional, c.Try = false, false, fmt.Sprintf("leave out --tier %v", t)
	return &CheckError{c}
}

// start loads and attaches the programs.
func (f flavour) start(o Options, self uint32) (*probes, error) {
	var err error
	if f.noRings {
		if o.Choice, err = withoutRings(o.Choice); err != nil {
			return nil, err
		}
	}
	settings, err := settingsOf(o, self)
	if err != nil {
		return nil, err
	}
	spec, err := f.load()
	if err != nil {
		return nil, err
	}
	if !f.perCPU() {
		spec.Maps[fentryMapEvents].MaxEntries = uint32(o.BufferBytes)
	}
	if err := f.configure(spec, settings); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	leaveOut(spec, settings.Kinds)
	types := btf.NewCache() // the kernel's are large: they are read once
	for _, name := range dispensable {
		has := hasFunction
		if slices.Contains(eventFDPrograms, name) {
			has = privcmdHas
		}
		if ps := spec.Programs[name]; ps != nil && ps.Type == ebpf.Tracing && !has(types, ps.AttachTo) {
			delete(spec.Programs, name)
		}
	}
	takeSpares(spec, f.tier == TierA && needSpares())
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: types})
	if err != nil {
		return nil, err
	}
	p := &probes{flavour: f, choice: o.Choice, coll: coll}
	if err = p.tell(o); err == nil {
		err = p.attach(spec)
	}
	if err == nil {
		err = p.hookDrivers(o)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// configure tells the programs their settings, as constants where they can have such.
func (f flavour) configure(spec *ebpf.CollectionSpec, s *fentrySettings) error {
	if !f.perCPU() {
		return spec.Variables[fentryVarConfig].Set(s)
	}
	spec.Maps[perfMapConfig].Contents = []ebpf.MapKV{{Key: uint32(0), Value: s}}
	return nil
}

// wakeBytes is how much may be unread before the reader is woken.
func wakeBytes(o Options) int { return o.BufferBytes / 8 }

// settingsOf returns the choices of the capture as the programs take them.
func settingsOf(o Options, self uint32) (*fentrySettings, error) {
	port, err := portOffset(o.BTF, btf.LoadKernelSpec)
	if err != nil {
		return nil, err
	}
	c := o.Choice
	s := &fentrySettings{
		OwnTgid: self, ByDomain: uint32(min(len(c.Domains), 1)), ByPid: uint32(min(len(c.PIDs), 1)),
		WakeBytes: uint32(wakeBytes(o)), BufferBytes: uint64(o.BufferBytes), SampleNs: uint64(o.SamplePeriod), PortAt: port, Kinds: rawKinds(c.Kinds),
	}
	for _, id := range c.Servers {
		s.ByServer |= 1 << id
	}
	for _, r := range c.Ports {
		s.add(uint32(xen.TypePIO), r)
	}
	for _, r := range c.GFNs {
		s.add(uint32(xen.TypeCopy), addresses(r))
	}
	for name, n := range c.Sampled {
		s.Every[sampledKinds[format.KindByName(name)]] = n
	}
	return s, nil
}

func (s *fentrySettings) add(typ uint32, r format.Span) {
	s.Ranges[s.NrRanges].Type, s.Ranges[s.NrRanges].First, s.Ranges[s.NrRanges].Last = typ, r.First, r.Last
	s.NrRanges++
}

// tell gives the programs what of the choices stands in tables.
func (p *probes) tell(o Options) error {
	for _, d := range o.Choice.Domains {
		if err := p.coll.Maps[fentryMapDomains].Put(uint32(d), uint32(1)); err != nil {
			return fmt.Errorf("table of domains: %w", err)
		}
	}
	for _, pid := range o.Choice.PIDs {
		if err := p.coll.Maps[fentryMapPids].Put(pid, uint32(1)); err != nil {
			return fmt.Errorf("table of processes: %w", err)
		}
	}
	return nil
}

// stream opens the way by which the records come.
func (p *probes) stream(o Options) (stream, error) {
	if p.perCPU() {
		return newPerfStream(p.coll, o.BufferBytes)
	}
	return newRingStream(p.coll, wakeBytes(o))
}

// hasFunction reports whether the kernel's types know a function.
func hasFunction(types *btf.Cache, name string) bool { return knows(types.Kernel, name) }

func knows(types func() (*btf.Spec, error), function string) bool {
	spec, err := types()
	if err != nil {
		return false
	}
	var f *btf.Func
	return spec.TypeByName(function, &f) == nil
}

// privcmdModule is the module of privcmd, unless that is built in.
const privcmdModule = "xen_privcmd"

// privcmdHas reports whether privcmd has a function that can be hooked by its name. That is
// the kernel's own of this name or, if there is none, the first module's.
func privcmdHas(types *btf.Cache, name string) bool {
	const always = "privcmd_ioctl"
	if hasFunction(types, always) || hasFunction(types, name) {
		return hasFunction(types, always) && hasFunction(types, name)
	}
	of := func(module string) func() (*btf.Spec, error) {
		return func() (*btf.Spec, error) { return types.Module(module) }
	}
	if !knows(of(privcmdModule), name) {
		return false
	}
	var it btf.HandleIterator
	for it.Next() {
		info, err := it.Handle.Info()
		if err != nil || info.Name == privcmdModule || info.IsModule() && knows(of(info.Name), name) {
			it.Handle.Close()
			return err == nil && info.Name == privcmdModule
		}
	}
	return false
}
