package record

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/iotrace-xen/iotrace/record/driver"
)

// TestDriverThatCannotBeHooked has a driver whose module is loaded, and whose function the
// kernel does not let be hooked: it is there in name only.
func TestDriverThatCannotBeHooked(t *testing.T) {
	const module = "kernel" // which every kernel has parameters of
	if !moduleLoaded(module) {
		t.Skip("this kernel shows no modules")
	}
	hooks := []driver.Hook{{Role: driver.RoleRequest, Symbol: "no_such_function"}}
	ps := []driver.Profile{{Name: "absent", Module: "no_such_module", Hooks: hooks}, {Name: "there", Module: module, Hooks: hooks}}
	symbols := map[string]uint64{"no_such_function": 0x1000}
	for _, f := range flavours {
		builtin := &probes{flavour: f, coll: &ebpf.Collection{}}
		defer builtin.closeHooks()
		if err := builtin.hookAll(ps, 0, symbols); err != nil {
			t.Errorf("tier %v: a built-in profile: want a capture without it, got %v", f.tier, err)
		}
		if got := builtin.unhooked; len(got) != 1 || !strings.HasPrefix(got[0], "there: no_such_function: ") {
			t.Errorf("tier %v: want to be told what is missing, got %q", f.tier, got)
		}
		if len(builtin.hookedDrivers)+len(builtin.links)+len(builtin.attached)+len(builtin.programs) != 0 {
			t.Errorf("tier %v: want nothing attached, got %q", f.tier, builtin.attached)
		}
		given := &probes{flavour: f, coll: &ebpf.Collection{}}
		defer given.closeHooks()
		if err := given.hookAll(ps, 1, symbols); err == nil || !strings.HasPrefix(err.Error(), "driver there: no_such_function: ") {
			t.Errorf("tier %v: a profile that was given: want an error, got %v", f.tier, err)
		}
	}
}
