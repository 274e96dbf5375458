package record

import (
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record/driver"
	"github.com/iotrace-xen/iotrace/xen"
)

// testDriver has a function of every sort that calls come in.
const testDriver = `driver test
module test
page mod_map dom=arg0 page=ret[8]
unpage mod_unmap page=arg0[8]
bind mod_bind dom=arg0 port=arg1 irq=ret:u32 handle=arg2
unbind mod_unbind irq=arg0
request mod_irq irq=arg0
answer mod_notify irq=arg0
call mod_create create_ioreq_server dom=arg0 bufmode=0 id=arg1[2]:u16
call mod_range map_io_range dom=arg0 server=arg1 space=port first=arg2 last=arg2 if=arg3
call mod_range unmap_io_range dom=arg0 server=arg1 space=port first=arg2 last=arg2 unless=arg3
call mod_wp map_io_range dom=arg0 server=arg1 space=memory first=arg2 last=arg3
call mod_wp set_mem_type dom=arg0 first=arg4 nr=1 type=2
call mod_track set_mem_type handle=arg0 first=arg1 nr=1 type=ioreq_server errors=squashed
call mod_destroy destroy_ioreq_server dom=arg0 server=arg1
call mod_setup set_ioreq_server_state dom=arg0 server=ret[8] enabled=1 errors=pointer
call mod_setup map_mem_type dom=arg0 server=ret[8] type=ioreq_server flags=write errors=pointer
`

func testPlan(t testing.TB) []hooked {
	p, err := driver.Parse(strings.NewReader(testDriver))
	if err != nil {
		t.Fatal(err)
	}
	plan, ok := planHooks(1, p[0].Hooks)
	if !ok {
		t.Fatal("no room for the values")
	}
	return plan
}

func driverDecoder(t testing.TB) *decoder {
	d := newDecoder()
	d.drivers.hooks = testPlan(t)
	return d
}

// rawHookOf is a record of a function, whose values are found by their names in
// its first line that has them.
func rawHookOf(d *decoder, k rawKind, t, enter uint64, symbol string, ret int64, values map[string]uint64) []byte {
	id := slices.IndexFunc(d.drivers.hooks, func(h hooked) bool { return h.symbol == symbol })
	h := &d.drivers.hooks[id]
	b := rawRecord(k, t)
	le.PutUint32(b[32:], uint32(id))
	known := uint64(0)
	for name, v := range values {
		i := slices.IndexFunc(h.places, func(p map[string]int) bool { _, ok := p[name]; return ok })
		at := h.places[i][name]
		known |= 1 << at
		le.PutUint64(b[64+8*at:], v)
	}
	le.PutUint64(b[40:], known)
	le.PutUint64(b[48:], enter)
	le.PutUint64(b[56:], uint64(ret))
	return b
}

// called decodes a function from entry to return.
func called(d *decoder, symbol string, ret int64, values map[string]uint64) []format.Event {
	return decodeAll(d, rawHookOf(d, rawHook, 10, 10, symbol, 0, values), rawHookOf(d, rawHookRet, 20, 10, symbol, ret, values))
}

func TestEqualValuesShareAPlace(t *testing.T) {
	plan := testPlan(t)
	if len(plan) != 12 {
		t.Fatalf("%d functions, want 12: call lines of one function are one", len(plan))
	}
	for _, h := range plan {
		if h.symbol == "mod_range" && (len(h.lines) != 2 || h.places[0]["first"] != h.places[1]["last"] || h.places[0]["dom"] != 0) {
			t.Errorf("mod_range: places %v", h.places)
		}
	}
	line := driver.Hook{Role: driver.RoleCall, Symbol: "f"}
	for i := range hookValues {
		line.Values = append(line.Values, driver.Value{Name: string(rune('a' + i)), Source: driver.Source{From: driver.FromConst, Const: uint64(i)}})
	}
	if _, ok := planHooks(1, []driver.Hook{line}); ok {
		t.Error("more values than there is room for were taken")
	}
}

func TestFunctionImpliesItsDMOp(t *testing.T) {
	d := driverDecoder(t)
	got := called(d, "mod_create", 0, map[string]uint64{"dom": testDom, "bufmode": 0, "id": 5})
	if len(got) != 2 || got[0].Time != 10 || got[1].Time != 20 {
		t.Fatalf("events %v", got)
	}
	in, out := got[0].DMOpEnter(), got[1].DMOpReturn()
	if !in.Implied || !in.Known || in.Dom != testDom || in.Op != xen.NewDMOp(xen.CreateIOReqServer{}) || in.Caller.TID != testTID {
		t.Errorf("entry %+v", in)
	}
	want := xen.NewDMOp(xen.CreateIOReqServer{ID: 5}).Words()
	if out.ID != in.ID || out.Ret != 0 || out.Squashed || !out.Known || out.Words != want {
		t.Errorf("return %+v", out)
	}
	if id := d.drivers.serverOf(testDom, xen.NoServer); id != 5 {
		t.Errorf("the driver's only server is %d, want 5", id)
	}
	called(d, "mod_destroy", 0, map[string]uint64{"dom": testDom, "server": 5})
	if id := d.drivers.serverOf(testDom, xen.NoServer); id != xen.NoServer {
		t.Errorf("a destroyed server is still known: %d", id)
	}
}

func TestRefusedCallLeavesItsStructure(t *testing.T) {
	d := driverDecoder(t)
	got := called(d, "mod_create", -12, map[string]uint64{"dom": testDom, "bufmode": 0, "id": 5})
	if out := got[1].DMOpReturn(); out.Ret != -12 || out.Words != [3]uint64{} || len(d.drivers.servers[testDom]) != 0 {
		t.Errorf("return %+v, servers %v", out, d.drivers.servers)
	}
}

func TestConditionChoosesTheLine(t *testing.T) {
	for on, want := range map[uint64]xen.DMOpCode{0: xen.OpUnmapIORange, 1: xen.OpMapIORange} {
		values := map[string]uint64{"dom": testDom, "server": 1, "space": 0, "first": 0x60, "if": on, "unless": on}
		got := called(driverDecoder(t), "mod_range", 0, values)
		if len(got) != 2 || got[0].DMOpEnter().Op.Op != want {
			t.Errorf("with %d: %v, want one %v", on, got, want)
		}
	}
}

func TestFunctionOfTwoCallsTellsBoth(t *testing.T) {
	values := map[string]uint64{"dom": testDom, "server": 1, "space": 1, "first": 0x1000, "last": 0x1fff, "nr": 1, "type": 2}
	got := called(driverDecoder(t), "mod_wp", -22, values)
	if len(got) != 4 || got[0].DMOpEnter().Op.Op != xen.OpMapIORange || got[2].DMOpEnter().Op.Op != xen.OpSetMemType {
		t.Fatalf("events %v", got)
	}
	for _, i := range []int{1, 3} {
		if out := got[i].DMOpReturn(); !out.Squashed || out.ID != got[i-1].DMOpEnter().ID {
			t.Errorf("return %+v: which of two failed is not known", out)
		}
	}
}

// TestCallsKnownByTheResultAreToldAtReturn: before that, nobody knows their server.
func TestCallsKnownByTheResultAreToldAtReturn(t *testing.T) {
	values := map[string]uint64{"dom": testDom, "server": 3, "enabled": 1, "type": 4, "flags": 2}
	const pointer = -0x7700_0000_0000
	got := called(driverDecoder(t), "mod_setup", pointer, values)
	if len(got) != 4 || got[0].Time != 20 {
		t.Fatalf("events %v, want two calls when the function returns", got)
	}
	on := got[0].DMOpEnter()
	if !on.Known || on.Op != xen.NewDMOp(xen.SetIOReqServerState{ID: 3, Enabled: 1}) || got[2].DMOpEnter().Op.Op != xen.OpMapMemType {
		t.Errorf("calls %+v and %+v", on, got[2].DMOpEnter())
	}
	for _, i := range []int{1, 3} {
		if out := got[i].DMOpReturn(); out.Ret != 0 || out.ID != got[i-1].DMOpEnter().ID {
			t.Errorf("return %+v", out)
		}
	}
	delete(values, "server") // there is none behind NULL
	if got := called(driverDecoder(t), "mod_setup", 0, values); got[0].DMOpEnter().Known || got[1].DMOpReturn().Ret == 0 || !got[1].DMOpReturn().Squashed {
		t.Errorf("without an instance: %+v and %+v", got[0].DMOpEnter(), got[1].DMOpReturn())
	}
}

func TestHandleNamesTheDomainOfItsBinding(t *testing.T) {
	d := driverDecoder(t)
	track := map[string]uint64{"handle": 0xffff8880, "first": 0x50, "nr": 1, "type": 4}
	if got := called(d, "mod_track", 0, track); got[0].Dom != xen.DomInvalid {
		t.Errorf("domain %d of a handle that nobody told", got[0].Dom)
	}
	bound := map[string]uint64{"dom": testDom, "port": 4, "irq": 30, "handle": 0xffff8880}
	if got := decodeAll(d, rawHookOf(d, rawHookRet, 5, 1, "mod_bind", 30, bound)); len(got) != 0 {
		t.Errorf("a binding gave events %v", got)
	}
	got := called(d, "mod_track", -14, track)
	if out := got[1].DMOpReturn(); got[0].Dom != testDom || !out.Squashed || out.Ret != -14 {
		t.Errorf("entry %v, return %+v", got[0], out)
	}
}

func TestReturnWithoutEntryIsALoss(t *testing.T) {
	d := driverDecoder(t)
	values := map[string]uint64{"dom": testDom, "server": 1}
	got := decodeAll(d, rawHookOf(d, rawHookRet, 20, 10, "mod_destroy", 0, values))
	if len(got) != 1 || got[0].Lost().Reason != format.ReasonNoEntry {
		t.Errorf("events %v", got)
	}
	enter := rawHookOf(d, rawHook, 30, 30, "mod_destroy", 0, values)
	again := rawHookOf(d, rawHook, 40, 40, "mod_destroy", 0, values)
	le.PutUint64(again[8:], 1)
	got = decodeAll(d, enter, again)
	if len(got) != 3 || got[1].Lost().Reason != format.ReasonMissed {
		t.Errorf("a return that nobody saw: events %v", got)
	}
	d.decode(rawRecord(rawExit, 50))
	if len(d.drivers.open) != 0 {
		t.Error("calls outlive their process")
	}
	bad := rawHookOf(d, rawHook, 1, 1, "mod_destroy", 0, values)
	le.PutUint32(bad[32:], 99)
	if got := decodeAll(d, bad); len(got) != 2 && got[len(got)-1].Lost().Reason != format.ReasonMalformed {
		t.Errorf("a hook that is none: %v", got)
	}
}

func TestOtherDomainsFunctionsAreLeftOut(t *testing.T) {
	d := driverDecoder(t)
	d.domains = map[xen.DomID]bool{9: true}
	if got := called(d, "mod_destroy", 0, map[string]uint64{"dom": testDom, "server": 1}); len(got) != 0 {
		t.Errorf("events %v", got)
	}
}

func rawKernelSlot(k rawKind, t uint64, q xen.IOReq) []byte {
	b := rawSlot(k, t, xen.NoServer, q)
	b[27] = flagKernel
	return b
}

// TestInterruptTakesARequestOfNobody has a request arrive in an interrupt, be
// answered by the driver's thread, and one more whose arrival no probe saw.
func TestInterruptTakesARequestOfNobody(t *testing.T) {
	d := driverDecoder(t)
	called(d, "mod_create", 0, map[string]uint64{"dom": testDom, "bufmode": 0, "id": 5})
	q := xen.IOReq{Addr: 0x5678, Size: 4, Count: 1, EPort: 9, State: xen.StateReady}
	done := q
	done.State = xen.StateRespReady
	got := decodeAll(d, rawKernelSlot(rawSlotIn, 1, q), rawKernelSlot(rawSlotOut, 2, done), rawKernelSlot(rawSlotOut, 3, done))
	if want := []format.Kind{format.KindIOReq, format.KindIOResp, format.KindIOReq, format.KindIOResp}; !slices.Equal(kindsOf(got), want) {
		t.Fatalf("kinds %v, want %v", kindsOf(got), want)
	}
	in, out, deduced := got[0].IOReq(), got[1].IOReq(), got[2].IOReq()
	if in.ID != out.ID || in.Server != 5 || in.Caller != (format.Caller{}) || out.Caller.TID != testTID || in.Port != 0 {
		t.Errorf("request %+v\nanswer %+v", in, out)
	}
	if !deduced.FromAnswer || deduced.ID != got[3].IOReq().ID {
		t.Errorf("deduced %+v", deduced)
	}
}
