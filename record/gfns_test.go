//go:build linux && amd64

package record

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// ioctlProbes are tier A's programs, to be run by hand: this test makes up calls of
// privcmd as they would see them, in memory of its own.
type ioctlProbes struct {
	t    *testing.T
	coll *ebpf.Collection
	pin  runtime.Pinner
}

func newIoctlProbes(t *testing.T) *ioctlProbes {
	t.Helper()
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Skipf("needs root to load programs: %v", err)
	}
	load := func() (*ebpf.CollectionSpec, error) {
		spec, err := flavours[0].load()
		if err == nil {
			err = flavours[0].configure(spec, &fentrySettings{Kinds: ^uint64(0), BufferBytes: minBuffer})
		}
		return spec, err
	}
	p := &ioctlProbes{t: t, coll: loadForVerifier(t, flavours[0], load)}
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
	p.t.Helper()
	ctx := [4]uint64{0, uint64(cmd), p.at(arg), uint64(ret)}
	p.run(fentryProgPrivcmdEnter, ctx)
	for _, do := range does {
		do()
	}
	p.run(fentryProgPrivcmdReturn, ctx)
}

func (p *ioctlProbes) run(name string, ctx [4]uint64) {
	p.t.Helper()
	if _, err := p.coll.Programs[name].Run(&ebpf.RunOptions{Context: ctx}); err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
}

// dmOp is a dm_op that Xen has answered already.
func (p *ioctlProbes) dmOp(dom xen.DomID, body xen.Body, ret int64, does ...func()) {
	p.t.Helper()
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
	p.t.Helper()
	var gfns, errs []byte
	for _, f := range frames {
		gfns, errs = le.AppendUint64(gfns, f.gfn), le.AppendUint32(errs, uint32(f.err))
	}
	m := xen.MmapBatch{Num: uint32(len(frames)), Dom: dom, Addr: addr, GFNs: p.at(gfns), Errs: p.at(errs)}
	p.ioctl(cmd, m.Append(nil), ret)
}

// mapped returns what the programs know to be mapped, and of what.
func (p *ioctlProbes) mapped() map[string]uint64 {
	p.t.Helper()
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
	p.t.Helper()
	if got := p.mapped(); fmt.Sprintf("%#x", got) != fmt.Sprintf("%#x", want) {
		p.t.Errorf("%s: mapped %#x, want %#x", what, got, want)
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
	all := make([]frame, 600)
	for i := range all {
		all[i].gfn = uint64(i)
	}
	all[7], all[8].err, all[511].gfn, all[512].gfn = frame{gfn: syncGFN}, -22, ringGFN, ringGFN
	p.mapFrames(xen.PrivcmdMmapBatchV2, testDom, 0x100000, -2, all...)
	p.want("600 frames", map[string]uint64{"3/2 sync": 0x107000, "3/2 ring": 0x100000 + 511<<12})
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
	if want := uint64(len(all) - 512); n != want {
		t.Errorf("%d frames are counted as not looked at, want %d", n, want)
	}
}

// TestRingThatXenClears: the pages of a server that are at gfns are cleared as it is
// enabled and disabled, which are no entries.
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
		what  string
		op    xen.Body
		ret   int64
		does  func()
		total uint64
	}{
		{"300 entries", xen.NrVCPUs{}, 0, set(300, 300), 300},
		{"two more", xen.NrVCPUs{}, 0, set(300, 302), 302},
		{"disabled", off, 0, set(0, 0), 302},
		{"three more, at the next call", on, 0, set(0, 3), 305},
		{"enabled again, without effect", on, 0, set(3, 6), 308},
		{"enabled, and one entry since", on, 0, set(0, 1), 309},
		{"refused", off, -22, set(1, 1), 309},
		{"around, and nobody clears", xen.NrVCPUs{}, 0, set(0, 0), 309 + 510},
		{"destroyed", xen.DestroyIOReqServer{ID: infoServer}, -22, set(0, 0), 309 + 510},
	} {
		p.dmOp(testDom, c.op, c.ret, c.does)
		p.dmOp(testDom, xen.NrVCPUs{}, 0) // has the ring looked at
		totals, err := (&probes{coll: p.coll}).ringTotals()
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range totals {
			if len(totals) != 1 || got != c.total {
				t.Errorf("%s: %d slots, want %d", c.what, got, c.total)
			}
		}
	}
}
