package crosscheck

import (
	"iter"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

func seq[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, x := range items {
			if !yield(x, nil) {
				return
			}
		}
	}
}

var caller = format.Caller{PID: 9, TID: 9}

// log is a session of two requests, one buffered entry and one call.
func log() []dm.Line {
	return []dm.Line{
		{Kind: dm.LineCall, Call: &dm.CallLine{Name: "destroy_ioreq_server", In: [3]uint64{1}, Out: [3]uint64{1}, Errno: xen.ENoEnt}},
		{Kind: dm.LineSync, Sync: &dm.SyncLine{Server: 1, Addr: 0x5678, Size: 1, Count: 1, Dir: xen.DirRead, Answer: 7}},
		{Kind: dm.LineBuf, Buf: &dm.BufLine{Server: 1, Slot: 510, Type: xen.TypeCopy, Addr: 0xb8000, Size: 8, Data: 5}},
		{Kind: dm.LineSync, Sync: &dm.SyncLine{Server: 1, Addr: 0x5679, Size: 4, Count: 1, Data: 3, Answer: 3}},
	}
}

// events is the same session as a recorder sees it.
func events() []format.Event {
	slot := func(k format.Kind, id, addr, data uint64, size uint32, dir xen.Dir, st xen.State) format.Event {
		return format.IOReq{Dom: 1, Server: 1, ID: id, Caller: caller, DataKnown: true,
			Req: xen.IOReq{Addr: addr, Data: data, Size: size, Count: 1, Dir: dir, State: st}}.Event(k, 0)
	}
	return []format.Event{
		format.Process{PID: 9, Comm: "mediator"}.Event(0),
		format.DMOpEnter{Dom: 1, ID: 1, Caller: caller, NrBufs: 1, Known: true, Op: xen.NewDMOp(xen.DestroyIOReqServer{ID: 1})}.Event(0),
		format.DMOpReturn{Dom: 1, ID: 1, Ret: -2, Known: true, Words: [3]uint64{1}}.Event(0),
		slot(format.KindIOReq, 1, 0x5678, 0, 1, xen.DirRead, xen.StateReady),
		slot(format.KindIOResp, 1, 0x5678, 7, 1, xen.DirRead, xen.StateRespReady),
		format.BufIOReq{Dom: 1, Server: 1, Caller: caller, DataKnown: true, Type: xen.TypeCopy, Addr: 0xb8000, Size: 8, Data: 5}.Event(0),
		slot(format.KindIOReq, 2, 0x5679, 3, 4, xen.DirWrite, xen.StateReady),
		slot(format.KindIOResp, 2, 0x5679, 3, 4, xen.DirWrite, xen.StateRespReady),
	}
}

func mustCompare(t *testing.T, l []dm.Line, e []format.Event, late bool) Result {
	t.Helper()
	r, err := Compare(seq(l), seq(e), Options{Comms: []string{"mediator"}, Late: late})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEqualSessions(t *testing.T) {
	r := mustCompare(t, log(), events(), false)
	if !r.OK() || r.Sync != 2 || r.Buf != 1 || r.Calls != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestEveryChangeIsFound(t *testing.T) {
	changes := map[string]func([]format.Event){
		"server":  func(e []format.Event) { e[3].Server = 0 },
		"answer":  func(e []format.Event) { e[4].W[5] ^= 1 },
		"address": func(e []format.Event) { e[6].W[4] ^= 1 },
		"ring":    func(e []format.Event) { e[5].W[4] ^= 1 },
		"errno":   func(e []format.Event) { e[2].W[1] = 0 },
		"missing": func(e []format.Event) { e[7] = format.Clock{}.Event(0) },
		"process": func(e []format.Event) { e[0] = format.Process{PID: 9, Comm: "other"}.Event(0) },
	}
	for name, change := range changes {
		e := events()
		change(e)
		if r := mustCompare(t, log(), e, false); r.OK() {
			t.Errorf("%s changed: nothing was found", name)
		}
	}
}

// TestSessionHandedOn has a process exec, which then is another's, and a request
// that another process answers.
func TestSessionHandedOn(t *testing.T) {
	e := events()
	last := len(e) - 1
	answer := e[last].IOReq()
	answer.Caller = format.Caller{PID: 12, TID: 12}
	other := e[1].DMOpEnter()
	other.ID = 3
	e = append(e[:last],
		format.Process{PID: 9, Comm: "another"}.Event(0),
		other.Event(0), format.DMOpReturn{Dom: 1, ID: 3, Known: true}.Event(0), // is not in the log
		format.ProcessExit{PID: 9}.Event(0),
		format.Process{PID: 12, Comm: "restarted"}.Event(0), answer.Event(format.KindIOResp, 0))
	r, err := Compare(seq(log()), seq(e), Options{Comms: []string{"mediator", "restarted"}})
	if err != nil || !r.OK() || r.Sync != 2 || r.Unseen != 0 || r.Calls != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err := Compare(seq(log()), seq(e), Options{Comms: []string{"mediator", "restarted", "nobody"}}); err != nil || r.OK() {
		t.Errorf("a process that is not there: got %+v, %v", r, err)
	}
}

// TestAnswerTakenEarly: a slot that has the next request already shows no answer, but that
// there was one.
func TestAnswerTakenEarly(t *testing.T) {
	e := events()
	next := e[6].IOReq()
	next.ID = 1
	e[4] = next.Event(format.KindIOResp, 0)
	if r := mustCompare(t, log(), e, false); !r.OK() || r.Early != 1 || r.Unseen != 0 {
		t.Errorf("got %+v", r)
	}
	next.ID = 7
	e[4] = next.Event(format.KindIOResp, 0)
	if r := mustCompare(t, log(), e, false); r.OK() {
		t.Error("a notification that answers nothing was taken for an answer")
	}
}

func TestLossIsConserved(t *testing.T) {
	e := events()
	e[5] = format.Lost{Dom: 1, Server: 1, Probe: format.ProbeRing, Reason: format.ReasonOverrun, CPU: -1, Count: 2}.Event(0)
	if r := mustCompare(t, log(), e, false); !r.OK() || r.SlotsLost != 2 {
		t.Errorf("two slots taken, two lost: got %+v", r)
	}
	e[5].W[3] = 1
	if r := mustCompare(t, log(), e, false); r.OK() {
		t.Error("two slots taken, one lost: nothing was found")
	}
}

func TestLateTraceIsTheLogsEnd(t *testing.T) {
	e := append(events()[:1], events()[5:]...)
	e[2].Server = xen.NoServer
	l := log()[1:]
	r := mustCompare(t, l, e, true)
	if !r.OK() || r.Sync != 1 {
		t.Errorf("got %+v", r)
	}
	if r := mustCompare(t, l, e, false); r.OK() || !strings.Contains(strings.Join(r.Mismatches, "\n"), "requests: device model has 2, trace has 1") {
		t.Errorf("complete trace without its beginning: got %+v", r)
	}
}

func TestQEMULog(t *testing.T) {
	const lines = `handle_ioreq I/O=0x7ffc type=0 dir=1 df=0 ptr=0 port=0x5678 data=0x0 count=1 size=1
handle_ioreq_read I/O=0x7ffc read type=0 df=0 ptr=0 port=0x5678 data=0x0 count=1 size=1
handle_ioreq I/O=0x7ffd type=1 dir=0 df=0 ptr=0 port=0xb8000 data=0x5 count=1 size=8
handle_ioreq I/O=0x7ffc type=0 dir=0 df=0 ptr=0 port=0x5679 data=0x3 count=1 size=4
`
	r, err := QEMU(strings.NewReader(lines), seq(events()), Options{Comms: []string{"mediator"}})
	if err != nil || !r.OK() || r.Sync != 3 {
		t.Errorf("equal: %+v, %v", r, err)
	}
	e := events()
	e[6].W[4]++
	if r, _ := QEMU(strings.NewReader(lines), seq(e), Options{Comms: []string{"mediator"}}); len(r.Mismatches) != 2 {
		t.Errorf("another address: want two mismatches, got %q", r.Mismatches)
	}
	e = events()
	e[6].W[3], e[6].W[5] = 1<<12|e[6].W[3]&^(1<<11), 0
	if r, _ := QEMU(strings.NewReader(lines), seq(e), Options{Comms: []string{"mediator"}}); !r.OK() || r.Deduced != 1 {
		t.Errorf("a request from its answer: %+v", r)
	}
	if _, err := QEMU(strings.NewReader("handle_ioreq I/O=what"), seq(e), Options{Comms: []string{"mediator"}}); err == nil {
		t.Error("a line that is none was read")
	}
}

func TestLateTraceHasAllSinceItsStep(t *testing.T) {
	l := append([]dm.Line{{Kind: dm.LineStep, Step: "between"}}, log()[1:]...)
	for _, c := range []struct {
		events []format.Event
		ok     bool
	}{
		{append(events()[:1:1], events()[5:]...), true}, // one of two: the other was taken before
		{append(events()[:1:1], events()[5]), false},    // none
	} {
		r, err := Compare(seq(l), seq(c.events), Options{Comms: []string{"mediator"}, Late: true, From: "between"})
		if err != nil || r.OK() != c.ok {
			t.Errorf("want ok %v, got %+v, %v", c.ok, r, err)
		}
	}
}

func TestSlotTakenTwiceIsOneRequest(t *testing.T) {
	l := log()
	l = append(l[:3:3], l[2:]...)
	r := mustCompare(t, l, events(), false)
	if !r.OK() || r.Buf != 1 || r.Repeats != 1 {
		t.Errorf("the same slot twice: got %+v", r)
	}
	again := *l[3].Buf
	again.Slot = 1
	l[3].Buf = &again
	if r := mustCompare(t, l, events(), false); r.OK() {
		t.Error("an equal request in another slot: nothing was found")
	}
}
