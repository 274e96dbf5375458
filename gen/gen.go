package gen

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"iter"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
)

// A Generator is one synthetic session.
type Generator struct {
	cfg     Config
	profile engine.Profile
	machine machine
}

// New returns the session that cfg describes, or says why there is none.
func New(cfg Config) (*Generator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p, err := engine.ProfileFor(cfg.Xen, cfg.Paging)
	if err != nil {
		return nil, err
	}
	m, err := machineOf(cfg.Xen)
	if err != nil {
		return nil, err
	}
	return &Generator{cfg, p, m}, nil
}

// Events iterates over the session from its beginning, numbered from 0.
func (g *Generator) Events() iter.Seq[format.Event] {
	return func(yield func(format.Event) bool) { newHost(g).run(yield) }
}

// A machine is what the header tells of a host.
type machine struct {
	release    engine.Release
	xen        string
	kernel     string
	controlABI uint64 // XEN_DOMCTL_INTERFACE_VERSION
}

var machines = []machine{
	{engine.Release{Major: 4, Minor: 14}, "4.14.6", "5.10.0", 0x12},
	{engine.Release{Major: 4, Minor: 17}, "4.17.5", "6.1.0", 0x15},
	{engine.Release{Major: 4, Minor: 20}, "4.20.4", "6.12.0", 0x17},
}

// machineOf returns the host of a release. Its error says which hosts there are.
func machineOf(r engine.Release) (machine, error) {
	var names []string
	for _, m := range machines {
		if m.release == r {
			return m, nil
		}
		names = append(names, m.release.String())
	}
	return machine{}, fmt.Errorf("no host of xen %v to imitate: have %s", r, strings.Join(names, ", "))
}

// Header returns what the session says about itself.
func (g *Generator) Header() format.Header {
	m := g.machine
	h := format.Header{
		Writer: g.cfg.Writer, UUID: g.uuid(), XenVersion: m.xen, Kernel: m.kernel,
		Capabilities: "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64",
		CPU:          "synthetic", CPUVendor: "AuthenticAMD", Paging: g.cfg.Paging.String(),
		MonotonicNS: startNS, WallNS: wallNS, Data: "none", Synthetic: true,
	}
	if g.cfg.Paging == engine.EPT {
		h.CPUVendor = "GenuineIntel"
	}
	return h
}

// uuid derives a version 8 UUID from the whole Config, the seed first of all.
func (g *Generator) uuid() string {
	sum := fnv.New128a()
	fmt.Fprintf(sum, "%d %+v", g.cfg.Seed, g.cfg)
	d := dice{binary.BigEndian.Uint64(sum.Sum(nil))}
	hi, lo := d.next()&^0xf000|0x8000, d.next()&^(3<<62)|1<<63
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&(1<<48-1))
}
