package replay

import (
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
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
	short, err := begin(h, Options{})
	if err != nil {
		t.Fatal(err)
	}
	long, err := begin(h, Options{OnVerdict: func(Verdict) {}})
	if err != nil {
		t.Fatal(err)
	}
	went, all := map[format.Kind]int{}, map[format.Kind]int{}
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
	if !reflect.DeepEqual(short.reports, long.reports) || short.report.Agree != long.report.Agree {
		t.Errorf("accounts by the plain way\n%+v\nat length\n%+v", short.report, long.report)
	}
	for _, k := range []format.Kind{format.KindIOReq, format.KindIOResp, format.KindBufIOReq} {
		if went[k] < all[k]/2 || went[k] == 0 {
			t.Errorf("%d of %d %v went the plain way", went[k], all[k], k)
		}
	}
	t.Logf("the plain way went %v of %v", went, all)
}
