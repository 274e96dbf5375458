package format

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// readOn returns all events that can be had, resuming after each damage, and
// the errors on the way; the last one, if Resume found no way on, twice.
func readOn(t testing.TB, b []byte) (events []Event, closed bool, errs []error) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		errs = append(errs, err)
		if r.Resume() != nil {
			return nil, false, errs
		}
	}
	for {
		var stop error
		for e, err := range r.Events() {
			if err != nil {
				stop = err
				break
			}
			events = append(events, e)
		}
		if stop == nil {
			return events, r.Closed(), errs
		}
		if errs = append(errs, stop); len(errs) > 10000 {
			t.Fatal("it never ends")
		}
		if r.Resume() != nil {
			return events, r.Closed(), errs
		}
	}
}

// without returns what a reader must deliver when parts are lost: the events of
// the others, with a Lost event for each hole that misses some.
func without(events []Event, parts []section, lost func(n int) bool) []Event {
	var c chain
	var want []Event
	fragment := false
	missing := 0
	for n, p := range parts {
		block := events[p.events:]
		if n+1 < len(parts) {
			block = block[:parts[n+1].events-p.events]
		}
		switch {
		case len(block) == 0 && n < len(parts)-1:
			continue // header, index
		case lost(n):
			fragment = true
			if len(block) > 0 && !block[0].Kind.InKeyFrame() {
				missing += len(block)
			}
			continue
		case fragment && len(block) > 0 && block[0].Kind.InKeyFrame() && block[0].Kind != KindState:
			continue
		}
		fragment = false
		if missing > 0 {
			t := c.lastTime
			if c.before == 0 {
				t, _ = timesOf(block)
			}
			want = append(want, damagedEvent(c.next, t, uint64(missing)))
			missing = 0
		}
		for _, e := range block {
			switch {
			case !e.Kind.InKeyFrame():
				c.before, c.next, c.lastTime = c.before+1, e.Seq+1, max(c.lastTime, e.Time)
			case e.Kind < KindOpen:
				c.next = e.Seq
			}
		}
		want = append(want, block...)
	}
	return want
}

// TestFlipEveryBit reads all that is whole before and behind the damage.
func TestFlipEveryBit(t *testing.T) {
	t.Parallel()
	b, events, parts := smallTrace(t)
	for at := range b {
		n := partAt(parts, at)
		want := without(events, parts, func(i int) bool { return i == n })
		for bit := range 8 {
			damaged := slices.Clone(b)
			damaged[at] ^= 1 << bit
			got, closed, errs := readOn(t, damaged)
			if !slices.Equal(got, want) {
				t.Fatalf("bit %d of byte %d, part %d: got\n%swant\n%s", bit, at, n, plain(got), plain(want))
			}
			if closed != (n < len(parts)-1) || len(errs) != 1 {
				t.Fatalf("bit %d of byte %d: closed %v, %v", bit, at, closed, errs)
			}
			checkFlipError(t, errs[0], parts, n, at)
		}
	}
}

func checkFlipError(t *testing.T, err error, parts []section, n, at int) {
	t.Helper()
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.Offset != int64(parts[n].start) || corrupt.Block != n-1 {
		t.Fatalf("byte %d: error names another place than offset %d, block %d: %v", at, parts[n].start, n-1, err)
	}
	if !slices.ContainsFunc(flipCauses(n, at), func(cause error) bool { return errors.Is(err, cause) }) {
		t.Fatalf("byte %d: %v", at, err)
	}
}

func TestResumeAfterManyDamages(t *testing.T) {
	b, events, parts := smallTrace(t)
	rng := newRand(8)
	for range 300 {
		damaged := slices.Clone(b)
		hit := map[int]bool{}
		for range 1 + rng.IntN(4) {
			at := rng.IntN(len(b))
			damaged[at] ^= 1 << rng.IntN(8)
			hit[partAt(parts, at)] = !bytes.Equal(damaged[parts[partAt(parts, at)].start:parts[partAt(parts, at)].end], b[parts[partAt(parts, at)].start:parts[partAt(parts, at)].end])
		}
		got, _, errs := readOn(t, damaged)
		want := without(events, parts, func(i int) bool { return hit[i] })
		if !slices.Equal(got, want) {
			t.Fatalf("parts %v: %v: got\n%swant\n%s", hit, errs, plain(got), plain(want))
		}
	}
}

// TestResumeAfterMissingBytes cuts stretches out, so that nothing stands where
// sizes say it does.
func TestResumeAfterMissingBytes(t *testing.T) {
	t.Parallel()
	b, events, parts := smallTrace(t)
	for start := range b {
		for _, size := range []int{1, 130, 1000} {
			end := min(start+size, len(b))
			got, _, errs := readOn(t, slices.Concat(b[:start], b[end:]))
			first, last := partAt(parts, start), partAt(parts, end-1)
			lost := func(i int) bool {
				whole := parts[i].start >= start && parts[i].end <= end
				return i >= first && i <= last || whole
			}
			if want := without(events, parts, lost); !slices.Equal(got, want) {
				t.Fatalf("without bytes %d to %d: %v: got\n%swant\n%s", start, end, errs, plain(got), plain(want))
			}
		}
	}
}

func TestResumeOverForeignBytes(t *testing.T) {
	b, events, parts := smallTrace(t)
	sync := []byte(syncWord)
	junk := slices.Concat(bytes.Repeat(sync, 20), make([]byte, 100_000), sync)
	for _, p := range parts {
		got, closed, errs := readOn(t, slices.Concat(b[:p.start], junk, b[p.start:]))
		want := events
		if !slices.Equal(got, want) || !closed || len(errs) != 1 {
			t.Fatalf("junk at %d: closed %v, %v, %d events of %d", p.start, closed, errs, len(got), len(want))
		}
	}
}

func TestBlocksThatComeAgainAreRefused(t *testing.T) {
	b, events, parts := smallTrace(t)
	p := parts[2]
	got, closed, errs := readOn(t, slices.Concat(b[:p.end], b[p.start:]))
	if !slices.Equal(got, events) || !closed || len(errs) != 1 || !errors.Is(errs[0], ErrMalformed) {
		t.Errorf("%d events, closed %v: %v", len(got), closed, errs)
	}
}

func TestHeaderDamageLeavesTheBlocks(t *testing.T) {
	b, events, parts := smallTrace(t)
	for _, at := range []int{0, 8, 30, parts[0].end - 1} {
		damaged := slices.Clone(b)
		damaged[at] ^= 0x10
		tr, err := Open(bytes.NewReader(damaged))
		if err == nil || tr == nil {
			t.Fatalf("byte %d: %v, %v", at, tr, err)
		}
		if err := tr.Resume(); err != nil {
			t.Fatal(err)
		}
		var got []Event
		for e, err := range tr.Events() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		if !slices.Equal(got, events) || tr.Header().Writer != "" {
			t.Errorf("byte %d: %d of %d events under header %v", at, len(got), len(events), tr.Header())
		}
	}
	tr, err := Open(bytes.NewReader([]byte("\x7fELF, which is no trace")))
	if !errors.Is(err, ErrNotTrace) || !errors.Is(tr.Resume(), ErrNotTrace) {
		t.Errorf("no trace: %v", err)
	}
}

func TestBatchesAreTheEvents(t *testing.T) {
	b, events, _ := smallTrace(t)
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var got []Event
	for e, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e); len(got) == 3 {
			break
		}
	}
	for batch, err := range r.Batches() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, batch...)
	}
	if !slices.Equal(got, events) {
		t.Errorf("%d events, not the %d of the file", len(got), len(events))
	}
}

func TestResumeWithoutDamageDoesNothing(t *testing.T) {
	b, events, _ := smallTrace(t)
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Resume(); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := r.Resume(); err != nil || n != len(events) || !r.Closed() {
		t.Errorf("%d events, %v", n, err)
	}
}
