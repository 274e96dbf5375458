package record

import (
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// busyDom0 are the records of a busy device model: on each of four vCPUs a
// request and its answer, and now and then a page typed and a look at a ring.
func busyDom0() (records [][]byte) {
	at := uint64(0)
	tick := func() uint64 { at += 700; return at }
	for i := range 1024 {
		for v := range 4 {
			q := xen.IOReq{
				Addr: 0x01000000 + uint64(i)*8, Data: uint64(i), Size: 8, Count: 1, EPort: xen.Port(9 + v),
				State: xen.StateReady, Dir: xen.DirWrite, Type: xen.TypeCopy,
			}
			records = append(records, rawSlot(rawSlotIn, tick(), 1, q))
			q.State = xen.StateRespReady
			records = append(records, rawSlot(rawSlotOut, tick(), 1, q))
		}
		if i%16 == 0 {
			op := xen.NewDMOp(xen.SetMemType{Nr: 1, Type: xen.MemIOReqServer, First: xen.GFN(0x1000 + i)})
			enter := tick()
			records = append(records, rawDMOpOf(enter, op), rawReturn(rawDMOpRet, tick(), enter, 0, op.Append(nil)))
		}
	}
	return records
}

// BenchmarkDecode is the first half of what a recorder does in user space:
// records of the probes into events. Key-frames and blocks are BenchmarkMirror
// of package replay and BenchmarkWrite of package store.
func BenchmarkDecode(b *testing.B) {
	records := busyDom0()
	d := newDecoder()
	d.full = true
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range records {
			d.decode(r)
			events += len(d.take())
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}
