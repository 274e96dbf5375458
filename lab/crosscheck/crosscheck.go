package crosscheck

import (
	"fmt"
	"iter"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

// Options say how to compare. Comms are needed.
type Options struct {
	// Comms are the names in dom0 of the processes whose log it is, one after the
	// other: of one, but for a session that was handed on.
	Comms []string
	// Late says that the recorder was attached while the device model was
	// serving: the trace may begin after the log, and may not know servers.
	Late bool
	// NoRings says that the trace was not to have what is in rings.
	NoRings bool
	// From names the step of the log during which a late recorder was attached:
	// the trace must have every request that was answered since, but one that the
	// device model may have taken before.
	From string
}

// Result counts what was found equal in order, and what was not.
type Result struct {
	Sync, Buf, Calls int      // pairs that agree
	SlotsLost        uint64   // ring slots that the trace counts as lost
	Deduced          int      // requests that the trace has from their answers, without data
	Unseen           int      // requests of which the trace has the answer only
	Early            int      // answers that Xen had taken before it was notified
	Repeats          int      // entries that the device model took twice, see the package comment
	Mismatches       []string // at most maxMismatches, each with its position
}

const maxMismatches = 20

// OK says that the trace has all that the log has.
func (r Result) OK() bool { return len(r.Mismatches) == 0 }

// Compare reads both to their end.
func Compare(log iter.Seq2[dm.Line, error], events iter.Seq2[format.Event, error], o Options) (Result, error) {
	want, err := readLog(log, o.From)
	if err != nil {
		return Result{}, err
	}
	got, err := readTrace(events, o.Comms)
	if err != nil {
		return Result{}, err
	}
	r := Result{Repeats: want.repeats, Deduced: got.deduced, Unseen: got.unseen, Early: got.early}
	for server, n := range got.lost {
		if want.servers[server] {
			r.SlotsLost += n
		}
	}
	for _, comm := range o.Comms {
		if !got.seen[comm] {
			r.mismatch("trace has no process called %q", comm)
		}
	}
	if since := len(want.sync) - want.from - 1; o.Late && len(got.sync) < since {
		r.mismatch("requests: device model answered %d since step %q, trace has %d", since, o.From, len(got.sync))
	}
	r.Sync = compare(&r, "request", want.sync, got.sync, o, equalSync)
	r.Calls = compare(&r, "dm_op", want.calls, got.calls, o, equalCall)
	r.compareRings(want, got, o)
	return r, nil
}

// compareRings demands every entry unless the trace counts some as lost: then
// what was captured and what was lost must add up.
func (r *Result) compareRings(want session, got trace, o Options) {
	if o.NoRings {
		want.bufs = nil
	}
	if r.SlotsLost == 0 {
		r.Buf = compare(r, "buffered request", want.bufs, got.bufs, o, equalBuf)
		return
	}
	w, g := slots(want.bufs), slots(got.bufs)
	r.Buf = len(got.bufs)
	if !o.Late && w != g+r.SlotsLost {
		r.mismatch("ring slots: the device model took %d, the trace has %d and counts %d as lost", w, g, r.SlotsLost)
	}
}

func slots(bufs []bufEntry) (n uint64) {
	for _, b := range bufs {
		n += uint64(1 + b.Size/8)
	}
	return n
}

// compare walks both lists in order and returns how many pairs are equal. A
// late trace may lack the log's beginning.
func compare[T any](r *Result, what string, want, got []T, o Options, equal func(want, got T) bool) int {
	if o.Late && len(got) < len(want) {
		want = want[len(want)-len(got):]
	}
	n := 0
	for i := range min(len(want), len(got)) {
		if equal(want[i], got[i]) {
			n++
			continue
		}
		r.mismatch("%s %d: device model has %+v, trace has %+v", what, i, want[i], got[i])
	}
	if len(want) != len(got) {
		r.mismatch("%ss: device model has %d, trace has %d", what, len(want), len(got))
	}
	return n
}

func (r *Result) mismatch(layout string, args ...any) {
	if len(r.Mismatches) < maxMismatches {
		r.Mismatches = append(r.Mismatches, fmt.Sprintf(layout, args...))
	}
}

// syncPair is a request with its answer, bufEntry an entry of a ring, call a
// dm_op with its result. Data is compared where the trace holds it.
type (
	syncPair struct {
		dm.SyncLine
		dataKnown bool
	}
	bufEntry struct {
		dm.BufLine
		dataKnown bool
	}
	call struct {
		Name    string
		In, Out [3]uint64
		Errno   xen.Errno

		outKnown bool
	}
)

// An unknown server is compared with none: only a late recorder has any.
func equalSync(want, got syncPair) bool {
	if got.Server == xen.NoServer {
		got.Server = want.Server
	}
	if !got.dataKnown {
		got.Data, got.Answer = want.Data, want.Answer
	}
	return want.SyncLine == got.SyncLine
}

// equalCall compares what Xen was asked and said; Xen leaves the structure as it
// was when it refuses. What a driver's function does not show of it is not compared.
func equalCall(want, got call) bool {
	if !got.outKnown {
		got.Out, got.outKnown = want.Out, true
	}
	return want == got
}

func equalBuf(want, got bufEntry) bool {
	if got.Server == xen.NoServer {
		got.Server = want.Server
	}
	if !got.dataKnown {
		got.Data = want.Data
	}
	return want.BufLine == got.BufLine
}
