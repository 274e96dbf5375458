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

// newCompressor returns an encoder for frames of up to maxPayload. One
// goroutine, a small window and little memory: it runs in dom0.
func newCompressor(l Level) (*zstd.Encoder, error) {
	level := [...]zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression}
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level[min(int(l), len(level)-1)]),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
}
