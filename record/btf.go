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
// an event channel. Without a file it is where it always was.
func portOffset(file string) (uint32, error) {
	if file == "" {
		return usualPortOffset, nil
	}
	spec, err := btf.LoadSpec(file)
	if err != nil {
		return 0, fmt.Errorf("%w: types: %w", ErrOptions, err)
	}
	at, err := memberOffset(spec, "user_evtchn", "port")
	if err != nil {
		return 0, fmt.Errorf("%w: types: %s: %w", ErrOptions, file, err)
	}
	return at, nil
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
