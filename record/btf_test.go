package record

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// typesFile writes a file with one structure of two words.
func typesFile(t *testing.T, name, member string) string {
	t.Helper()
	word := &btf.Int{Name: "unsigned int", Size: 4}
	b, err := btf.NewBuilder([]btf.Type{&btf.Struct{Name: name, Size: 48, Members: []btf.Member{
		{Name: "user", Type: word}, {Name: member, Type: word, Offset: 40 * 8},
	}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "types.btf")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPortOffsetComesFromTheTypes(t *testing.T) {
	if at, err := portOffset("", noKernel); at != usualPortOffset || err != nil {
		t.Errorf("without a file: %d, %v", at, err)
	}
	if at, err := portOffset(typesFile(t, "user_evtchn", "port"), noKernel); at != 40 || err != nil {
		t.Errorf("with one: %d, %v, want 40", at, err)
	}
}

// noKernel stands for a kernel without types.
func noKernel() (*btf.Spec, error) { return nil, errors.New("no kernel") }

// TestPortOffsetComesFromAModule reads a file that only has what the driver adds to the
// kernel's types and strings.
func TestPortOffsetComesFromAModule(t *testing.T) {
	kernel := typesFile(t, "task_struct", "pid")
	raw, err := os.ReadFile(kernel)
	if err != nil {
		t.Fatal(err)
	}
	const names = "user_evtchn\x00port\x00"
	first := le.Uint32(raw[20:]) // length of the kernel's strings, from struct btf_header
	var b []byte
	for _, word := range []uint32{
		0x1eb9f, 24, 0, 24, 24, uint32(len(names)), // header: magic and version, its size, types, strings
		first, 4<<24 | 1, 48, first + 12, 1, 40 * 8, // a struct of 48 bytes with one member of type 1
	} {
		b = le.AppendUint32(b, word)
	}
	module := filepath.Join(t.TempDir(), "xen_evtchn")
	if err := os.WriteFile(module, append(b, names...), 0o600); err != nil {
		t.Fatal(err)
	}
	if at, err := portOffset(module, func() (*btf.Spec, error) { return btf.LoadSpec(kernel) }); at != 40 || err != nil {
		t.Errorf("a module's file: %d, %v, want 40", at, err)
	}
	if _, err := portOffset(module, noKernel); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "no kernel") {
		t.Errorf("without the kernel's: error %v, want one that says so", err)
	}
}

func TestUselessTypesAreRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, bytes.Repeat([]byte{1}, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		typesFile(t, "evtchn", "port"):     "no struct user_evtchn",
		typesFile(t, "user_evtchn", "irq"): "has no port",
		empty:                              "types",
		empty + "-absent":                  "no such file",
	} {
		if _, err := portOffset(path, noKernel); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that has %q", err, want)
		}
	}
}
