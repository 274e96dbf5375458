package format

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// noise returns n bytes that nothing makes shorter.
func noise(n int) []byte {
	b := make([]byte, n)
	rng := newRand(3)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestStoredFramesAreZstd has frames around all bounds of their sizes taken by the
// library and by zstd's program.
func TestStoredFramesAreZstd(t *testing.T) {
	unzip := mustZstd(t)
	var all, content []byte
	for _, n := range []int{
		0, 1, 255, 256, 257, 255 + 1<<16, 256 + 1<<16, maxZstdBlock - 1, maxZstdBlock, maxZstdBlock + 1, 2 * maxZstdBlock, 2*maxZstdBlock + 70,
	} {
		data := noise(n)
		frame := appendStored(nil, data)
		if got, err := unzip.DecodeAll(frame, nil); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: %v, or others", n, err)
		}
		if len(frame) > n+20 {
			t.Errorf("%d bytes take %d", n, len(frame))
		}
		all, content = append(all, frame...), append(content, data...)
	}
	program, err := exec.LookPath("zstd")
	if err != nil {
		t.Log("no zstd program on this machine: not compared with it")
		return
	}
	name := filepath.Join(t.TempDir(), "frames.zst")
	if err := os.WriteFile(name, all, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := exec.Command(program, "-q", "-d", "-c", name).Output(); err != nil || !bytes.Equal(got, content) {
		t.Errorf("zstd: %v, or other bytes", err)
	}
}
