package record

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestUnwantedProgramsAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		kinds []string
		gone  []string
	}{
		{nil, nil},
		{[]string{"evtchn_interrupt", "buf_ioreq"}, nil},
		{[]string{"evtchn_interrupt", "ioreq"}, []string{fentryProgPollReturn, fentryProgTick, kprobeProgSample}},
		{[]string{"buf_ioreq"}, []string{fentryProgEvtchnInterruptEnter}},
	} {
		spec, err := loadKprobe()
		if err != nil {
			t.Fatal(err)
		}
		all := len(spec.Programs)
		leaveOut(spec, rawKinds(c.kinds))
		left := slices.ContainsFunc(c.gone, func(name string) bool { return spec.Programs[name] != nil })
		if left || len(spec.Programs) != all-len(c.gone) {
			t.Errorf("kinds %v: %d of %d programs, want all but %v", c.kinds, len(spec.Programs), all, c.gone)
		}
	}
}

// TestOthersFunctionsAreNotPrivcmds wants no function hooked for privcmd's that is not: KVM
// has one of the same name.
func TestOthersFunctionsAreNotPrivcmds(t *testing.T) {
	const others = "bpf_fentry_test1" // of the kernel itself
	types := btf.NewCache()
	if !hasFunction(types, others) {
		t.Skipf("this kernel has no types, or no %s", others)
	}
	if hasFunction(types, "privcmd_ioctl") {
		t.Skip("privcmd is built in")
	}
	for _, name := range []string{others, "no_such_function"} {
		if privcmdHas(types, name) {
			t.Errorf("%s: taken for privcmd's", name)
		}
	}
}
