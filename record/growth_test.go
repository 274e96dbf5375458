package record

import (
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// in gives a record to another domain, whose number stands at a place of its own.
func in(dom xen.DomID, at int, b []byte) []byte {
	le.PutUint16(b[at:], uint16(dom))
	return b
}

// A life is that of a device model, its server and its domain. Its pages are known or, as
// those of one that is older than the capture, not.
func life(n uint64, server xen.ServerID) (records [][]byte) {
	dom, pid, t := xen.DomID(1+n%32000), uint32(1000+n%4_000_000), 100*n
	q := xen.IOReq{Addr: 0x60, Size: 1, Count: 1, EPort: 9, State: xen.StateReady}
	slot := func(k rawKind, t uint64, q xen.IOReq) []byte {
		b := in(dom, 40, rawSlot(k, t, server, q))
		le.PutUint32(b[32:], uint32(n%4096))
		le.PutUint64(b[48:], t)
		return b
	}
	op := xen.NewDMOp(xen.CreateIOReqServer{ID: server})
	ring := in(dom, 64, rawRingOf(t+6, 0, 1, xen.BufIOReq{Size: 1}))
	end := in(dom, 64, endOfRing(t+7, 1))
	for _, b := range [][]byte{ring, end} {
		le.PutUint64(b[32:], t)
	}
	for _, b := range [][]byte{
		rawRecord(rawProcess, t), in(dom, 32, rawDMOpOf(t+1, op)), rawReturn(rawDMOpRet, t+2, t+1, 0, op.Append(nil)),
		slot(rawSlotIn, t+3, q), slot(rawSlotOut, t+4, answerTo(q)), slot(rawSlotIn, t+5, q), slot(rawSlotOut, t+5, answerTo(q)),
		ring, end, rawRecord(rawExit, t+8),
	} {
		records = append(records, by(pid, b))
	}
	return records
}

// TestDecoderDoesNotGrow lets device models and domains come and go, as in weeks. Nobody
// tells the decoder of domains' ends: their calls may be left out.
func TestDecoderDoesNotGrow(t *testing.T) {
	d := newDecoder()
	const lives, most = 20_000, 100
	look := func() {
		err := d.tellWaiting(func(uint32) (waiting, error) { return waiting{}, nil }, false)
		if err != nil {
			t.Fatal(err)
		}
		d.take()
	}
	for n := range uint64(lives) {
		for _, b := range life(n, xen.ServerID(n%2)*xen.NoServer) {
			d.decode(b)
		}
		d.take()
		if n%64 == 0 {
			look()
		}
	}
	look()
	l, r := &d.late, &d.drivers
	for what, n := range map[string]int{
		"processes": len(d.known), "calls": len(d.calls), "requests": len(d.requests), "ports": len(d.ports),
		"rings": len(d.rings) + len(d.order), "followed processes": len(d.followed), "domains found": len(l.found), "pages": len(l.pages),
		"evidence": len(l.evidence) + len(l.contrary), "owners": len(l.owner), "event ports": len(l.eports), "renewed": len(l.renewed),
		"reported": len(l.reported), "drivers' calls": len(r.open) + len(r.servers) + len(r.handles),
	} {
		if n > most {
			t.Errorf("%d %s are kept of %d device models that have ended, want %d at most", n, what, lives, most)
		}
	}
}
