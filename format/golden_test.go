package format

import (
	"bytes"
	"encoding/json"
	goflag "flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

var update = goflag.Bool("update", false, "rewrite the files in testdata from what the code does now")

// golden compares got with a file in testdata, line by line.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s, line %d differs (go test -update rewrites it):\n got %q\nwant %q", path, i+1, lineOf(g, i), lineOf(w, i))
		}
	}
}

func lineOf(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}

// everyKind is a short story that has each kind at least once.
func everyKind() []Event {
	qemu := Caller{PID: 1234, TID: 1235}
	port := xen.Port(61)
	read := IOReq{Dom: 1, Server: 0, VCPU: 2, ID: 7, Caller: qemu, Port: port}
	read.Req = xen.IOReq{Addr: 0x1f7, Size: 1, Count: 1, EPort: 5, Dir: xen.DirRead, State: xen.StateReady}
	answer := read
	answer.DataKnown, answer.Req.Data, answer.Req.State = true, 0x50, xen.StateRespReady
	pci := read
	pci.ID, pci.DataKnown = 8, true
	pci.Req = xen.IOReq{Addr: xen.PCIAddr(xen.NewSBDF(0, 0, 2, 0), 0x10), Data: 0xfebf0000, Size: 4, Count: 1,
		EPort: 5, State: xen.StateReady, Type: xen.TypePCIConfig}
	rep := read
	rep.ID, rep.DataKnown = 9, true
	rep.Req = xen.IOReq{Addr: 0xa0000, Data: 0x7fe000, Size: 4, Count: 1024, EPort: 5, State: xen.StateReady,
		DataIsPtr: true, DF: true, Type: xen.TypeCopy}
	legacy := HypercallEnter{Dom: 1, ID: 5, Caller: qemu, Nr: xen.HyperHVMOp, Sub: 0x308, Known: true,
		Words: [4]uint64{0x10_0004_0001, 0xf0000}}
	claim := xen.NewDMOp(xen.MapMemType{ID: 1, Type: xen.MemIOReqServer, Flags: xen.AccessWrite})
	views := []Event{
		Clock{WallNS: 1_700_000_000_000_000_000, RawNS: 999, TSC: 1 << 62}.Event(0),
		DomainFound{Dom: 3, VCPUs: 4}.Event(0),
		ServerFound{Dom: 3, Server: 1, BufPort: 9}.Event(0),
		PortFound{Dom: 3, Local: 70, RemoteInDom: 6}.Event(0),
		Unlearned{Dom: 3, Server: 1, What: WhatRanges}.Event(0),
		Unlearned{Dom: 3, Server: xen.NoServer, What: 99}.Event(0),
		Process{PID: 1234, Comm: "qemu-system-i386"}.Event(0),
		Process{PID: 1235, Comm: "two words=\\#"}.Event(0),
		DMOpEnter{Dom: 1, ID: 1, Caller: qemu, NrBufs: 1, Known: true, Size0: 32, Op: xen.NewDMOp(xen.CreateIOReqServer{HandleBufIOReq: xen.BufAtomic})}.Event(0),
		DMOpReturn{Dom: 1, ID: 1, Known: true, Words: [3]uint64{2}}.Event(0),
		DMOpEnter{Dom: 1, ID: 2, Caller: qemu, NrBufs: 1, Known: true, Size0: 32, Op: claim}.Event(0),
		DMOpReturn{Dom: 1, ID: 2, Ret: -16}.Event(0),
		DMOpEnter{Dom: 1, ID: 3, Caller: qemu, NrBufs: 3}.Event(0),
		DMOpEnter{Dom: 1, ID: 4, Caller: qemu, NrBufs: 2, Known: true, Size0: 16, Op: xen.NewDMOp(xen.ModifiedMemory{NrExtents: 1})}.Event(0),
		DMOpBuf{Dom: 1, ID: 4, Buf: 1, Size: 16, Words: [2]uint64{1, 0x100}}.Event(0),
		legacy.Event(0),
		HypercallReturn{Dom: 1, ID: 5, Known: true, Words: legacy.Words}.Event(0),
		MmapResourceEnter{Dom: 1, ID: 6, Caller: qemu, ResID: 1, Frame: 1, Num: 1}.Event(0),
		IoctlReturn{Dom: 1, ID: 6, Ret: -2}.Event(0),
		IoctlEnter{Dom: 1, ID: 10, Caller: qemu, Cmd: xen.EvtchnBindInterdomain, Arg: 5}.Event(0),
		IoctlReturn{Dom: 1, ID: 10, Ret: int64(port)}.Event(0),
		IoctlEnter{
			Dom: 1, ID: 11, Caller: qemu, Cmd: xen.PrivcmdIOEventFD, Arg: 7, Known: true,
			Words: xen.IOEventFD{Addr: 0x2000000, AddrLen: 4, VCPUs: 2, VQ: 1}.Words(),
		}.Event(0),
		IoctlEnter{
			Dom: 1, ID: 12, Caller: qemu, Cmd: xen.PrivcmdIRQFD, Arg: 8, Known: true,
			Words: xen.IRQFD{Flags: xen.EventFDDeassign, Op: xen.NewDMOp(xen.SetISAIRQLevel{IRQ: 9, Level: 1})}.Words(),
		}.Event(0),
		PortEvent{Port: port, CPU: 1}.Event(KindEvtchnInterrupt, 0),
		PortEvent{Dom: 1, Port: port, Caller: qemu}.Event(KindEvtchnRead, 0),
		PortEvent{Dom: xen.DomInvalid, Port: port, Caller: qemu}.Event(KindEvtchnUnmask, 0),
		read.Event(KindIOReq, 0), answer.Event(KindIOResp, 0), pci.Event(KindIOReq, 0), rep.Event(KindIOReq, 0),
		BufIOReq{Dom: 1, Server: 1, ID: 11, Caller: qemu, DataKnown: true, Type: xen.TypeCopy, Addr: 0xa0123, Size: 8, Data: 1<<64 - 1}.Event(0),
		RingCount{Dom: 1, Server: 1, Captured: 2, Lost: 3}.Event(0),
		Lost{Dom: 1, Server: 1, Probe: ProbeRing, Reason: ReasonOverrun, CPU: -1, Count: 3}.Event(0),
		ProcessExit{PID: 1235}.Event(0),
		Mark{Part: 0, Parts: 1, Text: "level loaded"}.Event(0),
	}
	views = append(views, everyState(read)...)
	views = append(views, LeftOut{Of: KindIOReq, Count: 99}.Event(0))
	later := Event{Kind: 60, Dom: 1, Server: xen.NoServer, VCPU: xen.NoVCPU, W: [NumWords]uint64{3: 0xabc}}
	newer := ProcessExit{PID: 1}.Event(0)
	newer.W[0] |= 9 << 32
	views = append(views, later, newer)
	for i := range views {
		views[i].Time = 1_000_000_000*uint64(i) + 123_456_789
	}
	return number(views)
}

func TestEveryKindIsInTheGoldens(t *testing.T) {
	for k := range Kinds() {
		if !slices.ContainsFunc(everyKind(), func(e Event) bool { return e.Kind == k }) {
			t.Errorf("%v is missing", k)
		}
	}
}

func TestTextGolden(t *testing.T) {
	text := textOf(t, testHeader, everyKind())
	golden(t, "every-kind.txt", text)
	if got, _, err := readAll(text); err != nil || !slices.Equal(got, everyKind()) {
		t.Errorf("the text reads back as other events, %v", err)
	}
}

func TestJSONGolden(t *testing.T) {
	text := jsonOf(t, testHeader, everyKind())
	golden(t, "every-kind.jsonl", text)
	for line := range bytes.Lines(text) {
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil {
			t.Errorf("%v in %s", err, line)
		}
	}
	if got, _, err := readAll(text); err != nil || !slices.Equal(got, everyKind()) {
		t.Errorf("the JSON reads back as other events, %v", err)
	}
}

// TestCommentGolden shows the comment of every dm_op.
func TestCommentGolden(t *testing.T) {
	bodies := []xen.Body{
		xen.CreateIOReqServer{}, xen.CreateIOReqServer{HandleBufIOReq: 9}, xen.GetIOReqServerInfo{ID: 1, Flags: xen.NoGFNs},
		xen.MapIORange{ID: 1, Range: xen.Range{Space: xen.SpacePort, First: 0x5678, Last: 0x567b}},
		xen.MapIORange{ID: 1, Range: xen.Range{Space: xen.SpaceMemory, First: 0xa0000, Last: 0xbffff}},
		xen.UnmapIORange{ID: 1, Range: xen.Range{Space: xen.SpacePCI, First: 0x10, Last: 0x10}},
		xen.UnmapIORange{ID: 1, Range: xen.Range{Space: xen.SpacePCI, First: 0x10, Last: 0x17}},
		xen.MapIORange{ID: xen.NoServer, Range: xen.Range{Space: 3, First: 1, Last: 2}},
		xen.SetIOReqServerState{ID: 1, Enabled: 1}, xen.DestroyIOReqServer{ID: 1},
		xen.TrackDirtyVRAM{Nr: 256, First: 0xf0000}, xen.SetPCIIntxLevel{Device: 2, Intx: 1, Level: 1},
		xen.SetISAIRQLevel{IRQ: 14, Level: 1}, xen.SetPCILinkRoute{Link: 3, IRQ: 11}, xen.ModifiedMemory{NrExtents: 2},
		xen.SetMemType{Nr: 4, Type: xen.MemIOReqServer, First: 0x100}, xen.InjectEvent{VCPU: 1, Vector: 14, Type: 3},
		xen.InjectMSI{Addr: 0xfee00000, Data: 0x4041}, xen.MapMemType{ID: 1, Type: xen.MemIOReqServer, Flags: xen.AccessWrite},
		xen.MapMemType{ID: 1, Type: xen.MemIOReqServer}, xen.MapMemType{ID: 1, Type: 7, Flags: 3},
		xen.RemoteShutdown{Reason: 3}, xen.RelocateMemory{Size: 16, Src: 0x100, Dst: 0x200},
		xen.PinMemoryCacheAttr{First: 1, Last: 2, Type: 6}, xen.SetIRQLevel{IRQ: 32, Level: 1}, xen.NrVCPUs{},
	}
	var b []byte
	for _, body := range bodies {
		b = append(AppendComment(b, DMOpEnter{Known: true, Op: xen.NewDMOp(body)}.Event(0)), '\n')
	}
	b = append(AppendComment(b, DMOpEnter{Known: true, Op: xen.DMOp{Op: 99}}.Event(0)), '\n')
	for _, h := range []HypercallEnter{
		{Nr: xen.HyperHVMOp, Known: true, Sub: 14, Words: [4]uint64{1}},
		{Nr: xen.HyperHVMOp, Known: true, Sub: 200, Words: [4]uint64{2}},
		{Nr: xen.HyperHVMOp, Known: true, Sub: 0x108, Words: [4]uint64{0x10_0004_0001, 0xf0000}},
	} {
		b = append(AppendComment(b, h.Event(0)), '\n')
	}
	golden(t, "comments.txt", b)
}

// TestNothingToSay lists events for which there must be no comment.
func TestNothingToSay(t *testing.T) {
	for _, e := range []Event{
		DMOpEnter{Op: xen.NewDMOp(xen.DestroyIOReqServer{})}.Event(0), // not known
		HypercallEnter{Nr: xen.HyperHVMOp, Sub: 8}.Event(0),
		HypercallEnter{Nr: xen.HyperMemoryOp, Sub: 8, Known: true}.Event(0),
		DMOpReturn{Ret: 5}.Event(0), IoctlReturn{Ret: -1 << 63}.Event(0), Clock{}.Event(0),
	} {
		if got := AppendComment(nil, e); len(got) != 0 {
			t.Errorf("%s: comment %s", AppendText(nil, e), got)
		}
	}
}
