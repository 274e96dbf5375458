package dom0

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestCallGroupsExpand has groups in groups, a circle, another machine's call and a
// group that is not there.
func TestCallGroupsExpand(t *testing.T) {
	path := filepath.Join(t.TempDir(), CallsFile)
	text := "@outer\n    # What a service needs\n    @inner\n    read\n\n@inner\n    # More\n    bpf\n    @outer\n    arm_fadvise64_64\n\n# Not listed\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := readCallGroups(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.expand([]string{"@outer", "perf_event_open", "read"})
	slices.Sort(got)
	if want := []string{"bpf", "perf_event_open", "read"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("want %q, got %q, %v", want, got, err)
	}
	if _, err := g.expand([]string{"@absent"}); err == nil {
		t.Error("a group that is not there: want an error, got none")
	}
}

func TestRefusedCallsAssemble(t *testing.T) {
	p := refused
	if _, err := p.Assemble(); err != nil {
		t.Error(err)
	}
}
