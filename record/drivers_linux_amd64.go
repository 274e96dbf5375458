package record

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record/driver"
)

// profiles returns the built-in profiles and those given, which replace built-in
// ones of their name.
func profiles(given []driver.Profile) []driver.Profile {
	all := slices.DeleteFunc(driver.Builtin(), func(b driver.Profile) bool {
		return slices.ContainsFunc(given, func(g driver.Profile) bool { return g.Name == b.Name })
	})
	return append(all, given...)
}

func moduleLoaded(name string) bool {
	_, err := os.Stat("/sys/module/" + name)
	return err == nil
}

// symbolsOf returns the addresses of those functions that profiles name and the
// running kernel has. Where no module of theirs is loaded, it has none of them.
func symbolsOf(ps []driver.Profile) (map[string]uint64, error) {
	want := map[string]bool{}
	for _, p := range ps {
		if !moduleLoaded(p.Module) {
			continue
		}
		for _, h := range p.Hooks {
			want[h.Symbol], want[h.Instead], want[h.Handler] = true, true, true
		}
	}
	if len(want) == 0 {
		return nil, nil
	}
	return kallsyms(want)
}

func kallsyms(want map[string]bool) (map[string]uint64, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found := map[string]uint64{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		w := bytes.Fields(sc.Bytes())
		if len(w) < 3 || !want[string(w[2])] {
			continue
		}
		addr, err := strconv.ParseUint(string(w[0]), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("/proc/kallsyms: %w", err)
		}
		found[string(w[2])] = addr
	}
	return found, sc.Err()
}

// checkDriver says whether a profile's driver is there, and what would be hooked.
func checkDriver(p driver.Profile, symbols map[string]uint64) Check {
	c := Check{
		Name: "driver " + p.Name, Optional: true, Found: "module " + p.Module + " is not loaded",
		Try: "nothing, unless this dom0 should have it: modprobe " + p.Module,
	}
	if !moduleLoaded(p.Module) {
		return c
	}
	hooks, missing := p.Select(func(s string) bool { return symbols[s] != 0 })
	if len(missing) > 0 {
		c.Found = fmt.Sprintf("module %s is loaded and is another: it has no %s", p.Module, strings.Join(missing, ", "))
		c.Try = "a profile of your own, with --driver-profile"
		return c
	}
	c.OK, c.Found = true, "hooks "+strings.Join(driver.Functions(hooks), ", ")
	return c
}

// checkDrivers says so of all profiles.
func checkDrivers(given []driver.Profile) []Check {
	ps := profiles(given)
	symbols, err := symbolsOf(ps)
	if err != nil {
		return []Check{errCheck("drivers", err, "", "run as root")}
	}
	var checks []Check
	for _, p := range ps {
		checks = append(checks, checkDriver(p, symbols))
	}
	return checks
}

// hookDrivers attaches to the drivers that are there. A capture of chosen processes has
// none: a driver is no process.
func (p *probes) hookDrivers(o Options) error {
	if len(o.Choice.PIDs) > 0 {
		return nil
	}
	ps := profiles(o.Drivers)
	symbols, err := symbolsOf(ps)
	if err != nil {
		return err
	}
	return p.hookAll(ps, len(o.Drivers), symbols)
}

// hookAll hooks the drivers of profiles, of which so many at the end were given: their
// drivers must be there, and be hooked. A built-in one that is there and cannot be hooked
// is no reason to have no capture of all else.
func (p *probes) hookAll(ps []driver.Profile, given int, symbols map[string]uint64) error {
	for i, profile := range ps {
		c := checkDriver(profile, symbols)
		given := i >= len(ps)-given
		if !c.OK && given {
			return &CheckError{c}
		}
		if !c.OK {
			continue
		}
		err := p.hookDriver(uint32(i+1), profile, symbols)
		switch {
		case err == nil:
			p.hookedDrivers = append(p.hookedDrivers, profile.Name)
		case given:
			return fmt.Errorf("driver %s: %w", profile.Name, err)
		default:
			p.unhooked = append(p.unhooked, fmt.Sprintf("%s: %v", profile.Name, err))
		}
	}
	return nil
}

// hookDriver hooks all functions of a driver, or on an error none.
func (p *probes) hookDriver(id uint32, profile driver.Profile, symbols map[string]uint64) error {
	hooks, _ := profile.Select(func(s string) bool { return symbols[s] != 0 })
	plan, ok := planHooks(id, hooks)
	if !ok {
		return fmt.Errorf("a function has more than %d values", hookValues-1)
	}
	links, first := len(p.links), len(p.hooks)
	for _, h := range plan {
		if err := p.hook(h, symbols); err != nil {
			p.unhook(links, first)
			return fmt.Errorf("%s: %w", h.symbol, err)
		}
	}
	return nil
}

// unhook takes back what was attached from a link and a hook on. Hooks keep their numbers,
// which records may have by now, and tell nothing.
func (p *probes) unhook(link, hook int) {
	for _, l := range slices.Backward(p.links[link:]) {
		_ = l.Close() // what detaches no more is closed with its program
	}
	p.links, p.programs, p.attached = p.links[:link], p.programs[:link], p.attached[:link]
	for i := range p.hooks[hook:] {
		p.hooks[hook+i] = hooked{}
	}
}

// names of the programs and of the table that each copy of them has for itself.
const (
	driverEnter  = driverFentryProgDriverEnter
	driverReturn = driverFentryProgDriverReturn
	driverHooks  = driverFentryMapHooks
)

// hook loads a copy of the programs for one function and attaches it.
func (p *probes) hook(h hooked, symbols map[string]uint64) error {
	spec, err := p.drivers()
	if err != nil {
		return err
	}
	if !h.returns() {
		delete(spec.Programs, driverReturn)
	}
	config := h.config(uint32(len(p.hooks)), symbols)
	spec.Maps[driverHooks].Contents = []ebpf.MapKV{{Key: uint32(0), Value: &config}}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: p.shared(spec)})
	if err != nil {
		return err
	}
	p.hooks, p.hookPrograms = append(p.hooks, h), append(p.hookPrograms, coll)
	if p.driverMaps == nil {
		p.driverMaps = coll.Maps
	}
	return p.attachHook(h, coll)
}

// attachHook attaches the return first, so that no call is seen to begin that is
// not seen to end.
func (p *probes) attachHook(h hooked, coll *ebpf.Collection) error {
	if prog := coll.Programs[driverReturn]; prog != nil {
		l, err := attachReturn(h.symbol, prog)
		if err != nil {
			return err
		}
		p.attachedAs(fmt.Sprintf("kretprobe/%s", h.symbol), prog, l)
	}
	prog := coll.Programs[driverEnter]
	l, err := link.Kprobe(h.symbol, prog, nil)
	if err != nil {
		return err
	}
	p.attachedAs(fmt.Sprintf("kprobe/%s", h.symbol), prog, l)
	return nil
}

func (p *probes) attachedAs(name string, prog *ebpf.Program, l link.Link) {
	p.links, p.programs, p.attached = append(p.links, l), append(p.programs, prog), append(p.attached, name)
}

// shared are the tables that a copy of the programs has with all others.
func (p *probes) shared(spec *ebpf.CollectionSpec) map[string]*ebpf.Map {
	m := map[string]*ebpf.Map{}
	for name := range spec.Maps {
		if shared := p.coll.Maps[name]; shared != nil {
			m[name] = shared
		} else if shared := p.driverMaps[name]; shared != nil && name != driverHooks {
			m[name] = shared
		}
	}
	return m
}

// config is what the programs are told of a function.
func (h *hooked) config(id uint32, symbols map[string]uint64) driverFentryHook {
	c := driverFentryHook{Id: id, Driver: h.driver, Role: uint32(h.role), Handler: symbols[h.lines[0].Handler]}
	for i, v := range h.values {
		c.Values[i] = driverFentrySource{
			Value: v.Const, Offset: v.Offset, From: uint8(v.From), Arg: v.Arg, Steps: v.Steps, Size: v.Size,
		}
		if v.Late {
			c.Values[i].Late = 1
		}
	}
	return c
}

// missedHooks adds how often the kernel skipped programs of drivers' functions.
// A request that was missed so is made good by its answer.
func (p *probes) missedHooks(n map[format.Probe]uint64) {
	for i, coll := range p.hookPrograms {
		if p.hooks[i].role == driver.RoleRequest {
			continue
		}
		probe := format.ProbePrivcmd
		if p.hooks[i].role == driver.RoleAnswer {
			probe = format.ProbeIOResp
		}
		for _, prog := range coll.Programs {
			if st, err := prog.Stats(); err == nil {
				n[probe] += st.RecursionMisses
			}
		}
	}
}

func (p *probes) closeHooks() {
	for _, coll := range p.hookPrograms {
		coll.Close()
	}
	p.hookPrograms = nil
}
