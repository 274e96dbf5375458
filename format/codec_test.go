package format

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// headerOf returns a header for events, sparse if their numbers need it.
func headerOf(events []Event) *blockHeader {
	h := &blockHeader{count: uint32(len(events)), firstSeq: 1<<64 - 1}
	h.firstTime, h.lastTime = timesOf(events)
	for i, e := range events {
		h.firstSeq, h.lastSeq = min(h.firstSeq, e.Seq), max(h.lastSeq, e.Seq)
		if e.Seq != events[0].Seq+uint64(i) {
			h.flags |= blockSparse
		}
	}
	return h
}

// timesOf returns the earliest and the latest time of events.
func timesOf(events []Event) (first, last uint64) {
	first, last = events[0].Time, events[0].Time
	for _, e := range events {
		first, last = min(first, e.Time), max(last, e.Time)
	}
	return first, last
}

// decodeAll decodes payload b, of as many events as there is room for.
func decodeAll(d *blockDecoder, b []byte, h *blockHeader, events []Event) error {
	block := *h
	block.count = uint32(len(events))
	err := d.open(b, &block)
	for err == nil && len(events) > 0 {
		n := min(len(events), decodeChunk)
		err, events = d.decode(events[:n]), events[n:]
	}
	return err
}

// checkCodec encodes and decodes events with the fast codec and the slow one.
func checkCodec(t *testing.T, x *blockEncoder, d *blockDecoder, events []Event) []byte {
	t.Helper()
	h := headerOf(events)
	payload, _ := x.encode(events, h)
	got := slices.Repeat([]Event{{W: [NumWords]uint64{1, 2, 3}}}, len(events)) // dirty, as a reader's are
	if err := decodeAll(d, payload, h, got); err != nil || !slices.Equal(got, events) {
		t.Fatalf("%d events: %v, or others come back", len(events), err)
	}
	if got, err := slowDecode(payload, h, len(events)); err != nil || !slices.Equal(got, events) {
		t.Fatalf("%d events: the slow decoder gives others, %v", len(events), err)
	}
	if err := decodeAll(d, slowEncode(events, h), h, got); err != nil || !slices.Equal(got, events) {
		t.Fatalf("%d events of the slow encoder: %v, or others come back", len(events), err)
	}
	return payload
}

func TestFastAndSlowCodecAgree(t *testing.T) {
	rng := newRand(11)
	var x blockEncoder // kept, so that what is left of one block could harm the next
	var d blockDecoder
	for _, unit := range []uint64{0, 1, 1000} {
		x.unit = unit
		for _, n := range []int{1, 2, 3, 50, decodeChunk - 1, decodeChunk, decodeChunk + 1, 3000} {
			checkCodec(t, &x, &d, session(n))
			checkCodec(t, &x, &d, anyEvents(rng, n))
			events := make([]Event, n)
			for i := range events {
				events[i] = fieldEvent(rng, anyKind(rng))
			}
			checkCodec(t, &x, &d, number(events))
			checkCodec(t, &x, &d, likeEvents(rng, n))
		}
	}
	for range 300 {
		checkCodec(t, &x, &d, likeEvents(rng, 1+rng.IntN(100)))
	}
}

// likeEvents returns events of few kinds that repeat and follow each other in
// part, so that all forms and predictors occur, with and without gaps.
func likeEvents(rng *rand.Rand, n int) []Event {
	events := make([]Event, n)
	kinds := []Kind{anyKind(rng), Kind(1 + rng.IntN(255)), anyKind(rng), 200}
	gaps, seq, now := rng.IntN(3), rng.Uint64()>>1, rng.Uint64()>>rng.IntN(64)
	var prev Event
	for i := range events {
		e := fieldEvent(rng, kinds[rng.IntN(len(kinds))])
		for w := range e.W {
			switch rng.IntN(8) {
			case 0:
				e.W[w] = prev.W[w]
			case 1:
				e.W[w] = anyWord(rng)
			case 2, 3, 4:
				e.W[w] = uint64(i) * uint64(w)
			default:
				e.W[w] = 0
			}
		}
		e.Dom, e.VCPU = xen.DomID(rng.IntN(2)), xen.VCPU(rng.IntN(i/10+1))
		now += rng.Uint64N(1 << 20)
		e.Time = now
		switch seq++; gaps {
		case 1:
			seq += rng.Uint64N(3)
		case 2:
			seq = rng.Uint64N(100)
		}
		e.Seq, events[i], prev = seq, e, e
	}
	return events
}

func TestUnitOfTimes(t *testing.T) {
	events := session(4000)
	var d blockDecoder
	exact := checkCodec(t, &blockEncoder{}, &d, events)
	inexact := checkCodec(t, &blockEncoder{unit: 1000}, &d, events)
	if len(exact) != len(inexact) {
		t.Error("a unit that does not divide the times makes a difference")
	}
	for i := range events {
		events[i].Time -= events[i].Time % 1000
	}
	events[7].Time = 1<<64 - 616 // the last multiple of 1000: the step to it and back exceeds 63 bits
	events[9].Time = 0
	micro := checkCodec(t, &blockEncoder{unit: 1000}, &d, events)
	if len(micro) > len(exact)*9/10 {
		t.Errorf("%d bytes at 1 us, %d at 1 ns", len(micro), len(exact))
	}
}

// TestManyKindsAndShapes has 255 kinds, which leave one shape more.
func TestManyKindsAndShapes(t *testing.T) {
	events := make([]Event, 0, 5000)
	for i := range 5000 {
		e := blank(Kind(1+i%255), uint64(i))
		e.W[0], e.W[1] = uint64(i/255%3), uint64(i)
		events = append(events, e)
	}
	checkCodec(t, &blockEncoder{}, &blockDecoder{}, number(events))
	for i := range events {
		events[i].Kind = KindIOReq
		events[i].W[3] = uint64(i % 600) // too many for shapes, though few in the sample
		events[i].W[4] = uint64(i / 3000)
	}
	checkCodec(t, &blockEncoder{}, &blockDecoder{}, events)
}

// TestHashesMayCollide has events whose keys differ though their hashes agree:
// what is added to one word is made up for in another.
func TestHashesMayCollide(t *testing.T) {
	var events []Event
	for i := range 4000 {
		e := blank(KindIOResp+Kind(i%2), uint64(i))
		e.Dom = xen.DomID(i / 8 % 2)
		e.W[4], e.W[6] = uint64(i)<<20, 3
		if i%4 > 1 {
			e.W[0], e.W[1] = 0x2c1b3c6d, ^uint64(0x5bd1e995)+1 // factors of the hash, of word 1 and word 0
		}
		events = append(events, e)
	}
	a, b := events[0], events[2]
	if k := (&kindShapes{keys: [numLanes]uint64{0: ^uint64(0), 1: ^uint64(0)}}); k.hash(&a) != k.hash(&b) || a.W == b.W {
		t.Fatal("these do not collide")
	}
	checkCodec(t, &blockEncoder{}, &blockDecoder{}, number(events))
}

func TestCodecAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	events := session(maxBlockEvents)
	h := headerOf(events)
	var x blockEncoder
	var d blockDecoder
	out := make([]Event, len(events))
	n := testing.AllocsPerRun(5, func() {
		payload, _ := x.encode(events, h)
		if err := decodeAll(&d, payload, h, out); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("a block allocates %v times", n)
	}
}

// TestDamagedPayloads changes every byte of payloads: the decoder must refuse
// them, or give events that encode and decode to the same.
func TestDamagedPayloads(t *testing.T) {
	t.Parallel()
	rng := newRand(12)
	var x blockEncoder
	var c codec
	for _, events := range [][]Event{everyKind(), session(60), likeEvents(rng, 40)} {
		h := headerOf(events)
		payload, _ := x.encode(events, h)
		good := slices.Clone(payload)
		for at := range good {
			for _, v := range []byte{good[at] ^ 1, good[at] ^ 128, 0, 255, byte(rng.Uint32())} {
				b := slices.Clone(good)
				b[at] = v
				c.checkHostile(t, b, h, len(events))
			}
			c.checkHostile(t, good[:at], h, len(events))
		}
	}
}

// A codec is made once: its buffers are large.
type codec struct {
	x blockEncoder
	d blockDecoder
}

// checkHostile decodes any bytes. What decodes must be what the slow decoder
// sees, and survive another round.
func (c *codec) checkHostile(t *testing.T, b []byte, h *blockHeader, n int) {
	t.Helper()
	events := make([]Event, n)
	if err := decodeAll(&c.d, b, h, events); err != nil {
		return
	}
	slow, err := slowDecode(b, h, n)
	if err != nil || !slices.Equal(slow, events) {
		t.Fatalf("% x decodes, but the slow decoder gives other events, %v", b, err)
	}
	checkCodec(t, &c.x, &c.d, events)
}

// FuzzCodec feeds payloads to the decoder.
func FuzzCodec(f *testing.F) {
	var x blockEncoder
	var c codec
	rng := newRand(13)
	for _, events := range [][]Event{everyKind(), session(40), session(2), likeEvents(rng, 20), likeEvents(rng, 20)} {
		h := headerOf(events)
		payload, _ := x.encode(events, h)
		f.Add(uint16(h.count-1), h.flags, h.firstTime, h.lastTime, h.firstSeq, h.lastSeq, payload)
		f.Add(uint16(h.count-1), h.flags, h.firstTime, h.lastTime, h.firstSeq, h.lastSeq, slowEncode(events, h))
	}
	f.Fuzz(func(t *testing.T, count uint16, flags uint8, time, lastTime, seq, lastSeq uint64, b []byte) {
		h := blockHeader{flags: flags, firstTime: time, lastTime: lastTime, firstSeq: seq, lastSeq: lastSeq}
		c.checkHostile(t, b, &h, int(count%1000)+1)
	})
}
