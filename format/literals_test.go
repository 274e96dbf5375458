package format

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// literalParts are what Huffman codes can and cannot shorten.
func literalParts() map[string][]byte {
	noise := make([]byte, maxZstdBlock+100)
	rng := newRand(3)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	few := func(n int) []byte { // mostly zeros
		b := make([]byte, n)
		for i := range b {
			b[i] = noise[i%len(noise)] & noise[(7*i+1)%len(noise)] & noise[(11*i+5)%len(noise)]
		}
		return b
	}
	return map[string][]byte{
		"nothing": nil, "one": {7}, "short": few(minHuffman - 1), "shortest coded": few(minHuffman), "one kilobyte": few(1 << 10),
		"most of 10 bits": few(1<<10 - 1), "14 bits": few(1<<14 - 1), "beyond": few(1 << 14), "a block": few(maxZstdBlock),
		"two blocks": few(maxZstdBlock + 1), "three": few(2*maxZstdBlock + 70), "same": make([]byte, 1000),
		"same, two blocks": make([]byte, maxZstdBlock+1), "noise": noise, "two values": bytes.Repeat([]byte{1, 2}, 40),
	}
}

// inParts has every other piece coded, or those between.
func inParts(coded bool, pieces ...[]byte) (parts []literalPart) {
	for _, p := range pieces {
		parts = append(parts, literalPart{p, coded})
		coded = !coded
	}
	return parts
}

// TestLiteralFramesAreZstd has each part first, last and between in a frame, and all
// frames taken by zstd's program.
func TestLiteralFramesAreZstd(t *testing.T) {
	var l literalCoder
	unzip, parts := mustZstd(t), literalParts()
	var all, content []byte
	for name, part := range parts {
		for _, coded := range []bool{false, true} {
			for _, list := range [][][]byte{{part, parts["short"]}, {parts["one kilobyte"], part}, {nil, part, {1}}} {
				want := slices.Concat(list...)
				frame := l.appendFrame(nil, inParts(coded, list...))
				if got, err := unzip.DecodeAll(frame, nil); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s: %v, or other bytes", name, err)
				}
				all, content = append(all, frame...), append(content, want...)
			}
		}
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

// TestLiteralsAreShort holds blocks to what they should take.
func TestLiteralsAreShort(t *testing.T) {
	var l literalCoder
	parts := literalParts()
	for name, most := range map[string]int{"same": 4, "a block": maxZstdBlock * 5 / 8, "noise": maxZstdBlock + 106, "14 bits": 10 << 10} {
		frame := l.appendFrame(nil, inParts(true, parts[name]))
		if n := len(frame) - len(appendFrameHead(nil, len(parts[name]))); n > most {
			t.Errorf("%s takes %d bytes, not %d", name, n, most)
		}
	}
}

// FuzzLiterals cuts data into four parts.
func FuzzLiterals(f *testing.F) {
	for _, part := range literalParts() {
		part = part[:min(len(part), 3<<10)] // longer ones are slow to change
		f.Add(part, uint32(len(part)/2), uint32(len(part)), uint32(len(part)))
		f.Add(part, uint32(0), uint32(len(part)/3), uint32(len(part)-len(part)/5))
	}
	unzip := mustZstd(f)
	var l literalCoder
	f.Fuzz(func(t *testing.T, data []byte, a, b, c uint32) {
		if len(data) == 0 {
			return
		}
		ends := []int{int(a) % (len(data) + 1), int(b) % (len(data) + 1), int(c) % (len(data) + 1)}
		slices.Sort(ends)
		frame := l.appendFrame(nil, inParts(ends[0]%2 == 0, data[:ends[0]], data[ends[0]:ends[1]], data[ends[1]:ends[2]], data[ends[2]:]))
		if got, err := unzip.DecodeAll(frame, nil); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%v, or other bytes", err)
		}
	})
}
