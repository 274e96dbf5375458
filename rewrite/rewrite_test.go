package rewrite

import (
	"errors"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestDroppedDataIsWhatRecordDrops keeps what steers routing, as package record
// does, also in a key-frame.
func TestDroppedDataIsWhatRecordDrops(t *testing.T) {
	r := Reduction{DropData: true}
	for _, c := range []struct {
		name string
		req  xen.IOReq
		keep bool
	}{
		{"serial port", xen.IOReq{Type: xen.TypePIO, Addr: 0x3f8, Size: 1, Data: 65}, false},
		{"config address", xen.IOReq{Type: xen.TypePIO, Addr: 0xcf8, Size: 4, Data: 0x80000010}, true},
		{"config data", xen.IOReq{Type: xen.TypePIO, Addr: 0xcff, Size: 1, Data: 7}, true},
		{"below", xen.IOReq{Type: xen.TypePIO, Addr: 0xcf7, Size: 2, Data: 7}, false},
		{"pci", xen.IOReq{Type: xen.TypePCIConfig, Addr: 0x10, Size: 4, Data: 7}, true},
		{"address", xen.IOReq{Type: xen.TypeCopy, Addr: 0xa0000, Size: 4, Data: 0x1000, DataIsPtr: true}, true},
		{"memory", xen.IOReq{Type: xen.TypeCopy, Addr: 0xa0000, Size: 4, Data: 0x1000}, false},
	} {
		for _, k := range []format.Kind{format.KindIOReq, format.KindIOResp} {
			for _, open := range []format.Kind{0, format.KindOpen} {
				e := format.IOReq{Dom: 3, ID: 5, DataKnown: true, Req: c.req}.Event(k, 9)
				e.Kind, e.Seq = k+open, 42
				got := r.Event(e)
				want := e
				if !c.keep {
					q := c.req
					q.Data = 0
					want = format.IOReq{Dom: 3, ID: 5, Req: q}.Event(k, 9)
					want.Kind, want.Seq = k+open, 42
				}
				if got != want {
					t.Errorf("%s, %v: %v, want %v", c.name, e.Kind, got, want)
				}
			}
		}
	}
	b := format.BufIOReq{Dom: 3, ID: 5, DataKnown: true, Data: 65, Addr: 0x3f8}.Event(9)
	if q := r.Event(b).BufIOReq(); q.DataKnown || q.Data != 0 || q.ID != 5 {
		t.Errorf("buffered: %+v", q)
	}
	if e := (format.Clock{WallNS: 1}).Event(1234); r.Event(e) != e {
		t.Error("a clock was changed")
	}
}

func TestResolution(t *testing.T) {
	e := format.Clock{}.Event(1234567)
	if got := (Reduction{Resolution: 1000}).Event(e).Time; got != 1234000 {
		t.Errorf("%d", got)
	}
	h := format.Header{TimeResolutionNS: 5000, Data: "full"}
	Reduction{Resolution: 1000, DropData: true}.Header(&h)
	if h.TimeResolutionNS != 5000 || h.Data != "none" {
		t.Errorf("%+v", h)
	}
}

// TestSumsDiffer changes one thing of one event at a time.
func TestSumsDiffer(t *testing.T) {
	sum := func(events ...format.Event) (s Sum) {
		for _, e := range events {
			s.Add(&e)
		}
		return s
	}
	a, b := format.Clock{WallNS: 1}.Event(5), format.Clock{WallNS: 2}.Event(6)
	whole := sum(a, b)
	if whole != sum(a, b) {
		t.Error("equal events have different sums")
	}
	others := []Sum{sum(), sum(a), sum(b, a), sum(a, b, b)}
	for i := range a.W {
		c := a
		c.W[i] ^= 1 << 63
		others = append(others, sum(c, b))
	}
	for _, change := range []func(*format.Event){
		func(e *format.Event) { e.Kind++ }, func(e *format.Event) { e.Seq++ }, func(e *format.Event) { e.Time++ },
		func(e *format.Event) { e.Dom++ }, func(e *format.Event) { e.Server++ }, func(e *format.Event) { e.VCPU++ },
	} {
		c := b
		change(&c)
		others = append(others, sum(a, c))
	}
	for i, s := range others {
		if s == whole {
			t.Errorf("change %d is not seen", i)
		}
	}
}

func TestOrder(t *testing.T) {
	h := format.Header{CaptureUUID: "c"}
	part := func(name string, first, last uint64) Part {
		return Part{Name: name, Header: h, Events: last - first + 1, First: first, Last: last}
	}
	parts := []Part{part("b", 10, 19), part("c", 25, 30), part("a", 0, 9)}
	if err := Order(parts); err != nil || parts[0].Name != "a" || parts[2].Name != "c" {
		t.Errorf("%v, %v", parts, err)
	}
	if _, ok := Missing(parts[0], parts[1], 1); ok {
		t.Error("something is missing between 9 and 10")
	}
	if e, ok := Missing(parts[1], parts[2], 7); !ok || e.Seq != 20 || e.Lost().Count != 5 || e.Time != 7 {
		t.Errorf("%v, %v", e, ok)
	}
	other := part("x", 40, 50)
	other.Header.CaptureUUID = "d"
	coarse := part("y", 40, 50)
	coarse.Header.TimeResolutionNS = 1000
	for want, p := range map[string]Part{"different captures": other, "differ in time": coarse, "overlap": part("z", 30, 40)} {
		err := Order([]Part{part("a", 0, 30), p})
		if !errors.Is(err, ErrParts) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := Order([]Part{{Name: "a"}, {Name: "b"}}); !errors.Is(err, ErrParts) {
		t.Errorf("without a capture: %v", err)
	}
}

// TestMissingOfOneDomain: of a domain's trace the numbers have gaps, which are no hole
// between the parts that one split made, nor behind the key-frame that opens a part.
func TestMissingOfOneDomain(t *testing.T) {
	look := func(part int, op string, numbers ...uint64) Part {
		h := format.Header{Part: part, Provenance: []format.Step{{Op: "record"}, {Op: op, Args: []string{"--time=1s"}, InputUUID: "u"}}}
		p, err := Look("", h, func(yield func(format.Event, error) bool) {
			for i, n := range numbers {
				e := format.Event{Kind: format.KindClock, Seq: n}
				if i == 0 {
					e.Kind = format.KindKeyFrame
				}
				if !yield(e, nil) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		a, b Part
		want uint64
	}{
		{look(1, "split", 0, 3, 5), look(2, "split", 9, 9, 10), 0},
		{look(1, "split", 0, 3, 5), look(3, "split", 9, 9, 10), 3},
		{look(1, "repack", 0, 3, 5), look(2, "repack", 9, 9, 10), 3},
		{look(0, "split", 0, 3, 5), look(1, "split", 9, 9, 10), 3},
		{look(1, "", 0, 3, 5), look(1, "", 6, 9, 10), 0},
		{look(1, "", 0, 3, 5), look(1, "", 8, 9, 10), 2},
		{look(1, "", 0, 3, 5), look(1, "", 4, 9, 10), 0}, // which no writer takes
	} {
		if e, ok := Missing(c.a, c.b, 7); ok != (c.want > 0) || e.Lost().Count != c.want {
			t.Errorf("%+v and %+v: %d are missing, want %d", c.a, c.b, e.Lost().Count, c.want)
		}
	}
}

// TestResolutionIsThatOfTheTimes reduces a trace that was reduced before.
func TestResolutionIsThatOfTheTimes(t *testing.T) {
	for _, c := range []struct{ had, asked, want uint64 }{{0, 0, 0}, {0, 1000, 1000}, {1000, 0, 1000}, {1000, 1, 1000}, {1000, 1000, 1000}, {1000, 3000, 3000}, {3000, 1000, 3000}, {3000, 2000, 2000}} {
		r, h := Reduction{Resolution: c.asked}, format.Header{TimeResolutionNS: c.had}
		r.Header(&h)
		e := r.Event(format.Event{Kind: format.KindMark, Time: 3000 * 7})
		if h.TimeResolutionNS != c.want || c.want > 0 && e.Time%c.want != 0 {
			t.Errorf("%+v: header %d, time %d", c, h.TimeResolutionNS, e.Time)
		}
	}
}

// TestLossIsToldOnce splits behind a loss that the whole knows of.
func TestLossIsToldOnce(t *testing.T) {
	lost := format.Lost{Probe: format.ProbeFile, Reason: format.ReasonDamaged, Count: 9}.Event(5)
	lost.Seq = 1
	a, err := Look("a", format.Header{}, func(yield func(format.Event, error) bool) { yield(lost, nil) })
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := Missing(a, Part{Events: 1, First: 10, Last: 10}, 5); ok {
		t.Errorf("lost again: %v", e)
	}
	if e, ok := Missing(a, Part{Events: 1, First: 13, Last: 13}, 5); !ok || e.Lost().Count != 3 {
		t.Errorf("three more are missing: %v, %v", e, ok)
	}
}
