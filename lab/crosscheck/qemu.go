package crosscheck

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// QEMU compares a trace with what qemu-xen's own trace point handle_ioreq wrote:
// every request that it handled, from the slots and from the ring. The two are
// compared as multisets, because QEMU takes ring entries and slots in turn and
// the log does not tell them apart. The trace must hold data; a request that it
// has from its answer is compared without. Result counts all requests as Sync. Of
// Options it takes Comms, with how the name of QEMU's process begins.
func QEMU(log io.Reader, events iter.Seq2[format.Event, error], o Options) (Result, error) {
	left := map[request]int{} // logged minus traced
	if err := readQEMU(log, left); err != nil {
		return Result{}, err
	}
	var r Result
	pids := map[uint32]bool{}
	var deduced []request
	for e, err := range events {
		if err != nil {
			return r, err
		}
		if p := e.Process(); e.Kind == format.KindProcess && strings.HasPrefix(p.Comm, o.Comms[0]) {
			pids[p.PID] = true
		}
		if l := e.Lost(); e.Kind == format.KindLost && l.Probe == format.ProbeRing {
			r.SlotsLost += l.Count
		}
		if q, ok := requestOf(e, pids); ok {
			r.Sync++
			if e.IOReq().FromAnswer {
				deduced = append(deduced, q)
			} else {
				left[q]--
			}
		}
	}
	r.Deduced = len(deduced)
	for _, q := range deduced {
		left[likeliest(left, q)]--
	}
	r.surplus(left)
	return r, nil
}

// likeliest returns a request in left that is q but for its data, q if none is.
func likeliest(left map[request]int, q request) request {
	for other, n := range left {
		data := other.Data
		if other.Data = q.Data; n > 0 && other == q {
			other.Data = data
			return other
		}
	}
	return q
}

// surplus reports what one side has more.
func (r *Result) surplus(left map[request]int) {
	keys := slices.SortedFunc(maps.Keys(left), func(a, b request) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, q := range keys {
		if n := left[q]; n > 0 {
			r.mismatch("QEMU handled %+v %d times more than the trace has it", q, n)
		} else if n < 0 {
			r.mismatch("the trace has %+v %d times more than QEMU handled it", q, -n)
		}
	}
}

// QEMUHandled counts the requests in QEMU's log.
func QEMUHandled(log io.Reader) (n int, err error) {
	all := map[request]int{}
	err = readQEMU(log, all)
	for _, k := range all {
		n += k
	}
	return n, err
}

// request is what QEMU's log line tells.
type request struct {
	Type, Dir, DF, Ptr uint8
	Addr, Data         uint64
	Count, Size        uint32
}

const qemuLine = "handle_ioreq I/O="

func readQEMU(log io.Reader, left map[request]int) error {
	sc := bufio.NewScanner(log)
	for n := 1; sc.Scan(); n++ {
		_, line, ok := strings.Cut(sc.Text(), qemuLine)
		if !ok {
			continue
		}
		var q request
		var ptr uint64
		_, err := fmt.Sscanf(line, "0x%x type=%d dir=%d df=%d ptr=%d port=0x%x data=0x%x count=%d size=%d",
			&ptr, &q.Type, &q.Dir, &q.DF, &q.Ptr, &q.Addr, &q.Data, &q.Count, &q.Size)
		if err != nil {
			return fmt.Errorf("QEMU's log: line %d: %w: %q", n, err, line)
		}
		left[q]++
	}
	return sc.Err()
}

// requestOf returns the request that a traced event of QEMU shows.
func requestOf(e format.Event, pids map[uint32]bool) (request, bool) {
	switch e.Kind {
	case format.KindIOReq:
		q := e.IOReq()
		r := q.Req
		return request{
			Type: uint8(r.Type), Dir: uint8(r.Dir), DF: bit(r.DF), Ptr: bit(r.DataIsPtr),
			Addr: r.Addr, Data: r.Data, Count: r.Count, Size: r.Size,
		}, pids[q.Caller.PID] && r.State == xen.StateReady
	case format.KindBufIOReq:
		b := e.BufIOReq()
		return request{Type: uint8(b.Type), Dir: uint8(b.Dir), Addr: uint64(b.Addr), Data: b.Data, Count: 1, Size: b.Size},
			pids[b.Caller.PID]
	}
	return request{}, false
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
