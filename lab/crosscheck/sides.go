package crosscheck

import (
	"iter"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

// session is the device model's side.
type session struct {
	sync  []syncPair
	bufs  []bufEntry
	calls []call

	repeats int
	from    int                   // requests before Options.From
	servers map[xen.ServerID]bool // that it had a ring or slots of
}

func readLog(log iter.Seq2[dm.Line, error], from string) (s session, err error) {
	s.servers = map[xen.ServerID]bool{xen.NoServer: true}
	last := map[xen.ServerID]dm.BufLine{}
	for line, err := range log {
		if err != nil {
			return s, err
		}
		switch {
		case line.Kind == dm.LineStep && line.Step == from:
			s.from = len(s.sync)
		case line.Sync != nil:
			s.servers[line.Sync.Server] = true
			s.sync = append(s.sync, syncPair{SyncLine: *line.Sync})
		case line.Buf != nil:
			b := *line.Buf
			s.servers[b.Server] = true
			if last[b.Server] == b {
				s.repeats++
				continue
			}
			last[b.Server] = b
			b.Slot = 0 // the trace does not say
			s.bufs = append(s.bufs, bufEntry{BufLine: b})
		case line.Call != nil && isDMOp(line.Call.Name):
			c := line.Call
			s.calls = append(s.calls, call{c.Name, c.In, c.Out, c.Errno, true})
		}
	}
	return s, nil
}

func isDMOp(name string) bool {
	for c := xen.OpCreateIOReqServer; c <= xen.OpNrVCPUs; c++ {
		if c.String() == name {
			return true
		}
	}
	return false
}

// trace is the recorder's side, of one process after the other. The log has a
// request when it was answered, so requests stand in the order of their answers,
// and belong to who has answered.
type trace struct {
	session
	seen    map[string]bool // processes, by name
	unseen  int             // answers without their request
	early   int             // answers that Xen had taken before the notification
	deduced int
	lost    map[xen.ServerID]uint64 // ring slots

	comms    []string
	pids     map[uint32]bool
	asked    map[uint64]format.IOReq     // by id
	inFlight map[uint64]format.DMOpEnter // by id
}

func readTrace(events iter.Seq2[format.Event, error], comms []string) (trace, error) {
	t := trace{
		comms: comms, seen: map[string]bool{}, lost: map[xen.ServerID]uint64{}, pids: map[uint32]bool{},
		asked: map[uint64]format.IOReq{}, inFlight: map[uint64]format.DMOpEnter{},
	}
	for e, err := range events {
		if err != nil {
			return t, err
		}
		t.add(e)
	}
	return t, nil
}

func (t *trace) add(e format.Event) {
	switch e.Kind {
	case format.KindProcess:
		p := e.Process() // after an exec it has another name
		t.pids[p.PID] = slices.Contains(t.comms, p.Comm)
		t.seen[p.Comm] = true
	case format.KindProcessExit:
		delete(t.pids, e.ProcessExit().PID)
	case format.KindIOReq:
		if q := e.IOReq(); q.Req.State == xen.StateReady {
			t.asked[q.ID] = q
		}
	case format.KindIOResp:
		t.answer(e.IOReq())
	case format.KindBufIOReq:
		if b := e.BufIOReq(); t.pids[b.Caller.PID] {
			t.bufs = append(t.bufs, bufEntry{
				BufLine:   dm.BufLine{Server: b.Server, Type: b.Type, Addr: b.Addr, Data: b.Data, Size: b.Size, Dir: b.Dir},
				dataKnown: b.DataKnown,
			})
		}
	case format.KindDMOpEnter:
		if d := e.DMOpEnter(); t.pids[d.Caller.PID] {
			t.inFlight[d.ID] = d
		}
	case format.KindDMOpReturn:
		t.returned(e.DMOpReturn())
	case format.KindLost:
		if l := e.Lost(); l.Probe == format.ProbeRing {
			t.lost[l.Server] += l.Count
		}
	}
}

func (t *trace) answer(a format.IOReq) {
	q, ok := t.asked[a.ID]
	delete(t.asked, a.ID)
	if !t.pids[a.Caller.PID] || !ok && a.Req.State != xen.StateRespReady {
		return // another's, or a notification that answers nothing
	}
	if !ok {
		// The answer alone shows the request, but for its data: the device
		// models of the lab leave the rest of the slot as it is.
		t.unseen++
		q, q.DataKnown = a, false
	}
	if q.FromAnswer {
		t.deduced++
	}
	if a.Req.State != xen.StateRespReady {
		t.early++
	}
	r := q.Req
	t.sync = append(t.sync, syncPair{
		SyncLine: dm.SyncLine{
			Server: q.Server, VCPU: q.VCPU, Type: r.Type, Addr: r.Addr, Data: r.Data, Size: r.Size,
			Count: r.Count, Dir: r.Dir, DF: r.DF, DataIsPtr: r.DataIsPtr, Answer: a.Req.Data,
		},
		dataKnown: q.DataKnown && a.DataKnown && a.Req.State != xen.StateReady, // that is the next request's
	})
}

func (t *trace) returned(d format.DMOpReturn) {
	in, ok := t.inFlight[d.ID]
	if !ok {
		return
	}
	delete(t.inFlight, d.ID)
	errno, _ := xen.ErrnoOf(d.Ret)
	t.calls = append(t.calls, call{in.Op.Op.String(), in.Op.Words(), d.Words, errno, d.Known})
}
