package replay

import (
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// plainly puts an event to s by the plain way of its kind, and says whether it went.
func plainly(s *session, ev *format.Event) bool {
	switch ev.Kind {
	case format.KindIOReq:
		return s.sent(ev)
	case format.KindIOResp:
		return s.answered(ev)
	case format.KindBufIOReq:
		return s.enqueued(ev)
	}
	return false
}

// TestPlainIsTheLongWay: what goes the plain way leaves a session as request, answer
// and buffered do, with the same accounts; and nearly everything goes it.
func TestPlainIsTheLongWay(t *testing.T) {
	h, events := generated(t, 30_000)
	went, all := comparePlain(t, h, events)
	for _, k := range []format.Kind{format.KindIOReq, format.KindIOResp, format.KindBufIOReq} {
		if went[k] < all[k]/2 || went[k] == 0 {
			t.Errorf("%d of %d %v went the plain way", went[k], all[k], k)
		}
	}
}

// TestPlainIsTheLongWayLate: so it is where nobody knows who received a request, whether
// the servers' ranges are known or not.
func TestPlainIsTheLongWayLate(t *testing.T) {
	h, events := generated(t, 30_000)
	var late []format.Event
	found := map[xen.DomID]bool{}
	for i := range events {
		e := &events[i]
		if e.Kind != format.KindIOReq && e.Kind != format.KindIOResp {
			continue
		}
		e.Server = xen.NoServer
		if !found[e.Dom] {
			found[e.Dom] = true
			late = append(late, format.DomainFound{Dom: e.Dom}.Event(e.Time))
		}
		late = append(late, *e)
	}
	for _, c := range []struct {
		events []format.Event
		plain  []format.Kind
	}{{events, []format.Kind{format.KindIOResp}}, {late, []format.Kind{format.KindIOReq, format.KindIOResp}}} {
		went, all := comparePlain(t, h, c.events)
		for _, k := range c.plain {
			if went[k] < all[k]/5 || went[k] == 0 { // most are to pages of unknown types
				t.Errorf("%d of %d %v went the plain way", went[k], all[k], k)
			}
		}
	}
}

// comparePlain plays the events by the plain way where that can be gone, and at length.
// It returns how many there are of each kind, and how many went the plain way.
func comparePlain(t *testing.T, h format.Header, events []format.Event) (went, all map[format.Kind]int) {
	t.Helper()
	short, err := begin(h, Options{})
	if err != nil {
		t.Fatal(err)
	}
	long, err := begin(h, Options{OnVerdict: func(Verdict) {}})
	if err != nil {
		t.Fatal(err)
	}
	went, all = map[format.Kind]int{}, map[format.Kind]int{}
	for i := range events {
		ev := &events[i]
		all[ev.Kind]++
		if plainly(short, ev) {
			went[ev.Kind]++
		} else {
			short.take(ev)
		}
		if long.take(ev); i%500 == 0 || i == len(events)-1 {
			a, b := short.keyFrame(ev.Seq, ev.Time, true), long.keyFrame(ev.Seq, ev.Time, true)
			if !slices.Equal(a, b) {
				t.Fatalf("behind %s the states differ: %v", format.AppendText(nil, *ev), compare(a, b))
			}
		}
	}
	short.book()
	long.book()
	if !reflect.DeepEqual(short.reports, long.reports) || short.report.Agree != long.report.Agree ||
		!reflect.DeepEqual(short.report.Unknown, long.report.Unknown) {
		t.Errorf("accounts by the plain way\n%+v\n%+v\nat length\n%+v\n%+v", short.reports, short.report, long.reports, long.report)
	}
	t.Logf("the plain way went %v of %v", went, all)
	return went, all
}
