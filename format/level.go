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
	mostMatches  = 4 // what matches has to take one byte for so many
	storedBlocks = 31
)

// A compressor makes the frames of zstd that hold a payload. One goroutine, a small
// window and little memory: it runs in dom0.
type compressor struct {
	zstd    *zstd.Encoder
	fastest bool
	skip    int // full blocks in which no matches will be sought
}

// newCompressor returns a compressor of payloads of up to maxPayload.
func newCompressor(l Level) (*compressor, error) {
	level := [...]zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level[min(int(l), len(level)-1)]),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	return &compressor{zstd: zip, fastest: l == LevelFastest}, err
}

// append appends the frames for a payload whose times begin at a place, of a block
// that is full or not. Times are stored: nothing makes them shorter.
func (c *compressor) append(b, payload []byte, times int, full bool) []byte {
	choose := c.fastest && full
	if choose && c.skip > 0 {
		c.skip--
		return appendStored(b, payload)
	}
	before := len(b)
	b = c.zstd.EncodeAll(payload[:times], b)
	if choose && (len(b)-before)*mostMatches > times {
		c.skip = storedBlocks
	}
	return appendStored(b, payload[times:])
}
