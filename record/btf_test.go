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
	if at, err := portOffset(""); at != usualPortOffset || err != nil {
		t.Errorf("without a file: %d, %v", at, err)
	}
	if at, err := portOffset(typesFile(t, "user_evtchn", "port")); at != 40 || err != nil {
		t.Errorf("with one: %d, %v, want 40", at, err)
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
		if _, err := portOffset(path); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that has %q", err, want)
		}
	}
}
