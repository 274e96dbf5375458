//go:build linux && amd64

package record

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// TestVerifierAccepts loads all flavours into the running kernel. Nothing is
// attached. Of tier C it also counts what the verifier has to follow: this
// kernel's prunes otherwise than an old one's, but not by a factor.
func TestVerifierAccepts(t *testing.T) {
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Skipf("needs root to load programs: %v", err)
	}
	for _, f := range flavours {
		t.Run(f.tier.String(), func(t *testing.T) {
			for _, load := range []func() (*ebpf.CollectionSpec, error){f.load, f.drivers} {
				coll := loadForVerifier(t, f, load)
				defer coll.Close()
				for name, p := range coll.Programs {
					n := processed(t, p)
					t.Logf("%s: the verifier follows %d instructions", name, n)
					if f.perCPU() && n > oldProcessed {
						t.Errorf("%s: want at most %d", name, oldProcessed)
					}
				}
			}
		})
	}
}

func loadForVerifier(t *testing.T, f flavour, load func() (*ebpf.CollectionSpec, error)) *ebpf.Collection {
	spec, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if !f.perCPU() {
		spec.Maps[fentryMapEvents].MaxEntries = minBuffer
	}
	for _, p := range spec.Programs {
		if p.Type == ebpf.Tracing {
			judgeAnywhere(p)
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats}})
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		t.Fatalf("%+v", refused)
	}
	if err != nil {
		t.Skipf("this kernel or user cannot load programs: %v", err)
	}
	return coll
}

// judgeAnywhere makes a program one of a type that needs no function of Xen's drivers
// to attach to, and may call what fentry may.
func judgeAnywhere(p *ebpf.ProgramSpec) {
	p.Type, p.AttachType, p.AttachTo, p.Flags = ebpf.Syscall, ebpf.AttachNone, "", unix.BPF_F_SLEEPABLE
}

// processed reads what the verifier says of its work.
func processed(t *testing.T, p *ebpf.Program) (n int) {
	_, said, ok := strings.Cut(p.VerifierLog, "processed ")
	if _, err := fmt.Sscan(said, &n); !ok || err != nil {
		t.Fatalf("the verifier's log does not say how much it processed: %q", p.VerifierLog)
	}
	return n
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
	for _, c := range Checks(nil) {
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
	if c := refused.Check; c.Name != "module_btf" || c.OK || c.Optional || c.Found == "" || c.Try != "leave out --tier A" {
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
