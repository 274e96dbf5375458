package record

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// stamped is a record of a CPU with a number.
func stamped(k rawKind, cpu uint16, t, seq uint64) []byte {
	b := rawRecord(k, t)
	le.PutUint64(b[8:], seq)
	le.PutUint16(b[24:], cpu)
	return b
}

// merged takes what the merger lets go.
func merged(m *merger) (heads []rawHead) {
	for b := m.next(); b != nil; b = m.next() {
		h, _ := parseHead(b)
		heads = append(heads, h)
	}
	return heads
}

// TestMergerSorts compares it with a sort of all records by time.
func TestMergerSorts(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		m, now := newMerger(), uint64(100)
		var want, got []rawHead
		for seq := range uint64(200) {
			var batch []byte
			cpu := uint16(rnd.IntN(4))
			for range 1 + rnd.IntN(3) {
				now += 1 + rnd.Uint64N(5)
				b := stamped([]rawKind{rawExit, rawRead, rawSlotIn, rawPage}[rnd.IntN(4)], cpu, now, seq)
				h, _ := parseHead(b)
				want, batch = append(want, h), append(batch, b...)
			}
			m.add(int(cpu), append(batch, make([]byte, rnd.IntN(8))...)) // the kernel's padding
			if rnd.IntN(10) == 0 {
				m.release(now - 50)
				got = append(got, merged(m)...)
			}
		}
		m.all = true
		got = append(got, merged(m)...)
		slices.SortStableFunc(want, func(a, b rawHead) int { return cmp.Compare(a.Time, b.Time) })
		if !slices.Equal(got, want) || !m.empty() {
			t.Fatalf("seed %d: %d records, want %d, in order of time", seed, len(got), len(want))
		}
	}
}

func TestMergerHoldsBackWhatIsTooNew(t *testing.T) {
	m := newMerger()
	m.add(0, stamped(rawExit, 0, 10, 0))
	m.add(1, stamped(rawExit, 1, 5, 0))
	m.release(9)
	if got := merged(m); len(got) != 1 || got[0].CPU != 1 {
		t.Errorf("released %+v", got)
	}
	m.add(1, stamped(rawExit, 1, 7, 1)) // late: another CPU's turn is over
	m.release(10)
	if got := merged(m); len(got) != 2 || got[0].Time != 7 || !m.empty() {
		t.Errorf("then %+v", got)
	}
}

func TestAnswersComeAfterRequestsOfTheSameTime(t *testing.T) {
	m := newMerger()
	m.add(0, stamped(rawSlotOut, 0, 10, 0))
	m.add(1, stamped(rawSlotIn, 1, 10, 0))
	m.release(10)
	if got := merged(m); len(got) != 2 || got[0].Kind != rawSlotIn {
		t.Errorf("order %+v", got)
	}
}

func TestMergerSurvivesNonsense(t *testing.T) {
	m := newMerger()
	bad := stamped(rawPage, 0, 10, 0)[:100] // cut
	m.add(0, bad)
	m.add(0, stamped(rawExit, 0, 11, 0))
	m.all = true
	heads := merged(m)
	if last := heads[len(heads)-1]; last.Kind != rawExit || last.Time != 11 {
		t.Errorf("after nonsense: %+v", heads)
	}
	for _, h := range heads[:len(heads)-1] {
		if h.Kind != 0 {
			t.Errorf("nonsense was taken for %+v", h)
		}
	}
}
