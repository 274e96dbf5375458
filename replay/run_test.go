package replay

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// session is a short whole session: two servers, requests, typed pages.
func shortSession() *tape {
	t := &tape{}
	t.server(dom, 0, 0x3f8, 0x3ff)
	t.server(dom, 1, 0x60, 0x64)
	t.do(dom, 0, 0, 0x3f8)
	t.do(dom, 1, 1, 0x60)
	t.dm(dom, claimOf(1), xen.OK)
	t.dm(dom, claimOf(0), xen.EBusy)
	t.dm(dom, unmapping(0, xen.SpacePort, 0x100, 0x1ff), xen.ENoEnt)
	t.do(dom, 0, 1, 0x3fc)
	t.dm(dom, xen.DestroyIOReqServer{ID: 0}, xen.OK)
	t.create(dom, xen.BufOff, 0)
	return t
}

func TestSessionAgrees(t *testing.T) {
	r, vs := shortSession().replay(t)
	want(t, r, vs, 4+4+6+5, 0, 0)
	if r.Profile != "xen-4.17/npt" || r.ProfileSource != "header" {
		t.Errorf("profile %q from %q", r.Profile, r.ProfileSource)
	}
	if len(r.Domains) != 1 || r.Domains[0].Dom != dom || !r.Domains[0].Complete || r.Domains[0].Agree != r.Agree || r.Domains[0].Events != r.Events {
		t.Errorf("domains %+v", r.Domains)
	}
	if r.Cost.HC == 0 || r.Domains[0].Cost != r.Cost {
		t.Errorf("cost %+v, of the only domain %+v", r.Cost, r.Domains[0].Cost)
	}
}

// TestOneChangeIsOneDifference changes one receiver or one result at a time.
func TestOneChangeIsOneDifference(t *testing.T) {
	whole := shortSession()
	n := 0
	for i, e := range whole.events {
		changed := e
		switch e.Kind {
		case format.KindIOReq, format.KindIOResp:
			changed.Server ^= 1
		case format.KindDMOpReturn, format.KindIoctlReturn:
			changed.W[1] ^= 1
		default:
			continue
		}
		n++
		one := &tape{events: append([]format.Event(nil), whole.events...)}
		one.events[i] = changed
		r, vs := one.replay(t)
		if r.Differ != 1 || r.FirstDifference.Event != uint64(i) {
			t.Errorf("event %d %v changed: differ %d, first %+v", i, e.Kind, r.Differ, r.FirstDifference)
			for _, v := range vs {
				if v.Kind != Agree {
					t.Logf("%+v", v)
				}
			}
		}
	}
	if n != 19 {
		t.Errorf("changed %d events", n)
	}
}

func TestRunIsDeterministic(t *testing.T) {
	tp := shortSession()
	tp.in(dom, 5, 0, 0x99)
	a, _ := tp.replay(t)
	b, _ := tp.replay(t)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestDamagedTraceReportsWhatPrecedes(t *testing.T) {
	bad := errors.New("offset 12: bad checksum")
	tp := shortSession()
	seq := func(yield func(format.Event, error) bool) {
		for _, e := range tp.events[:8] {
			if !yield(e, nil) {
				return
			}
		}
		yield(format.Event{}, bad)
	}
	r, err := Run(header, seq, Options{})
	if !errors.Is(err, bad) || r.Events != 8 || r.Agree != 4 {
		t.Errorf("error %v, report %+v", err, r.Tally)
	}
}

func TestProfile(t *testing.T) {
	given, err := engine.ProfileFor(engine.Release{Major: 4, Minor: 14}, engine.EPT)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		h    format.Header
		p    engine.Profile
		want string // profile, or the beginning of the error
	}{
		{h: format.Header{XenVersion: "4.20.1-pre", Paging: "ept"}, want: "xen-4.20/ept header"},
		{h: format.Header{XenVersion: "4.14", CPUVendor: "GenuineIntel"}, want: "xen-4.14/ept header"},
		{h: header, p: given, want: "xen-4.14/ept options"},
		{p: given, want: "xen-4.14/ept options"},
		{h: format.Header{Paging: "npt"}, want: `profile: the trace's Xen version is ""`},
		{h: format.Header{XenVersion: "4.", Paging: "npt"}, want: `profile: the trace's Xen version is "4."`},
		{h: format.Header{XenVersion: "4.17.1"}, want: "profile: the trace names neither npt nor ept"},
		{h: format.Header{XenVersion: "4.3.1", Paging: "npt"}, want: "profile: "},
	} {
		r, err := Run(c.h, (&tape{}).seq2(), Options{Profile: c.p})
		got := r.Profile + " " + r.ProfileSource
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.h, got, c.want)
		}
	}
}

// TestSelectionIsRefused replays what cat has left events out of: without the calls that
// made the server, a request to it would be a difference.
func TestSelectionIsRefused(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.do(dom, 0, 0, 0x60)
	h := header
	h.Provenance = []format.Step{{Op: format.OpCat, Args: []string{"--kind=ioreq", "\x1b[2J"}}, {Op: "asm"}}
	if r, err := Run(h, tp.seq2(), Options{}); !errors.Is(err, ErrSelection) || !strings.Contains(err.Error(), `by "cat --kind=ioreq \x1b[2J"`) || r.Events > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	h.Provenance[0].Op = "repack"
	if r, err := Run(h, tp.seq2(), Options{}); err != nil || r.Agree == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
