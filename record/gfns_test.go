//go:build linux && amd64

package record

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// ioctlProbes has the programs see calls of privcmd that this test makes up, in memory
// of its own.
type ioctlProbes struct {
	byHand
	pin runtime.Pinner
}

func newIoctlProbes(t *testing.T) *ioctlProbes {
	p := &ioctlProbes{byHand: byHand{TB: t, coll: loadByHand(t)}}
	runtime.LockOSThread() // a call is its thread's
	t.Cleanup(func() {
		runtime.UnlockOSThread()
		p.pin.Unpin()
		p.coll.Close()
	})
	return p
}

// at returns the address of what the programs are to read.
func (p *ioctlProbes) at(b []byte) uint64 {
	p.pin.Pin(&b[0])
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}

// ioctl has the programs see a call that Xen or the kernel answers with ret, and what
// it does.
func (p *ioctlProbes) ioctl(cmd xen.Ioctl, arg []byte, ret int64, does ...func()) {
	p.Helper()
	call := []uint64{0, uint64(cmd), p.at(arg), uint64(ret)}
	p.run(fentryProgPrivcmdEnter, call...)
	for _, do := range does {
		do()
	}
	p.run(fentryProgPrivcmdReturn, call...)
}

// dmOp is a dm_op that Xen has answered already.
func (p *ioctlProbes) dmOp(dom xen.DomID, body xen.Body, ret int64, does ...func()) {
	p.Helper()
	op := xen.NewDMOp(body).Append(nil)
	buf := xen.DMOpBuf{Addr: p.at(op), Size: uint64(len(op))}.Append(nil)
	p.ioctl(xen.PrivcmdDMOp, xen.DMOpArg{Dom: dom, Num: 1, Bufs: p.at(buf)}.Append(nil), ret, does...)
}

// frame is one of a mapping's, and the error with which it could not be mapped.
type frame struct {
	gfn uint64
	err int32
}

func (p *ioctlProbes) mapFrames(cmd xen.Ioctl, dom xen.DomID, addr uint64, ret int64, frames ...frame) {
	p.Helper()
	var gfns, errs []byte
	for _, f := range frames {
		gfns, errs = le.AppendUint64(gfns, f.gfn), le.AppendUint32(errs, uint32(f.err))
	}
	m := xen.MmapBatch{Num: uint32(len(frames)), Dom: dom, Addr: addr, GFNs: p.at(gfns), Errs: p.at(errs)}
	p.ioctl(cmd, m.Append(nil), ret)
}

// mapped returns what the programs know to be mapped, and of what.
func (p *ioctlProbes) mapped() map[string]uint64 {
	p.Helper()
	var table fentryTable
	if err := p.coll.Maps[fentryMapServers].Lookup(uint32(os.Getpid()), &table); err != nil {
		return map[string]uint64{}
	}
	pages := map[string]uint64{}
	for _, s := range table.S {
		for what, addr := range map[string]uint64{"sync": s.Sync, "ring": s.Buf} {
			if addr != 0 {
				pages[fmt.Sprintf("%d/%d %s", s.Dom, s.Id, what)] = addr
			}
		}
	}
	return pages
}

func (p *ioctlProbes) want(what string, want map[string]uint64) {
	p.Helper()
	if got := p.mapped(); fmt.Sprintf("%#x", got) != fmt.Sprintf("%#x", want) {
		p.Errorf("%s: mapped %#x, want %#x", what, got, want)
	}
}

// The server of these tests, and where its pages are.
const (
	infoServer = 2
	syncGFN    = 0xfeff0
	ringGFN    = 0xfeff1
)

var infoOfServer = xen.GetIOReqServerInfo{ID: infoServer, IOReqGFN: syncGFN, BufReqGFN: ringGFN}

func TestPagesAreKnownByTheirFrames(t *testing.T) {
	p := newIoctlProbes(t)
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x10000, 0, frame{gfn: syncGFN})
	p.want("before anyone has asked for gfns", map[string]uint64{})
	flagged := infoOfServer
	flagged.Flags = xen.NoGFNs
	p.dmOp(testDom, flagged, 0)
	p.dmOp(testDom, infoOfServer, -1)
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x10000, 0, frame{gfn: syncGFN})
	p.want("Xen has told no gfns", map[string]uint64{})

	p.dmOp(testDom, infoOfServer, 0)
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom+1, 0x10000, 0, frame{gfn: syncGFN})
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x10000, 0, frame{gfn: 5}, frame{gfn: 0})
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x10000, -22, frame{gfn: syncGFN})
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x10000, -2, frame{syncGFN, -2}, frame{syncGFN, -22})
	p.mapFrames(xen.PrivcmdMmapBatch, testDom, 0x10000, 0, frame{gfn: syncGFN | 0xf0000000})
	p.want("another domain's frame, other frames and frames that were not mapped", map[string]uint64{})

	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x20000, 0, frame{gfn: ringGFN})
	p.want("the ring", map[string]uint64{"3/2 ring": 0x20000})
	p.mapFrames(xen.PrivcmdMmapBatch, testDom, 0x30000, 0, frame{gfn: syncGFN})
	p.want("both pages", map[string]uint64{"3/2 ring": 0x20000, "3/2 sync": 0x30000})
	p.dmOp(testDom, xen.DestroyIOReqServer{ID: infoServer}, 0)
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x10000, 0, frame{gfn: syncGFN})
	p.want("the server is gone", map[string]uint64{})
}

func TestPagesAreFoundAmongOtherFrames(t *testing.T) {
	p := newIoctlProbes(t)
	p.dmOp(testDom, infoOfServer, 0)
	const most = 1024
	all := make([]frame, most+88)
	for i := range all {
		all[i].gfn = uint64(i)
	}
	all[7], all[8].err, all[most-1].gfn, all[most].gfn = frame{gfn: syncGFN}, -22, ringGFN, ringGFN
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x100000, -2, all...)
	p.want("many frames", map[string]uint64{"3/2 sync": 0x107000, "3/2 ring": 0x100000 + (most-1)<<12})
	lost, err := (&probes{coll: p.coll}).lost()
	if err != nil {
		t.Fatal(err)
	}
	var n uint64
	for k, v := range lost {
		if k.probe == format.ProbePrivcmd && k.reason == format.ReasonTruncated {
			n += v
		}
	}
	if want := uint64(len(all) - most); n != want {
		t.Errorf("%d frames are counted as not looked at, want %d", n, want)
	}
}

// TestRingThatXenClears: what stands in a ring at a gfn are entries only while its server
// is enabled, and not those from before that.
func TestRingThatXenClears(t *testing.T) {
	p := newIoctlProbes(t)
	page := make([]byte, xen.PageSize)
	set := func(read, write uint32) func() {
		return func() {
			le.PutUint32(page, read)
			le.PutUint32(page[4:], write)
		}
	}
	p.dmOp(testDom, infoOfServer, 0)
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, p.at(page), 0, frame{gfn: ringGFN})
	off, on := xen.SetIOReqServerState{ID: infoServer}, xen.SetIOReqServerState{ID: infoServer, Enabled: 1}
	for _, c := range []struct {
		what        string
		op          xen.Body
		ret         int64
		does        func()
		total, gone uint64
	}{
		{"what the guest has put there", xen.NrVCPUs{}, 0, set(5, 300), 0, 0},
		{"enabled, and two entries since", on, 0, set(0, 2), 2, 0},
		{"300 entries", xen.NrVCPUs{}, 0, set(300, 300), 300, 0},
		{"two more", xen.NrVCPUs{}, 0, set(300, 302), 302, 0},
		{"enabled again, without effect", on, 0, set(303, 305), 305, 0},
		{"not disabled", off, -22, set(304, 306), 306, 0},
		{"disabled", off, 0, set(0, 0), 306, 0},
		{"what the guest has put there since", xen.NrVCPUs{}, 0, set(0, 7), 306, 0},
		{"not enabled", on, -22, set(0, 8), 306, 0},
		{"enabled, and none since", on, 0, set(0, 0), 306, 306},
		{"510 in a full ring", xen.NrVCPUs{}, 0, set(0, 510), 816, 306},
		{"not destroyed", xen.DestroyIOReqServer{ID: infoServer}, -22, set(1, 511), 817, 306},
	} {
		p.dmOp(testDom, c.op, c.ret, c.does)
		p.dmOp(testDom, xen.NrVCPUs{}, 0) // has the ring looked at
		if r := p.ring(); r.Total != c.total || r.Gone != c.gone {
			t.Errorf("%s: %d slots, %d of them gone, want %d, %d", c.what, r.Total, r.Gone, c.total, c.gone)
		}
	}
}

// ring returns the only ring that the programs know.
func (p *ioctlProbes) ring() (r fentryRing) {
	p.Helper()
	var name uint64
	n := 0
	it := p.coll.Maps[fentryMapRings].Iterate()
	for it.Next(&name, &r) {
		n++
	}
	if it.Err() != nil || n != 1 {
		p.Fatalf("want one ring, got %d, %v", n, it.Err())
	}
	return r
}
