package format

import (
	"bytes"
	"testing"
)

// TestFastestLevelSeeksMatchesWhereTheyAre gives it full blocks that match, blocks
// that do not, and then such as match again.
func TestFastestLevelSeeksMatchesWhereTheyAre(t *testing.T) {
	c, err := newCompressor(LevelFastest)
	if err != nil {
		t.Fatal(err)
	}
	other := noise(maxZstdBlock)
	same := bytes.Repeat(other[:50], len(other)/50)
	block := func(payload []byte, full bool) (size int) {
		frames := c.append(nil, payload, len(payload), full)
		if got, err := mustZstd(t).DecodeAll(frames, nil); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%v, or other bytes", err)
		}
		return len(frames)
	}
	short := block(same, true)
	if short > len(same)/100 {
		t.Errorf("matches take %d bytes", short)
	}
	block(other, true)
	for range storedBlocks {
		if n := block(same, true); n < 2*short {
			t.Fatalf("%d bytes, though no matches should be sought", n)
		}
		if n := block(same, false); n > short {
			t.Fatalf("a block that is not full takes %d bytes", n)
		}
	}
	if n := block(same, true); n != short {
		t.Errorf("matches take %d bytes at last, not %d", n, short)
	}
}
