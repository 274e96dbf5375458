package record

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// dropEnv makes the test's own process the one that gives up its capabilities.
const dropEnv = "IOTRACE_TEST_DROP"

// TestDropPrivileges looks at every thread of a process that has dropped its
// capabilities. Run by a user without any, it sees that none came.
func TestDropPrivileges(t *testing.T) {
	if os.Getenv(dropEnv) != "" {
		if err := dropPrivileges(); err != nil {
			t.Fatal(err)
		}
		printCapabilities(t)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestDropPrivileges$")
	cmd.Env = append(os.Environ(), dropEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := uint64(0)
	for _, v := range runningCapabilities(cap.MaxBits(), readLine(paranoidPath)) {
		if on, _ := cap.GetProc().GetFlag(cap.Permitted, v); on {
			want |= 1 << v
		}
	}
	threads := regexp.MustCompile(`(?m)^Cap(Prm|Eff):\t([0-9a-f]+)$`).FindAllSubmatch(out, -1)
	if len(threads) < 4 {
		t.Fatalf("the child told of %d sets, want two for each of several threads:\n%s", len(threads), out)
	}
	for _, m := range threads {
		if got, err := strconv.ParseUint(string(m[2]), 16, 64); err != nil || got != want {
			t.Errorf("Cap%s is %#x, %v; want %#x", m[1], got, err, want)
		}
	}
	if n := len(regexp.MustCompile(`(?m)^NoNewPrivs:\t1$`).FindAll(out, -1)); n != len(threads)/2 {
		t.Errorf("NoNewPrivs stands in %d threads of %d", n, len(threads)/2)
	}
}

func printCapabilities(t *testing.T) {
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tasks {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.Write(b)
	}
}

// TestWhatKernelsAskFor: CAP_BPF and CAP_PERFMON came with Linux 5.8, and some
// distributions want CAP_SYS_ADMIN all the same.
func TestWhatKernelsAskFor(t *testing.T) {
	for _, c := range []struct {
		known    cap.Value
		paranoid string
		want     []cap.Value
	}{
		{cap.AUDIT_READ + 1, "2", []cap.Value{cap.DAC_OVERRIDE, cap.SYS_ADMIN}},
		{cap.PERFMON + 1, "2", []cap.Value{cap.DAC_OVERRIDE, cap.SYS_ADMIN}},
		{cap.CHECKPOINT_RESTORE + 1, "2", []cap.Value{cap.BPF, cap.PERFMON, cap.DAC_OVERRIDE}},
		{cap.CHECKPOINT_RESTORE + 1, "-1", []cap.Value{cap.BPF, cap.PERFMON, cap.DAC_OVERRIDE}},
		{cap.CHECKPOINT_RESTORE + 1, "3", []cap.Value{cap.BPF, cap.PERFMON, cap.DAC_OVERRIDE, cap.SYS_ADMIN}},
		{cap.CHECKPOINT_RESTORE + 1, "", []cap.Value{cap.BPF, cap.PERFMON, cap.DAC_OVERRIDE, cap.SYS_ADMIN}},
	} {
		if got := runningCapabilities(c.known, c.paranoid); !slices.Equal(got, c.want) {
			t.Errorf("%d capabilities, paranoid %q: keeps %v, want %v", c.known, c.paranoid, got, c.want)
		}
	}
}
