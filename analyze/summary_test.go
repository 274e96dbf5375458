package analyze

import (
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func slot(dom xen.DomID, srv xen.ServerID, state xen.State) format.IOReq {
	return format.IOReq{Dom: dom, Server: srv, Req: xen.IOReq{State: state, Size: 4, Count: 1}}
}

func summaryOf(events ...format.Event) Summary {
	var t format.Tally
	for i := range events {
		t.Add(&events[i])
	}
	return Summarize(t.Totals())
}

func TestSummaryCountsWhatItWasGiven(t *testing.T) {
	got := summaryOf(
		format.Process{PID: 7, Comm: "qemu"}.Event(100),
		slot(3, 1, xen.StateReady).Event(format.KindIOReq, 200),
		slot(3, 1, xen.StateRespReady).Event(format.KindIOResp, 210),
		slot(3, 1, xen.StateNone).Event(format.KindIOReq, 220), // a spurious event is no request
		slot(2, 0, xen.StateReady).Event(format.KindIOReq, 230),
		format.BufIOReq{Dom: 3, Server: 0, Size: 1}.Event(240),
		format.Lost{Dom: 3, Server: xen.NoServer, Probe: format.ProbeRing, Reason: format.ReasonOverrun, CPU: -1, Count: 9}.Event(250),
		format.Unlearned{Dom: 2, Server: 0, What: format.WhatRanges}.Event(90),
	)
	want := Summary{
		Events: 8, FirstNS: 90, DurationNS: 160, Lost: 9,
		Domains:   []xen.DomID{2, 3},
		Servers:   []format.ServerTotal{{Dom: 2, Server: 0, Sync: 1}, {Dom: 3, Server: 0, Buffered: 1}, {Dom: 3, Server: 1, Sync: 1, Answers: 1}},
		Processes: []format.ProcessTotal{{PID: 7, Comm: "qemu"}},
		Kinds:     map[string]uint64{"process": 1, "ioreq": 3, "ioresp": 1, "buf_ioreq": 1, "lost": 1, "unlearned": 1},
		LostBy:    map[string]uint64{"ring/overrun": 9},
		Unlearned: []string{"domain 2 server 0: ranges"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestOnlyProofMakesADomain(t *testing.T) {
	got := summaryOf(
		format.HypercallEnter{Dom: 9, ID: 1, Nr: xen.HyperDomctl}.Event(1),
		format.HypercallReturn{Dom: 9, ID: 1, Ret: -int64(xen.ESrch)}.Event(2),
		format.HypercallReturn{Dom: 8, ID: 2}.Event(3),
		format.DMOpReturn{Dom: 7, ID: 3, Ret: -int64(xen.EInval)}.Event(4),
		format.DomainFound{Dom: xen.DomInvalid}.Event(5),
	).Domains
	if !reflect.DeepEqual(got, []xen.DomID{7, 8}) {
		t.Errorf("domains %v, want 7 and 8", got)
	}
}

// TestSummaryIsBounded: a trace of any length takes bounded memory, and the summary
// says that it is not all.
func TestSummaryIsBounded(t *testing.T) {
	events := make([]format.Event, 5000)
	for i := range events {
		events[i] = format.Process{PID: uint32(i)}.Event(1)
	}
	if got := summaryOf(events...); !got.Cut || len(got.Processes) != 1024 || got.Kinds["process"] != 5000 {
		t.Errorf("%d processes of %d, cut %v", len(got.Processes), got.Kinds["process"], got.Cut)
	}
	if summaryOf(events[:1024]...).Cut {
		t.Error("1024 processes are too many")
	}
}

func TestSummaryOfNothing(t *testing.T) {
	got := Summarize(format.Totals{})
	if got.Events != 0 || got.DurationNS != 0 || len(got.Domains) != 0 {
		t.Errorf("empty trace gives %+v", got)
	}
}
