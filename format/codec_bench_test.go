package format

import (
	"bytes"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// BenchmarkCodec shows the codec's share and zstd's. It reports events by the
// wall clock, and by the fastest of all runs over each block, which tells more
// on a machine that does other things too. "copy" and "rows" are to compare
// with: to move the events in memory, and to compress them as they lie there.
//
//	go test -run '^$' -bench Codec -benchtime 200x ./format
//	iotrace cat FILE >FILE.txt; IOTRACE_TEXT=FILE.txt go test ...   a session of yours
//	IOTRACE_UNIT=1000 go test ...                                   times rounded down to 1 us
func BenchmarkCodec(b *testing.B) {
	unit, _ := strconv.ParseUint(os.Getenv("IOTRACE_UNIT"), 10, 64)
	b.Run("synthetic", func(b *testing.B) { newCodecBench(b, session(6*maxBlockEvents), unit).run(b) })
	b.Run("real", func(b *testing.B) { newCodecBench(b, textSession(b), unit).run(b) })
}

// textSession reads the text trace that IOTRACE_TEXT names.
func textSession(b *testing.B) []Event {
	text, err := os.ReadFile(os.Getenv("IOTRACE_TEXT"))
	if err != nil {
		b.Skip("no trace in IOTRACE_TEXT")
	}
	events, _, err := readAll(text)
	if err != nil {
		b.Fatal(err)
	}
	return number(events)
}

// A codecBench is a session in all stages of its writing.
type codecBench struct {
	events, raw, size, rows int // of the session, in events and bytes
	blocks                  [][]Event
	headers                 []*blockHeader
	payloads, frames        [][]byte
	times                   []int // where they begin in the payloads
	x                       blockEncoder
	d                       blockDecoder
	zip, pack               *compressor // at the fastest level, and at the default one
	packed                  int         // bytes that takes
	unzip                   *zstd.Decoder
}

func newCodecBench(b *testing.B, events []Event, unit uint64) *codecBench {
	c := &codecBench{events: len(events), unzip: mustZstd(b)}
	for level, zip := range map[Level]**compressor{LevelFastest: &c.zip, LevelDefault: &c.pack} {
		var err error
		if *zip, err = newCompressor(level); err != nil {
			b.Fatal(err)
		}
	}
	c.x.unit = unit
	for i := range events {
		if unit > 1 {
			events[i].Time -= events[i].Time % unit
		}
	}
	for len(events) > 0 {
		block := events[:min(len(events), maxBlockEvents)]
		events = events[len(block):]
		h := headerOf(block)
		payload, times := c.x.encode(block, h)
		payload = bytes.Clone(payload)
		frame := c.zip.append(nil, payload, times, len(block) == maxBlockEvents)
		c.blocks, c.headers = append(c.blocks, block), append(c.headers, h)
		c.payloads, c.frames, c.times = append(c.payloads, payload), append(c.frames, frame), append(c.times, times)
		c.raw, c.size = c.raw+len(payload), c.size+len(frame)+blockHead
		c.packed += len(c.pack.append(nil, payload, times, false)) + blockHead
		c.rows += len(c.pack.zstd.EncodeAll(rowsOf(block), nil))
	}
	return c
}

// rowsOf returns events as they lie in memory.
func rowsOf(events []Event) (b []byte) {
	for i := range events {
		e := &events[i]
		for _, v := range [...]uint64{e.Seq, e.Time, e.ids() | uint64(e.Kind)<<48} {
			b = le.AppendUint64(b, v)
		}
		for _, v := range e.W {
			b = le.AppendUint64(b, v)
		}
	}
	return b
}

func (c *codecBench) run(b *testing.B) {
	events := make([]Event, maxBlockEvents)
	buf := make([]byte, 0, maxPayload)
	decode := func(payload []byte, i int) {
		if err := decodeAll(&c.d, payload, c.headers[i], events[:len(c.blocks[i])]); err != nil {
			b.Fatal(err)
		}
	}
	rows := rowsOf(c.blocks[0])
	c.time(b, "copy", 88*c.events, func(i int) { copy(events, c.blocks[i]) })
	c.time(b, "rows", c.rows, func(int) { c.pack.zstd.EncodeAll(rows, buf) })
	c.time(b, "encode columns", c.raw, func(i int) { c.x.encode(c.blocks[i], c.headers[i]) })
	compress := func(i int, payload []byte, times int) {
		c.zip.append(buf, payload, times, len(c.blocks[i]) == maxBlockEvents)
	}
	c.time(b, "encode zstd", c.size, func(i int) { compress(i, c.payloads[i], c.times[i]) })
	c.time(b, "encode zstd, default level", c.packed, func(i int) { c.pack.append(buf, c.payloads[i], c.times[i], false) })
	c.time(b, "encode", c.size, func(i int) {
		payload, times := c.x.encode(c.blocks[i], c.headers[i])
		compress(i, payload, times)
	})
	c.time(b, "decode zstd", c.size, func(i int) { _, _ = c.unzip.DecodeAll(c.frames[i], buf) })
	c.time(b, "decode columns", c.raw, func(i int) { decode(c.payloads[i], i) })
	c.time(b, "decode", c.size, func(i int) {
		payload, err := c.unzip.DecodeAll(c.frames[i], buf)
		if err != nil {
			b.Fatal(err)
		}
		decode(payload, i)
	})
}

// time measures f, which does something to a block that takes so many bytes in
// the whole session.
func (c *codecBench) time(b *testing.B, name string, bytes int, f func(block int)) {
	b.Run(name, func(b *testing.B) {
		best := make([]time.Duration, len(c.blocks))
		for n := range b.N {
			for i := range c.blocks {
				start := time.Now()
				f(i)
				if d := time.Since(start); n == 0 || d < best[i] {
					best[i] = d
				}
			}
		}
		sum := time.Duration(0)
		for _, d := range best {
			sum += d
		}
		b.ReportMetric(float64(c.events)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
		b.ReportMetric(float64(c.events)/sum.Seconds()/1e6, "best-Mevents/s")
		b.ReportMetric(float64(bytes)/float64(c.events), "B/event")
		b.ReportMetric(0, "ns/op")
	})
}
