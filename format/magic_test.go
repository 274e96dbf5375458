package format

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestFileKnowsTraces: file(1) with the entry that ships here beside its own, which
// know zstd, says what a file is.
func TestFileKnowsTraces(t *testing.T) {
	path, err := exec.LookPath("file")
	if err != nil {
		t.Skip("no file program on this machine; make test installs it")
	}
	development := binaryOf(t, testHeader, session(10), 300)
	copy(development[16:], "\x00\x00\x09\x00")
	for _, c := range []struct {
		raw  []byte
		want string
	}{
		{binaryOf(t, testHeader, session(10), 300), "iotrace trace of Xen ioreqs, format 1.0"},
		{development, "iotrace trace of Xen ioreqs, development format"},
		{[]byte("iotrace-text 1\n"), "iotrace trace of Xen ioreqs, text form, version 1"},
		{[]byte("\x28\xb5\x2f\xfd\x04\x00"), "Zstandard"},
	} {
		name := t.TempDir() + "/x"
		if err := os.WriteFile(name, c.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(path, "-b", "-m", "magic:/usr/share/misc/magic", name).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || !strings.HasPrefix(got, c.want) {
			t.Errorf("want %q, got %q, %v", c.want, got, err)
		}
	}
}
