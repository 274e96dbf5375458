//go:build linux && amd64

package record

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

// likeXens are functions that every kernel has, with the arguments of those of
// Xen's drivers, so that the verifier can judge the fentry flavour anywhere.
var likeXens = map[string]string{
	"privcmd_ioctl": "tty_ioctl", "evtchn_ioctl": "tty_ioctl",
	"evtchn_read": "vfs_read", "evtchn_write": "vfs_write", "evtchn_interrupt": "no_action",
}

// TestVerifierAccepts loads both flavours into the running kernel. Nothing is
// attached.
func TestVerifierAccepts(t *testing.T) {
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Skipf("needs root to load programs: %v", err)
	}
	for _, tier := range []Tier{TierA, TierB} {
		t.Run(tier.String(), func(t *testing.T) { loadForVerifier(t, tier) })
	}
}

func loadForVerifier(t *testing.T, tier Tier) {
	load := loadKprobe
	if tier == TierA {
		load = loadFentry
	}
	spec, err := load()
	if err != nil {
		t.Fatal(err)
	}
	spec.Maps[fentryMapEvents].MaxEntries = minBuffer
	for _, p := range spec.Programs {
		if other, ok := likeXens[p.AttachTo]; ok && tier == TierA {
			p.AttachTo = other
		}
	}
	coll, err := ebpf.NewCollection(spec)
	var refused *ebpf.VerifierError
	switch {
	case errors.As(err, &refused):
		t.Errorf("%+v", refused)
	case err != nil:
		t.Skipf("this kernel or user cannot load programs: %v", err)
	default:
		coll.Close()
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	if checkXen().OK {
		t.Skip("this is Xen: Open would work")
	}
	s, err := Open(Options{})
	var refused *CheckError
	if s != nil || !errors.As(err, &refused) {
		t.Fatalf("Open gave %v, %v; want a *CheckError", s, err)
	}
	if c := refused.Check; c.Name != "xen" || c.OK || c.Found == "" || c.Try == "" {
		t.Errorf("check %+v", c)
	}
	for _, c := range Checks() {
		if c.Name == "" || c.Found == "" || c.Try == "" {
			t.Errorf("check %+v: every check says what it found and what to try", c)
		}
	}
}

func TestForcedTierSaysWhatToDo(t *testing.T) {
	p, err := loadProbes(Options{Tier: TierA, BufferBytes: minBuffer}, 0)
	if err == nil {
		p.close()
		t.Skip("this kernel has Xen's drivers, with types")
	}
	var refused *CheckError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v, want a *CheckError", err)
	}
	if c := refused.Check; c.Name != "module_btf" || c.OK || c.Optional || c.Found == "" || c.Try != "leave out --tier, or give --tier B" {
		t.Errorf("check %+v", c)
	}
}

func TestAbsentDriversAreNotBuiltIn(t *testing.T) {
	if checkDevices().OK {
		t.Skip("the drivers are there")
	}
	if c := checkModuleBTF(); c.OK || !c.Optional {
		t.Errorf("check %+v", c)
	}
}
