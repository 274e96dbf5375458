package lab_test

import (
	"io"
	"os"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/crosscheck"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestScenarioLifetimes has device models and a domain come and go before two
// recorders, neither of which may lose or double anything.
func TestScenarioLifetimes(t *testing.T) {
	releases := []lab.Release{release(t, "4.17")}
	if os.Getenv(requireEnv) == "all" {
		releases = lab.Releases()
	}
	onReleases(t, releases, func(t *testing.T, r lab.Release) {
		p := play(t, r, "lifetimes")
		for _, p.session = range []string{dom0.SessionFile, dom0.SecondFile} {
			p.agreesWithRelay(t)
			p.agreesWithQEMUs(t, io.MultiReader(p.open(t, dom0.FirstTruth), p.open(t, dom0.QEMUTruth)))
			p.complete(t, 4)
			p.sawTheLives(t)
			p.sawEventFDs(t)
		}
	})
}

// wantRelay and wantRelayed are how many requests and ring entries the processes of
// a relay serve, with a short session of the mediator behind it, at the least.
const (
	wantRelay   = 2500
	wantRelayed = 900
)

// agreesWithRelay compares the trace with the log that all stages have written.
func (p played) agreesWithRelay(t *testing.T) {
	t.Helper()
	got, err := crosscheck.Compare(dm.ReadLog(p.open(t, dom0.MediatorTruth)), p.trace(t).Events(), crosscheck.Options{Comms: dom0.Stages})
	p.report(t, p.session+": relay", got, err)
	if got.Sync < wantRelay || got.Buf < wantRelayed || got.Unseen > 0 {
		t.Errorf("%s: want %d requests and %d ring entries at the least, none unseen, got %+v", p.session, wantRelay, wantRelayed, got)
	}
}

// sawTheLives checks that the exec and both lives of the domain's id are in the
// trace, and that a request was answered by another process than took it.
func (p played) sawTheLives(t *testing.T) {
	t.Helper()
	names, taken := map[uint32]string{}, map[uint64]uint32{}
	execs, handed, lives := 0, 0, 0
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case format.KindProcess:
			q := e.Process()
			if names[q.PID] == dom0.Stages[0] && q.Comm == dom0.Stages[1] {
				execs++
			}
			names[q.PID] = q.Comm
		case format.KindProcessExit:
			delete(names, e.ProcessExit().PID)
		case format.KindIOReq:
			taken[e.IOReq().ID] = e.IOReq().Caller.PID
		case format.KindIOResp:
			if by, ok := taken[e.IOReq().ID]; ok && by != e.IOReq().Caller.PID {
				handed++
			}
		case format.KindDMOpEnter:
			if d := e.DMOpEnter(); d.Op.Op == xen.OpCreateIOReqServer && names[d.Caller.PID] == dom0.Stages[0] {
				lives++
			}
		}
	}
	// heir hands a request to successor, and that one, which is killed, to restarted.
	if execs != 1 || handed != 2 || lives < 2 {
		t.Errorf("%s: want 1 exec, 2 requests handed on and servers of 2 lives, got %d, %d and %d", p.session, execs, handed, lives)
	}
}

// sawEventFDs checks what one stage asks of the kernel, which refuses.
func (p played) sawEventFDs(t *testing.T) {
	t.Helper()
	var device xen.IOEventFD
	var irq xen.IRQFD
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		switch i := e.IoctlEnter(); i.Cmd {
		case xen.PrivcmdIOEventFD:
			device = xen.IOEventFDOf(xen.Dom0, uint32(i.Arg), i.Words)
		case xen.PrivcmdIRQFD:
			irq = xen.IRQFDOf(xen.Dom0, uint32(i.Arg), i.Words)
		}
	}
	irq.Size = dm.RefusedIRQ.Size // the trace does not say
	if device != dm.RefusedDevice || irq != dm.RefusedIRQ {
		t.Errorf("%s: eventfds: want %+v and %+v, got %+v and %+v", p.session, dm.RefusedDevice, dm.RefusedIRQ, device, irq)
	}
}
