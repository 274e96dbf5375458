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
	noise := literalParts()["a block"]
	same, other := bytes.Repeat(noise[:50], len(noise)/50), noise
	block := func(payload []byte, events int) (size int) {
		parts := cuts{directory: events, codes: events + 100, escapes: events + 200, times: len(payload)}
		frames := c.append(nil, payload, parts)
		if got, err := mustZstd(t).DecodeAll(frames, nil); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%v, or other bytes", err)
		}
		return len(frames)
	}
	short := block(same, maxBlockEvents)
	if short > len(same)/100 {
		t.Errorf("matches take %d bytes", short)
	}
	block(other, maxBlockEvents)
	for range literalBlocks {
		if n := block(same, maxBlockEvents); n < 2*short {
			t.Fatalf("%d bytes, though no matches should be sought", n)
		}
		if n := block(same, maxBlockEvents-1); n > short {
			t.Fatalf("a block that is not full takes %d bytes", n)
		}
	}
	if n := block(same, maxBlockEvents); n != short {
		t.Errorf("matches take %d bytes at last, not %d", n, short)
	}
}
