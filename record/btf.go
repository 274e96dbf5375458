package record

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// usualPortOffset is where port stands in the evtchn driver's struct user_evtchn:
// it did not move from Linux 4.4 to 7.2.
const usualPortOffset = 32

// portOffset reads from a file of types where the evtchn driver has the port of
// an event channel. Without a file it is where it always was. kernel loads the types of
// the running kernel, to which a module's own file adds.
func portOffset(file string, kernel func() (*btf.Spec, error)) (uint32, error) {
	if file == "" {
		return usualPortOffset, nil
	}
	spec, err := loadTypes(file, kernel)
	if err != nil {
		return 0, badOption("BTF", "no types: %w", err)
	}
	at, err := memberOffset(spec, "user_evtchn", "port")
	if err != nil {
		return 0, badOption("BTF", "%s: %w", file, err)
	}
	return at, nil
}

// loadTypes reads a file that is whole, or one like /sys/kernel/btf/xen_evtchn that
// goes on where the kernel's types end.
func loadTypes(file string, kernel func() (*btf.Spec, error)) (*btf.Spec, error) {
	spec, whole := btf.LoadSpec(file)
	if whole == nil {
		return spec, nil
	}
	base, err := kernel()
	if err == nil {
		spec, err = btf.LoadSplitSpec(file, base)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; as a module's, added to the kernel's: %w", whole, err)
	}
	return spec, nil
}

// memberOffset returns where a member of a structure begins, in bytes.
func memberOffset(spec *btf.Spec, name, member string) (uint32, error) {
	var s *btf.Struct
	if err := spec.TypeByName(name, &s); errors.Is(err, btf.ErrNotFound) {
		return 0, fmt.Errorf("no struct %s: want the types of the xen-evtchn module, or of a kernel that has it built in", name)
	} else if err != nil {
		return 0, err
	}
	for _, m := range s.Members {
		if m.Name == member {
			return m.Offset.Bytes(), nil
		}
	}
	return 0, fmt.Errorf("struct %s has no %s", name, member)
}
