package replay

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func TestDomainOlderThanTheCapture(t *testing.T) {
	tp := &tape{}
	tp.add(format.DomainFound{Dom: dom, VCPUs: 2}.Event(0))
	tp.add(format.ServerFound{Dom: dom, Server: 0, BufPort: 5}.Event(0))
	tp.add(format.Unlearned{Dom: dom, Server: 0, What: format.WhatRanges}.Event(0))
	tp.do(dom, 0, 0, 0x3f8)
	tp.dm(dom, mapping(0, xen.SpacePort, 0x60, 0x64), xen.OK)
	r, vs := tp.replay(t)
	if r.Differ != 0 || r.Undetermined == 0 || r.Unlearned != 1 || r.Domains[0].Complete || !r.CostIncomplete {
		t.Errorf("%+v %+v", r, vs)
	}
}

func TestReceiverUnknown(t *testing.T) {
	tp := &tape{}
	tp.add(format.DomainFound{Dom: dom}.Event(0))
	tp.do(dom, xen.NoServer, 0, 0x3f8)
	tp.do(dom, xen.NoServer, 0, 0x3f8)
	for _, version := range []string{"4.9.4", header.XenVersion} { // where ids count, and where they do not
		h := header
		h.XenVersion = version
		r, vs := runAll(t, h, tp.events, Options{})
		want(t, r, vs, 0, 0, 4)
		if r.Unknown[whyReceiver] != 4 {
			t.Errorf("Xen %s: %v", version, r.Unknown)
		}
	}
}

func TestFoundLate(t *testing.T) {
	tp := &tape{}
	tp.do(dom, 0, 0, 0x3f8) // a complete domain has no server 0
	tp.add(format.DomainFound{Dom: dom}.Event(0))
	tp.do(dom, 0, 1, 0x60)
	r, vs := tp.replay(t)
	if r.Differ != 1 || r.FirstDifference.Event != 0 || r.Domains[0].Complete {
		t.Errorf("%+v %+v", r, vs)
	}
}

func TestDomidReuse(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.destroyDomain(dom, 0)
	tp.server(dom, 0, 0x3f8, 0x3ff)
	tp.do(dom, 0, 0, 0x3f8)
	tp.in(dom, 0, 0, 0x60) // the first life's
	r, vs := tp.replay(t)
	want(t, r, vs, 4+4+2, 1, 0)
	if len(r.Domains) != 2 || r.Domains[0].Events != 11 || r.Domains[1].Events != 10 {
		t.Errorf("%+v", r.Domains)
	}
}

func TestCreateDomainBeginsALife(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.createDomain(dom) // whose end was not seen
	tp.server(dom, 0, 0x3f8, 0x3ff)
	r, vs := tp.replay(t)
	want(t, r, vs, 8, 0, 0)
}

func TestCallsOnADomainThatGoes(t *testing.T) {
	destroy := xen.DestroyIOReqServer{ID: 0}
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	w := [4]uint64{xen.DomctlDestroy, uint64(dom)}
	tp.add(format.HypercallEnter{Dom: dom, ID: 77, Nr: xen.HyperDomctl, Sub: xen.DomctlDestroy, Known: true, Words: w}.Event(0))
	tp.dm(dom, destroy, xen.ENoEnt) // Xen was faster
	tp.add(format.HypercallReturn{Dom: dom, ID: 77}.Event(0))
	tp.dm(dom, destroy, xen.ESrch)
	tp.dm(dom, destroy, xen.ENoEnt) // still held by a mapping
	r, vs := tp.replay(t)
	want(t, r, vs, 4+1, 0, 2)
	if r.Unknown[whyDying] != 2 {
		t.Errorf("%v", r.Unknown)
	}
}

func TestNoSuchDomain(t *testing.T) {
	tp := &tape{}
	tp.dm(dom, xen.GetIOReqServerInfo{ID: 0, Flags: xen.NoGFNs}, xen.ESrch)
	r, vs := tp.replay(t)
	want(t, r, vs, 0, 0, 1)
	if len(r.Domains) != 0 {
		t.Errorf("%+v", r.Domains)
	}
}

func TestLostCalls(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.lost(format.ProbePrivcmd, 3)
	tp.do(dom, 1, 0, 0x60)   // a server that may have been made unseen
	tp.do(other, 0, 0, 0x60) // so may this domain's
	tp.createDomain(other)   // but not this one's
	tp.server(other, 0, 0x1, 0x2)
	tp.in(other, 0, 0, 0x60)
	r, vs := tp.replay(t)
	if r.Lost != 3 || r.Differ != 1 || r.FirstDifference.Event != uint64(len(tp.events)-1) || r.Agree < 4+4 {
		t.Errorf("%+v", r)
		for _, v := range vs {
			t.Logf("%+v", v)
		}
	}
}

func TestLossOfOneDomain(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.server(other, 0, 0x60, 0x64)
	tp.add(format.Lost{Dom: other, Probe: format.ProbePrivcmd, Count: 1}.Event(0))
	tp.do(dom, 0, 0, 0x60)
	tp.in(dom, 1, 0, 0x60)
	tp.in(other, 1, 0, 0x60)
	r, vs := tp.replay(t)
	want(t, r, vs, 8+2, 1, 1)
}

func TestHarmlessLosses(t *testing.T) {
	for _, p := range []format.Probe{format.ProbeRing, format.ProbeInterrupt, format.ProbeEvtchnWrite, format.ProbeProcess} {
		tp := &tape{}
		tp.server(dom, 0, 0x60, 0x64)
		tp.lost(p, 1)
		tp.do(dom, 0, 0, 0x60)
		r, vs := tp.replay(t)
		want(t, r, vs, 6, 0, 0)
	}
}

func TestLostAnswer(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.in(dom, 0, 0, 0x60)
	tp.lost(format.ProbeEvtchnIoctl, 1)
	tp.do(dom, 0, 0, 0x60)
	r, vs := tp.replay(t)
	want(t, r, vs, 4+3, 0, 0)
}

func TestProcessEndsInACall(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.enter(dom, mapping(0, xen.SpacePort, 0x3f8, 0x3ff))
	tp.add(format.ProcessExit{PID: 100}.Event(0))
	tp.in(dom, 0, 0, 0x3f8) // whether the call was executed is not known
	r, vs := tp.replay(t)
	want(t, r, vs, 4, 0, 1)
	if r.Unreturned != 1 || r.Unanswered != 1 {
		t.Errorf("unreturned %d unanswered %d", r.Unreturned, r.Unanswered)
	}
}

func (t *tape) clock() { t.add(format.Clock{}.Event(0)) }

// TestLossFoundWithTheClocks: the hole lies somewhere before the event that
// tells of it.
func TestLossFoundWithTheClocks(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    func(*tape)
		differ uint64
	}{
		{"loss at the clock", func(tp *tape) { tp.clock(); tp.lost(format.ProbePrivcmd, 1) }, 0},
		{"loss before the clock", func(tp *tape) { tp.lost(format.ProbeUnknown, 1); tp.clock() }, 0},
		{"loss that explains nothing", func(tp *tape) { tp.clock(); tp.lost(format.ProbeRing, 1) }, 1},
		{"loss of answers", func(tp *tape) { tp.clock(); tp.lost(format.ProbeIOResp, 1) }, 1},
		{"another domain's loss", func(tp *tape) {
			tp.clock()
			tp.add(format.Lost{Dom: other, Probe: format.ProbePrivcmd, Count: 1}.Event(0))
		}, 1},
		{"loss after an interval", func(tp *tape) { tp.clock(); tp.clock(); tp.do(dom, 0, 1, 0x60); tp.lost(format.ProbePrivcmd, 1) }, 1},
		{"no loss", func(tp *tape) { tp.clock() }, 1},
		{"end", func(*tape) {}, 1},
	} {
		tp := &tape{}
		tp.clock()
		tp.server(dom, 0, 0x60, 0x64)
		tp.in(dom, 1, 0, 0x60)
		tp.do(dom, 0, 1, 0x60)
		c.end(tp)
		r, vs := tp.replay(t)
		if r.Differ != c.differ || r.Undetermined != 1-c.differ {
			t.Errorf("%s: %+v", c.name, r.Tally)
		}
		for i := 1; i < len(vs); i++ {
			if vs[i].Event <= vs[i-1].Event {
				t.Errorf("%s: verdict on %d after that on %d", c.name, vs[i].Event, vs[i-1].Event)
			}
		}
	}
}
