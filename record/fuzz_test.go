package record

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// FuzzDecode feeds the decoder any bytes, as two records: it must not panic,
// and must answer a record that it cannot read with a loss.
func FuzzDecode(f *testing.F) {
	q := xen.IOReq{State: xen.StateReady, EPort: 3}
	f.Add(rawSlot(rawSlotIn, 1, 1, q), rawSlot(rawSlotOut, 2, 1, q))
	f.Add(rawRingOf(1, 0, 3), rawRingOf(2, 0, 511))
	f.Add(rawDMOpOf(1, xen.DMOp{Op: 11}), rawReturn(rawDMOpRet, 2, 1, 0, make([]byte, 32)))
	f.Add(rawHyperOf(1, 12, 28, make([]byte, 32)), rawReturn(rawHyperRet, 2, 1, 0, make([]byte, 32)))
	f.Add(rawKernelSlot(rawSlotIn, 1, q), rawKernelSlot(rawSlotOut, 2, q))
	for k := rawKind(1); k < numRawKinds; k++ {
		f.Add(rawRecord(k, 1), rawRecord(k, 2)[:20])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d := lateDecoder(format.ServerFound{Dom: testDom, Server: 1})
		d.drivers.hooks = testPlan(t)
		for _, rec := range [][]byte{a, b} {
			d.decode(rec)
			_, ok := parseHead(rec)
			ev := d.take()
			if !ok && (len(ev) != 1 || ev[0].Lost().Reason != format.ReasonMalformed) {
				t.Errorf("record % x: events %v, want one malformed", rec, ev)
			}
		}
		d.ringCounts(1)
	})
}
