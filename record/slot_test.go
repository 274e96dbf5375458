package record

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestPortsRememberWhatStillHolds compares with a decoder whose ports remember no slot.
func TestPortsRememberWhatStillHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	joined, named := 0, map[xen.ServerID]int{}
	for range 2000 {
		var d [2]*decoder
		for i := range d {
			d[i] = lateDecoder(format.ServerFound{Dom: testDom, Server: 1, BufPort: 30}, format.ServerFound{Dom: testDom, Server: 2})
			d[i].late.pages[testPID+1] = candidates{all: 2, pairs: 1}
		}
		for at := range uint64(60) {
			for _, b := range randomRecords(rng, at+1) {
				for _, p := range d[1].ports {
					p.slot = slot{}
				}
				for _, x := range d {
					x.decode(b)
				}
			}
		}
		got, want := d[0].take(), d[1].take()
		if !slices.Equal(got, want) {
			t.Fatalf("want %v\ngot %v", want, got)
		}
		for i, e := range got {
			if e.Kind == format.KindIOResp && slices.ContainsFunc(got[:i], func(q format.Event) bool { return q.Kind == format.KindIOReq && q.ID() == e.ID() }) {
				joined++
				named[e.Server]++
			}
		}
	}
	if joined < 1000 || named[1] < 100 || named[2] < 100 || named[xen.NoServer] < 100 {
		t.Errorf("too few answers have their request: %d, by server %v", joined, named)
	}
}

// randomRecords returns mostly a request or an answer in one of a few slots, else
// something that may change what is known of them.
func randomRecords(rng *rand.Rand, at uint64) [][]byte {
	pid := uint32(testPID + rng.IntN(2))
	server := xen.ServerID(1 + rng.IntN(2))
	switch rng.IntN(60) {
	case 0, 1, 2:
		return [][]byte{by(pid, rawDMOpOf(at, xen.NewDMOp(xen.MapIORange{ID: server})))}
	case 3:
		return [][]byte{by(pid, rawRecord(rawExit, at))}
	case 4:
		op := xen.NewDMOp(xen.DestroyIOReqServer{ID: server})
		return [][]byte{rawDMOpOf(at, op), rawReturn(rawDMOpRet, at, at, 0, op.Append(nil))}
	case 5:
		b := by(pid, rawPort(rawRead, at, 0))
		le.PutUint32(b[36:], 30)
		return [][]byte{b}
	}
	if rng.IntN(2) == 0 {
		server = xen.NoServer
	}
	v := rng.IntN(2)
	kind, q := rawSlotIn, xen.IOReq{Addr: 0x60, Size: 1, Count: 1, EPort: xen.Port(5 + v + rng.IntN(10)/9), State: xen.StateReady}
	if rng.IntN(2) == 0 {
		kind, q.State = rawSlotOut, xen.StateRespReady
	}
	b := by(pid, rawSlot(kind, at, server, q))
	le.PutUint32(b[32:], uint32(7+rng.IntN(2)))
	le.PutUint16(b[44:], uint16(v))
	le.PutUint16(b[46:], uint16(rng.IntN(20)/19))
	return [][]byte{b}
}
