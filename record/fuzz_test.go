package record

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// FuzzDecode feeds the decoder any bytes, as two records: it must not panic,
// and must answer a record that it cannot read with a loss.
func FuzzDecode(f *testing.F) {
	q := xen.IOReq{State: xen.StateReady, EPort: 3}
	f.Add(rawSlot(rawSlotIn, 1, 1, q), rawSlot(rawSlotOut, 2, 1, q))
	f.Add(rawRingOf(1, 0, 3), rawRingOf(2, 0, 511))
	f.Add(rawDMOpOf(1, xen.DMOp{Op: 11}), rawReturn(rawDMOpRet, 2, 1, 0, make([]byte, 32)))
	f.Add(rawHyperOf(1, 12, 28, make([]byte, 32)), rawReturn(rawHyperRet, 2, 1, 0, make([]byte, 32)))
	f.Add(rawKernelSlot(rawSlotIn, 1, q), rawKernelSlot(rawSlotOut, 2, q))
	behind := rawRingOf(2, 1, 3) // where the pointers of a legacy ring end
	le.PutUint64(behind[40:], 1<<32+3)
	f.Add(rawRingOf(1, 1<<32-4, 1<<32-2), behind)
	page := append(slices.Clone(behind[:rawRingHeadSize]), make([]byte, 4096)...)
	page[rawKindAt], page[70], page[71] = byte(rawPage), 0xff, 1
	f.Add(rawRingOf(1, 1<<32-4, 1<<32-2), page)
	for k := rawKind(1); k < numRawKinds; k++ {
		f.Add(rawRecord(k, 1), rawRecord(k, 2)[:20])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d := lateDecoder(format.ServerFound{Dom: testDom, Server: 1})
		d.drivers.hooks = testPlan(t)
		for _, rec := range [][]byte{a, b} {
			d.decode(rec)
			_, ok := parseHead(rec)
			ev := d.take()
			if !ok && (len(ev) != 1 || ev[0].Lost().Reason != format.ReasonMalformed) {
				t.Errorf("record % x: events %v, want one malformed", rec, ev)
			}
		}
		for _, r := range d.order {
			if r.captured+r.lost != r.total {
				t.Errorf("a ring's account has %d and %d slots of %d", r.captured, r.lost, r.total)
			}
		}
		d.ringCounts(1)
	})
}

// FuzzServerPages gives the parser any text in front of what a kernel writes: it must
// find what that says all the same, and each pair of pages before each single one.
func FuzzServerPages(f *testing.F) {
	const dev = "/dev/xen/privcmd"
	f.Add("", uint64(0x7f0000000000), true)
	f.Add("7f01-7f03 rw-s 00000000 00:05 123 "+dev, uint64(0x1000), false)
	f.Add("ffffffffffffe000-0 rw-s 0 0 0 "+dev+" (deleted)\n-\n5 6 7 8 9 "+dev, uint64(0), true)
	f.Fuzz(func(t *testing.T, text string, first uint64, both bool) {
		first = first &^ 0xfff >> 1
		mine, end := pagePair{Sync: first}, first+0x1000
		if both {
			mine, end = pagePair{Buf: first, Sync: first + 0x1000}, first+0x2000
		}
		line := fmt.Sprintf("\n%x-%x rw-s 00000000 00:05 123    %s\n", first, end, dev)
		before, after := serverPages(text, dev), serverPages(text+line, dev)
		at := len(before)
		if both {
			at = count(before).pairs
		}
		if want := slices.Insert(slices.Clone(before), at, mine); !slices.Equal(after, want) {
			t.Errorf("%q%s: want %x, got %x", text, line, want, after)
		}
	})
}

// FuzzMerger gives two CPUs any bytes and compares with a merger that looks at all
// that there is for each record.
func FuzzMerger(f *testing.F) {
	f.Add(stamped(rawExit, 0, 10, 0), stamped(rawSlotIn, 1, 5, 0), stamped(rawRead, 0, 7, 1), uint64(9))
	f.Add(stamped(rawSlotOut, 0, 10, 0), stamped(rawSlotIn, 1, 10, 0), []byte{}, uint64(10))
	f.Add(stamped(rawPage, 0, 10, 0)[:100], append(stamped(rawExit, 1, 3, 0), 0, 0, 0), stamped(rawRing, 0, 1, 0), uint64(3))
	f.Fuzz(func(t *testing.T, a, b, later []byte, limit uint64) {
		m, slow := newMerger(), slowMerger{}
		check := func(what string) {
			t.Helper()
			for want := slow.next(m.limit, m.all); ; want = slow.next(m.limit, m.all) {
				got := m.next()
				if !bytes.Equal(got, want) {
					t.Fatalf("%s: want % x, got % x", what, want, got)
				}
				if got == nil {
					return
				}
			}
		}
		for cpu, batch := range [][]byte{a, b} {
			m.add(cpu, batch)
			slow.add(cpu, batch)
		}
		m.release(limit)
		check("up to the limit")
		m.add(0, later)
		slow.add(0, later)
		check("after more of CPU 0")
		m.all = true
		check("at the end")
		if !m.empty() {
			t.Error("the merger holds something back")
		}
	})
}

// A slowMerger has the records of each CPU.
type slowMerger [2][][]byte

func (s *slowMerger) add(cpu int, batch []byte) {
	for len(batch) >= rawHeadSize {
		rec := bytes.Clone(batch[:rawHeadSize])
		if h, ok := parseHead(batch); ok {
			rec = bytes.Clone(batch[:rawSizes[h.Kind]])
		} else {
			rec[rawKindAt] = 0
		}
		s[cpu] = append(s[cpu], rec)
		batch = batch[len(rec):]
	}
}

func (s *slowMerger) next(limit uint64, all bool) (rec []byte) {
	cpu, first := -1, rawHead{}
	for i, of := range s {
		if len(of) == 0 {
			continue
		}
		if h, _ := parseHead(of[0]); cpu < 0 || before(h, first) {
			cpu, first = i, h
		}
	}
	if cpu < 0 || first.Time > limit && !all {
		return nil
	}
	rec, s[cpu] = s[cpu][0], s[cpu][1:]
	return rec
}
