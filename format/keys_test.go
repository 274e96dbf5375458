package format

import (
	"fmt"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// TestKeysThatGoTogether has requests of 20 devices that say many things about
// themselves, in sizes that make too many shapes: what must be left is all but
// the size.
func TestKeysThatGoTogether(t *testing.T) {
	rng := newRand(30)
	events := make([]Event, 8000)
	for i := range events {
		device := rng.Uint32N(20)
		events[i] = IOReq{
			Dom: xen.DomID(device / 2), Server: xen.ServerID(device % 2), ID: uint64(i),
			Caller: Caller{1000 + device, 2000 + device}, Port: xen.Port(30 + device),
			Req: xen.IOReq{Size: 1 << rng.IntN(8), Count: 1, Addr: uint64(i * i)},
		}.Event(KindIOReq, uint64(i))
	}
	var x blockEncoder
	var d blockDecoder
	payload := checkCodec(t, &x, &d, number(events))
	if err := decodeAll(&d, payload, headerOf(events), make([]Event, len(events))); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range d.columns {
		got = append(got, fmt.Sprint(d.columns[i].column))
	}
	want := fmt.Sprint([]string{"{0 0 64}", "{4 0 64}", "{6 0 32}"}) // id, addr, size
	if fmt.Sprint(got) != want {
		t.Errorf("columns with codes: %v, want %v", got, want)
	}
}

// TestKeyingCounts compares what keying says about a set of columns with counts of
// what the events have there.
func TestKeyingCounts(t *testing.T) {
	rng := newRand(31)
	for range 200 {
		k := anyKind(rng)
		cols := columnsFor(k).list
		var y keying
		y.begin(k)
		var events []Event
		for range 1 + rng.IntN(sampleEvents) {
			e := blank(k, 0)
			for _, c := range cols {
				c.set(&e, uint64(rng.IntN(3))&c.mask())
			}
			events = append(events, e)
			y.add(&e)
		}
		all := uint64(1)<<len(cols) - 1
		set := rng.Uint64() & all
		y.sum(all)
		if got, want := y.differing(all&^set), slowDiffering(events, cols, set); got != want {
			t.Fatalf("%v: %d of %d events differ, want %d", k, got, len(events), want)
		}
		if got, want := y.differing(0), slowDiffering(events, cols, all); got != want {
			t.Fatalf("%v: %d of %d events differ in all columns, want %d", k, got, len(events), want)
		}
	}
}

// slowDiffering returns how many of the events differ in the columns of a set.
func slowDiffering(events []Event, cols []column, set uint64) int {
	seen := make(map[string]bool)
	for i := range events {
		key := ""
		for j, c := range cols {
			if set>>j&1 != 0 {
				key += fmt.Sprintln(c.get(&events[i]))
			}
		}
		seen[key] = true
	}
	return len(seen)
}

// TestRoomForEveryKind fills the table of shapes with kinds that have many, before
// kinds come that have none yet: those must find room.
func TestRoomForEveryKind(t *testing.T) {
	var events []Event
	for i := range 12000 {
		e := blank(Kind(60-i%3), uint64(i)) // not named: whole words are their columns
		e.W[0], e.W[1] = uint64(i/3%90), uint64(i)
		if i >= 6000 {
			e.Kind = Kind(1 + i%255)
		}
		events = append(events, e)
	}
	checkCodec(t, &blockEncoder{}, &blockDecoder{}, number(events))
}

// TestRoomWhereHashesAgree has events whose bits outside of all columns have one hash, so
// that a choice of columns makes no difference, and as many hashes with what the columns
// have: no keys are left for them, or there would be too many shapes.
func TestRoomWhereHashesAgree(t *testing.T) {
	const k, spare = KindLost, 5 // a word in no column, and
	const factor = 0x1b56c4e9    // that of its in the hash
	var outside kindShapes
	for n, known := range columnsFor(k).known {
		outside.keys[n] = ^known
	}
	var events []Event
	sums := map[uint64]bool{}
	for i := range 3000 {
		e := blank(k, uint64(i))
		others := outside.front(&e, e.tag()) + outside.middle(&e) + outside.back(&e)
		mixed := (1<<40 | uint64(i%200)) * inverse(0x9e3779b97f4a7c15)
		e.W[spare] = ((mixed ^ mixed>>32) - others) * inverse(factor)
		e.W[0] = 1
		sums[outside.hash(&e)] = true
		events = append(events, e)
	}
	if len(sums) != 1 || columnsFor(k).known[spare] != 0 {
		t.Fatalf("%d hashes of what is in no column, want one", len(sums))
	}
	var x blockEncoder
	checkCodec(t, &x, &blockDecoder{}, number(events))
	if s := x.kinds[k]; s.shapes != 1 || s.chosen != 0 {
		t.Errorf("%d shapes by the columns %#x, want one by none", s.shapes, s.chosen)
	}
}

// inverse returns what an odd number is multiplied by to give 1 (Newton's iteration: each
// turn doubles the bits that are right).
func inverse(odd uint64) uint64 {
	x := odd
	for range 6 {
		x *= 2 - odd*x
	}
	return x
}
