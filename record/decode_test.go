package record

import (
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// Raw records, built by hand.

const (
	testPID = 100
	testTID = 101
	testDom = 3
)

func rawRecord(k rawKind, t uint64) []byte {
	b := make([]byte, rawSizes[k])
	le.PutUint64(b, t)
	le.PutUint32(b[16:], testPID)
	le.PutUint32(b[20:], testTID)
	b[26] = byte(k)
	return b
}

func rawSlot(k rawKind, t uint64, server xen.ServerID, q xen.IOReq) []byte {
	b := rawRecord(k, t)
	le.PutUint32(b[32:], 7)
	le.PutUint32(b[36:], uint32(q.EPort))
	le.PutUint16(b[40:], testDom)
	le.PutUint16(b[42:], uint16(server))
	copy(b[56:], q.Append(nil))
	return b
}

// rawRingOf is a look at a ring whose read pointer was 0 at the first one.
func rawRingOf(t uint64, rp, wp uint32, slots ...xen.BufIOReq) []byte {
	b := rawRecord(rawRing, t)
	le.PutUint64(b[40:], uint64(wp))
	for i, v := range []uint32{rp, wp, rp, wp} {
		le.PutUint32(b[48+4*i:], v)
	}
	le.PutUint16(b[64:], testDom)
	le.PutUint16(b[66:], 1)
	le.PutUint16(b[70:], rawFew)
	for i, s := range slots {
		copy(b[rawRingHeadSize+8*(rawFew-len(slots)+i):], s.Append(nil))
	}
	return b
}

func rawDMOpOf(t uint64, op xen.DMOp) []byte {
	b := rawRecord(rawDMOp, t)
	le.PutUint16(b[32:], testDom)
	le.PutUint16(b[34:], 1)
	le.PutUint32(b[36:], xen.DMOpSize)
	le.PutUint64(b[40:], xen.DMOpSize)
	copy(b[48:], op.Append(nil))
	return b
}

func rawReturn(k rawKind, t, enter uint64, ret int64, data []byte) []byte {
	b := rawRecord(k, t)
	le.PutUint64(b[32:], enter)
	le.PutUint64(b[40:], uint64(ret))
	le.PutUint32(b[52:], uint32(len(data)))
	copy(b[56:], data)
	return b
}

func rawHyperOf(t uint64, nr xen.Hypercall, arg0 uint64, data []byte) []byte {
	b := rawRecord(rawHyper, t)
	le.PutUint64(b[32:], uint64(nr))
	le.PutUint64(b[40:], arg0)
	le.PutUint32(b[48:], uint32(len(data)))
	copy(b[56:], data)
	return b
}

// decodeAll decodes records and returns the events without the naming of the
// one process.
func decodeAll(d *decoder, records ...[]byte) []format.Event {
	for _, b := range records {
		d.decode(b)
	}
	return slices.DeleteFunc(slices.Clone(d.take()), func(e format.Event) bool { return e.Kind == format.KindProcess })
}

func kindsOf(events []format.Event) (kinds []format.Kind) {
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestRequestAndAnswerShareAnID(t *testing.T) {
	q := xen.IOReq{Addr: 0x5678, Size: 1, Count: 1, EPort: 9, State: xen.StateReady, Dir: xen.DirRead, Data: 0x41}
	done := q
	done.State = xen.StateRespReady
	got := decodeAll(newDecoder(), rawSlot(rawSlotIn, 10, 1, q), rawSlot(rawSlotOut, 20, 1, done))
	if want := []format.Kind{format.KindEvtchnRead, format.KindIOReq, format.KindIOResp}; !slices.Equal(kindsOf(got), want) {
		t.Fatalf("kinds %v, want %v", kindsOf(got), want)
	}
	in, out := got[1].IOReq(), got[2].IOReq()
	if in.ID != out.ID || in.ID == 0 || got[1].Time != 10 || got[2].Time != 20 {
		t.Errorf("ids %d and %d, times %d and %d", in.ID, out.ID, got[1].Time, got[2].Time)
	}
	if in.Dom != testDom || in.Server != 1 || in.Port != 7 || in.Caller != (format.Caller{PID: testPID, TID: testTID}) {
		t.Errorf("request %+v", in)
	}
}

func TestRequestSeenOnlyAtUnmask(t *testing.T) {
	b := rawSlot(rawSlotIn, 10, 1, xen.IOReq{EPort: 9, State: xen.StateReady})
	b[27] = flagMissed
	got := decodeAll(newDecoder(), b)
	if want := []format.Kind{format.KindLost, format.KindIOReq}; !slices.Equal(kindsOf(got), want) {
		t.Fatalf("kinds %v, want %v", kindsOf(got), want)
	}
	if l := got[0].Lost(); l.Probe != format.ProbeEvtchnRead || l.Reason != format.ReasonMissed || l.Count != 1 {
		t.Errorf("lost %+v", l)
	}
}

// TestSlotFoundAtUnmask: the read was recorded before, so it is neither told
// again nor lost.
func TestSlotFoundAtUnmask(t *testing.T) {
	b := rawSlot(rawSlotIn, 10, 1, xen.IOReq{EPort: 9, State: xen.StateReady})
	b[27] = flagRetry
	got := decodeAll(newDecoder(), b)
	if want := []format.Kind{format.KindIOReq}; !slices.Equal(kindsOf(got), want) {
		t.Errorf("kinds %v, want %v", kindsOf(got), want)
	}
}

// TestRequestBehindTheLook: a request that came behind the probes' look at the
// slot is what its answer shows, without data. A second notification answers
// nothing, and neither does one without a read.
func TestRequestBehindTheLook(t *testing.T) {
	q := xen.IOReq{Addr: 0x5678, Size: 4, Count: 1, EPort: 9, Data: 0x77, Type: xen.TypePIO}
	idle, done := q, q
	done.State = xen.StateRespReady
	d := newDecoder()
	d.full = true
	got := decodeAll(d, rawSlot(rawSlotIn, 10, 1, idle), rawSlot(rawSlotOut, 20, 1, done), rawSlot(rawSlotOut, 30, 1, done))
	want := []format.Kind{format.KindEvtchnRead, format.KindIOReq, format.KindIOReq, format.KindIOResp, format.KindIOResp}
	if !slices.Equal(kindsOf(got), want) {
		t.Fatalf("kinds %v, want %v", kindsOf(got), want)
	}
	asked, answer, again := got[2].IOReq(), got[3].IOReq(), got[4].IOReq()
	if !asked.FromAnswer || asked.DataKnown || asked.Req.Data != 0 || asked.Req.State != xen.StateReady || asked.Req.Addr != q.Addr {
		t.Errorf("request %+v", asked)
	}
	if answer.ID != asked.ID || answer.FromAnswer || !answer.DataKnown || again.ID == asked.ID {
		t.Errorf("answers %+v and %+v", answer, again)
	}
	if got := decodeAll(newDecoder(), rawSlot(rawSlotOut, 20, 1, done)); len(got) != 1 {
		t.Errorf("an answer without a read: kinds %v", kindsOf(got))
	}
}

func TestOddStatesAreEventsOfTheirOwn(t *testing.T) {
	q := xen.IOReq{Size: 1, EPort: 9}
	state := func(s xen.State) xen.IOReq { q.State = s; return q }
	got := decodeAll(newDecoder(),
		rawSlot(rawSlotIn, 1, 1, state(xen.StateNone)),
		rawSlot(rawSlotIn, 2, 1, state(xen.StateReady)),
		rawSlot(rawSlotIn, 3, 1, state(xen.StateInProcess)),
		rawSlot(rawSlotOut, 4, 1, state(xen.StateReady)),
		rawSlot(rawSlotOut, 5, 1, state(xen.StateRespReady)),
		rawSlot(rawSlotOut, 6, 1, state(xen.StateRespReady)))
	ids := map[uint64]int{}
	for _, e := range got {
		if e.Kind != format.KindEvtchnRead {
			ids[e.IOReq().ID]++
		}
	}
	if len(ids) != 5 || ids[2] != 2 {
		t.Errorf("ids %v: want request 2 answered, the others alone", ids)
	}
}

func TestDataIsKeptOnlyWhereItSteers(t *testing.T) {
	for _, c := range []struct {
		name string
		q    xen.IOReq
		want bool
	}{
		{"keyboard", xen.IOReq{Type: xen.TypePIO, Addr: 0x60}, false},
		{"mmio", xen.IOReq{Type: xen.TypeCopy, Addr: 0xcfc}, false},
		{"pointer", xen.IOReq{Type: xen.TypePIO, Addr: 0x1f0, DataIsPtr: true}, true},
		{"config address", xen.IOReq{Type: xen.TypePIO, Addr: 0xcf8}, true},
		{"config data", xen.IOReq{Type: xen.TypePIO, Addr: 0xcff}, true},
		{"config cycle", xen.IOReq{Type: xen.TypePCIConfig, Addr: 0x10 << 32}, true},
	} {
		for _, full := range []bool{false, true} {
			d := newDecoder()
			d.full = full
			c.q.Data, c.q.State = 0x1234, xen.StateReady
			got := decodeAll(d, rawSlot(rawSlotIn, 1, 1, c.q))[1].IOReq()
			if want := c.want || full; got.DataKnown != want || (got.Req.Data != 0) != want {
				t.Errorf("%s, full %v: data %#x known %v", c.name, full, got.Req.Data, got.DataKnown)
			}
		}
	}
}

func TestRingEventsCountAndJoin(t *testing.T) {
	d := newDecoder()
	w := func(size, data uint32) xen.BufIOReq {
		return xen.BufIOReq{Type: xen.TypeCopy, Size: size, Addr: 0xb8000, Data: data}
	}
	got := decodeAll(d,
		rawRingOf(1, 0, 0),
		rawRingOf(2, 0, 3, w(2, 5), w(8, 1), w(8, 2)),
		rawRingOf(2, 0, 3, w(2, 5), w(8, 1), w(8, 2)),
		rawRingOf(3, 3, 3),
		rawRingOf(4, 3, 23, w(1, 0), w(1, 1), w(1, 2), w(1, 3), w(1, 4), w(1, 5), w(1, 6), w(1, 7)))
	want := []format.Kind{format.KindBufIOReq, format.KindBufIOReq, format.KindLost}
	if !slices.Equal(kindsOf(got)[:3], want) || len(got) != 11 {
		t.Fatalf("kinds %v", kindsOf(got))
	}
	if e := got[1].BufIOReq(); e.Size != 8 || e.DataKnown || e.Data != 0 || e.Server != 1 || e.Dom != testDom {
		t.Errorf("second request %+v", e)
	}
	if l := got[2].Lost(); l.Count != 12 || l.Probe != format.ProbeRing || l.Reason != format.ReasonOverrun || l.Server != 1 {
		t.Errorf("lost %+v", l)
	}
	d.ringCounts(9)
	if c := d.take()[0].RingCount(); c.Captured != 11 || c.Lost != 12 {
		t.Errorf("count %+v, want 11 captured and 12 lost", c)
	}
}

// TestSlotsThatXenHasClearedAreLost: of five slots that were not told the page still has two.
func TestSlotsThatXenHasClearedAreLost(t *testing.T) {
	write := xen.BufIOReq{Type: xen.TypeCopy, Size: 1, Addr: 0xb8000}
	few := rawRingOf(1, 0, 2, write, write)
	page := append(slices.Clone(few[:rawRingHeadSize]), make([]byte, xen.PageSize)...)
	page[rawKindAt] = uint8(rawPage)
	copy(page[rawRingHeadSize+8:], write.Append(write.Append(nil)))
	for _, look := range [][]byte{few, page} {
		le.PutUint64(look[40:], 5)
		le.PutUint16(look[70:], 2)
		got := decodeAll(newDecoder(), look)
		if want := []format.Kind{format.KindLost, format.KindBufIOReq, format.KindBufIOReq}; !slices.Equal(kindsOf(got), want) {
			t.Fatalf("kinds %v, want %v", kindsOf(got), want)
		}
		if got[0].Lost().Count != 3 || got[1].BufIOReq().Addr != write.Addr || got[2].BufIOReq().Addr != write.Addr {
			t.Errorf("got %v, want three slots lost and two writes to %#x", got, write.Addr)
		}
	}
}

func TestDMOpWithItsReturn(t *testing.T) {
	in := xen.NewDMOp(xen.CreateIOReqServer{HandleBufIOReq: xen.BufAtomic})
	in.Body[20] = 0xee // leftover of the caller
	out := xen.NewDMOp(xen.CreateIOReqServer{HandleBufIOReq: xen.BufAtomic, ID: 2})
	got := decodeAll(newDecoder(), rawDMOpOf(5, in), rawReturn(rawDMOpRet, 6, 5, 0, out.Append(nil)))
	if want := []format.Kind{format.KindDMOpEnter, format.KindDMOpReturn}; !slices.Equal(kindsOf(got), want) {
		t.Fatalf("kinds %v", kindsOf(got))
	}
	e, r := got[0].DMOpEnter(), got[1].DMOpReturn()
	if e.ID != r.ID || !e.Known || !r.Known || e.Op.Body[20] != 0 {
		t.Errorf("enter %+v return %+v", e, r)
	}
	if b := xen.DMOpFromWords(xen.OpCreateIOReqServer, 0, r.Words).DecodeBody(); b.(xen.CreateIOReqServer).ID != 2 {
		t.Errorf("id in the answer: %+v", b)
	}
}

func TestReturnWithoutItsEntryIsALoss(t *testing.T) {
	d := newDecoder()
	got := decodeAll(d, rawReturn(rawDMOpRet, 6, 5, 0, nil), rawDMOpOf(7, xen.DMOp{Op: 1}), rawReturn(rawDMOpRet, 9, 8, 0, nil))
	want := []format.Kind{format.KindLost, format.KindDMOpEnter, format.KindLost}
	if !slices.Equal(kindsOf(got), want) || got[0].Lost().Reason != format.ReasonNoEntry {
		t.Errorf("events %v", got)
	}
}

func TestCallThatNeverReturnedIsALoss(t *testing.T) {
	numbered := func(seq uint64, b []byte) []byte {
		le.PutUint64(b[8:], seq)
		return b
	}
	notify := rawRecord(rawIoctl, 1)
	le.PutUint32(notify[32:], uint32(xen.EvtchnNotify))
	op := xen.DMOp{Op: 1}
	for _, c := range []struct {
		name  string
		first []byte
		seq   uint64 // of the second entry
		want  format.Probe
	}{
		{"dm_op", rawDMOpOf(1, op), 1, format.ProbePrivcmd},
		{"event channel", notify, 1, format.ProbeEvtchnIoctl},
		{"its record is missing", rawDMOpOf(1, op), 2, format.ProbeUnknown},
	} {
		got := decodeAll(newDecoder(), c.first, numbered(c.seq, rawDMOpOf(2, op)), rawReturn(rawDMOpRet, 3, 2, 0, nil))
		var lost []format.Lost
		for _, e := range got {
			if e.Kind == format.KindLost {
				lost = append(lost, e.Lost())
			}
		}
		if c.want == format.ProbeUnknown {
			if len(lost) != 0 {
				t.Errorf("%s: lost %+v", c.name, lost)
			}
			continue
		}
		want := format.Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: c.want, Reason: format.ReasonMissed, CPU: noCPU, Count: 1}
		if len(lost) != 1 || lost[0] != want || got[1].Kind != format.KindLost {
			t.Errorf("%s: events %v, want %+v before the second entry", c.name, got, want)
		}
	}
	d := newDecoder()
	d.skipsCounted = true
	if got := decodeAll(d, rawDMOpOf(1, op), numbered(1, rawDMOpOf(2, op))); len(got) != 2 {
		t.Errorf("events %v, want no loss besides the kernel's own count", got)
	}
}

func TestExtentsOfModifiedMemory(t *testing.T) {
	op := xen.NewDMOp(xen.ModifiedMemory{NrExtents: 20})
	b := append(rawDMOpOf(1, op), make([]byte, 272)...)
	b[26] = byte(rawDMOpBuf)
	le.PutUint16(b[34:], 2)
	le.PutUint64(b[80:], 320)
	le.PutUint32(b[88:], 256)
	le.PutUint64(b[96+16:], 77)
	got := decodeAll(newDecoder(), b)
	if len(got) != 1+16+1 || got[2].DMOpBuf().Words[0] != 77 || got[2].DMOpBuf().Offset != 16 {
		t.Fatalf("events %v", got)
	}
	if l := got[17].Lost(); l.Reason != format.ReasonTruncated || l.Count != 4 {
		t.Errorf("lost %+v, want 4 extents", l)
	}
}

func TestUnwantedDomainsLeaveNothing(t *testing.T) {
	d := newDecoder()
	d.domains = map[xen.DomID]bool{testDom + 1: true}
	got := decodeAll(d, rawDMOpOf(5, xen.DMOp{Op: 1}), rawReturn(rawDMOpRet, 6, 5, 0, nil),
		rawHyperOf(7, xen.HyperSysctl, 0x7fff0000, []byte{1, 0, 0, 0}), rawReturn(rawHyperRet, 8, 7, 0, nil))
	if len(got) != 0 {
		t.Errorf("events %v", got)
	}
}

// TestEmptyRingNearTheWrap finds a ring empty whose pointers wrap before the next look.
func TestEmptyRingNearTheWrap(t *testing.T) {
	d := newDecoder()
	empty := rawRingOf(1, 1<<32-4, 1<<32-4)
	le.PutUint64(empty[40:], 0)
	d.decode(empty)
	if ev := d.take(); len(ev) > 0 {
		t.Errorf("an empty ring has %v", ev)
	}
	behind := rawRingOf(2, 2, 2, xen.BufIOReq{Size: 1, Addr: 1}, xen.BufIOReq{Size: 1, Addr: 2})
	le.PutUint64(behind[40:], 6)
	d.decode(behind)
	d.ringCounts(3)
	var addrs []uint64
	var count format.RingCount
	for _, e := range d.take() {
		switch e.Kind {
		case format.KindBufIOReq:
			addrs = append(addrs, uint64(e.BufIOReq().Addr))
		case format.KindRingCount:
			count = e.RingCount()
		}
	}
	if !slices.Equal(addrs, []uint64{1, 2}) || count.Captured != 2 || count.Lost != 4 {
		t.Errorf("entries %v, %d captured and %d lost, want the two behind the wrap", addrs, count.Captured, count.Lost)
	}
	other := newDecoder()
	other.decode(empty)
	other.ringCounts(2)
	if ev := other.take(); len(ev) > 0 {
		t.Errorf("a ring that was empty all the time has %v", ev)
	}
}

func TestMappedRingIsTold(t *testing.T) {
	d := newDecoder()
	var told []uint32
	d.mapped = func(pid uint32) { told = append(told, pid) }
	m := rawRecord(rawMmap, 1)
	le.PutUint16(m[32:], testDom)
	le.PutUint64(m[56:], 2)
	other := rawReturn(rawIoctlRet, 2, 1, 0, nil)
	ring := rawReturn(rawIoctlRet, 2, 1, 0, nil)
	ring[27] = flagRing
	decodeAll(d, m, other)
	if len(told) != 0 {
		t.Error("a mapping without a ring was told")
	}
	got := decodeAll(d, m, ring)
	if !slices.Equal(told, []uint32{testPID}) || got[0].MmapResourceEnter().Num != 2 || got[0].Server != 0 {
		t.Errorf("told %v, events %v", told, got)
	}
}

// TestServersNamedByCalls compares the id in front of the union with the body's own.
func TestServersNamedByCalls(t *testing.T) {
	for code := xen.DMOpCode(0); code < 64; code++ {
		op := xen.DMOp{Op: code}
		op.Body[0], op.Body[4] = 3, 5 // of a create, the id comes behind what is asked
		body := reflect.ValueOf(op.DecodeBody())
		want, named := xen.NoServer, false
		if body.IsValid() && code != xen.OpCreateIOReqServer {
			if f := body.FieldByName("ID"); f.IsValid() {
				want, named = f.Interface().(xen.ServerID), true
			}
		}
		if got, ok := serverNamed(&op); ok != named || got != want {
			t.Errorf("%v: server %v, %v; its body has %v, %v", code, got, ok, want, named)
		}
	}
}
