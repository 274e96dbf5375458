package format

import (
	"bytes"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// realSession reads the text trace that IOTRACE_TEXT names.
func realSession(t testing.TB) []Event {
	b, err := os.ReadFile(os.Getenv("IOTRACE_TEXT"))
	if err != nil {
		t.Skip("no trace in IOTRACE_TEXT")
	}
	b = bytes.Replace(b, []byte("iotrace-text 1"), []byte("iotrace-text 0"), 1)
	events, _, err := readAll(b)
	if err != nil {
		t.Fatal(err)
	}
	unit, _ := strconv.ParseUint(os.Getenv("IOTRACE_UNIT"), 10, 64)
	nodata := os.Getenv("IOTRACE_NODATA") != ""
	for i := range events {
		if unit > 1 {
			events[i].Time -= events[i].Time % unit
		}
		if k := events[i].Kind; nodata && (k == KindIOReq || k == KindIOResp) {
			events[i].W[5] = 0
		}
	}
	return number(events)
}

func blocksOf(events []Event) (blocks [][]Event) {
	for len(events) > 0 {
		n := min(len(events), maxBlockEvents)
		blocks = append(blocks, events[:n])
		events = events[n:]
	}
	return blocks
}

func BenchmarkCodec(b *testing.B) {
	for _, s := range []struct {
		name   string
		events func() []Event
	}{{"synthetic", func() []Event { return session(6 * maxBlockEvents) }}, {"real", func() []Event { return realSession(b) }}} {
		b.Run(s.name, func(b *testing.B) { benchCodec(b, s.events()) })
	}
}

func benchCodec(b *testing.B, events []Event) {
	unit, _ := strconv.ParseUint(os.Getenv("IOTRACE_UNIT"), 10, 64)
	blocks := blocksOf(events)
	headers := make([]blockHeader, len(blocks))
	payloads := make([][]byte, len(blocks))
	frames := make([][]byte, len(blocks))
	enc, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	dec := mustZstd(b)
	x := blockEncoder{unit: unit}
	var d blockDecoder
	raw, size := 0, 0
	out := make([]Event, maxBlockEvents)
	for i, events := range blocks {
		h := &headers[i]
		h.count, h.firstSeq, h.lastSeq = uint32(len(events)), events[0].Seq, events[len(events)-1].Seq
		h.firstTime, h.lastTime = timeSpan(events)
		payloads[i] = bytes.Clone(x.encode(events, h))
		frames[i] = enc.EncodeAll(payloads[i], nil)
		if os.Getenv("CUT") != "" {
			c := len(payloads[i]) - len(x.low)
			frames[i] = enc.EncodeAll(payloads[i][c:], enc.EncodeAll(payloads[i][:c], nil))
		}
		raw, size = raw+len(payloads[i]), size+len(frames[i])+blockHead
		if err := d.decode(payloads[i], h, out[:len(events)]); err != nil {
			b.Fatal(err)
		}
	}
	report := func(b *testing.B, bytes int) {
		b.ReportMetric(float64(len(events))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
		b.ReportMetric(float64(bytes)/float64(len(events)), "B/event")
		b.ReportMetric(0, "ns/op")
	}
	run := func(name string, bytes int, f func(i int)) {
		b.Run(name, func(b *testing.B) {
			best := make([]time.Duration, len(blocks))
			for range b.N {
				for i := range blocks {
					start := time.Now()
					f(i)
					if d := time.Since(start); best[i] == 0 || d < best[i] {
						best[i] = d
					}
				}
			}
			report(b, bytes)
			var sum time.Duration
			for _, d := range best {
				sum += d
			}
			b.ReportMetric(float64(len(events))/sum.Seconds()/1e6, "best-Mevents/s")
			b.ReportMetric(float64(sum.Nanoseconds())/float64(len(events)), "best-ns/event")
		})
	}
	buf := make([]byte, 0, maxPayload)
	run("copy", 88*len(events), func(i int) { copy(out, blocks[i]) })
	run("columns_encode", raw, func(i int) { x.encode(blocks[i], &headers[i]) })
	run("columns_decode", raw, func(i int) {
		if err := d.decode(payloads[i], &headers[i], out[:len(blocks[i])]); err != nil {
			b.Fatal(err)
		}
	})
	run("encode", size, func(i int) {
		p := x.encode(blocks[i], &headers[i])
		if os.Getenv("CUT") != "" {
			c := len(p) - len(x.low)
			buf = enc.EncodeAll(p[c:], enc.EncodeAll(p[:c], buf[:0]))
			return
		}
		buf = enc.EncodeAll(p, buf[:0])
	})
	run("zstd", size, func(i int) {
		p := payloads[i]
		if os.Getenv("CUT") != "" {
			c := len(p) - len(x.low)
			buf = enc.EncodeAll(p[c:], enc.EncodeAll(p[:c], buf[:0]))
			return
		}
		buf = enc.EncodeAll(p, buf[:0])
	})
	run("unzstd", size, func(i int) { buf, _ = dec.DecodeAll(frames[i], buf[:0]) })
	run("decode", size, func(i int) {
		p, err := dec.DecodeAll(frames[i], buf[:0])
		if err != nil {
			b.Fatal(err)
		}
		if err := d.decode(p, &headers[i], out[:len(blocks[i])]); err != nil {
			b.Fatal(err)
		}
	})
}
