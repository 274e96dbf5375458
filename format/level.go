package format

import "github.com/klauspost/compress/zstd"

// A Level says how much work a Writer spends on a smaller file.
type Level uint8

// The levels. What they cost and save is in FORMAT.md.
const (
	LevelFastest Level = iota // what recorders use
	LevelDefault
	LevelBetter
	LevelBest
)

var levelNames = []string{"fastest", "default", "better", "best"}

// String returns fastest, default, better or best.
func (l Level) String() string { return enumName(levelNames, uint64(l)) }

// The fastest level looks for matches where that is quick: in blocks that are not
// full, of which there is one a second, and where most of a block matches. Another
// full block has matches sought in it after so many that had not.
const (
	mostMatches   = 4 // what matches has to take one byte for so many
	literalBlocks = 31
)

// A compressor makes the frames of zstd that hold a payload. One goroutine, a small
// window and little memory: it runs in dom0.
type compressor struct {
	zstd     *zstd.Encoder
	literals literalCoder
	fastest  bool
	skip     int // full blocks in which no matches will be sought
}

// newCompressor returns a compressor of payloads of up to maxPayload.
func newCompressor(l Level) (*compressor, error) {
	level := [...]zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level[min(int(l), len(level)-1)]),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	return &compressor{zstd: zip, fastest: l == LevelFastest}, err
}

// append appends the frames for a payload with these parts.
func (c *compressor) append(b, payload []byte, parts cuts) []byte {
	choose := c.fastest && parts.directory == maxBlockEvents
	if choose && c.skip > 0 {
		c.skip--
		return c.appendLiterals(b, payload, parts)
	}
	before := len(b)
	b = c.zstd.EncodeAll(payload[:parts.times], b)
	if choose && (len(b)-before)*mostMatches > parts.times {
		c.skip = literalBlocks
	}
	return c.literals.appendFrame(b, []literalPart{{payload[parts.times:], false}})
}

// appendLiterals appends a frame without matches. Codes would save a fourth of the
// shapes only, less of the escapes, and nothing of times.
func (c *compressor) appendLiterals(b, payload []byte, parts cuts) []byte {
	return c.literals.appendFrame(b, []literalPart{
		{payload[:parts.directory], false}, {payload[parts.directory:parts.codes], true},
		{payload[parts.codes:parts.escapes], true}, {payload[parts.escapes:], false},
	})
}
