package driver

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// whole is a profile with every role.
const whole = `driver one  # a comment
module mod
page mod_map dom=arg0 page=ret[8]
unpage mod_unmap page=arg0[8]
bind mod_bind dom=arg0:u16 port=arg1:u32 irq=ret:u32 handler=mod_irq@arg2
unbind mod_unbind irq=arg0
request mod_irq irq=arg0:u32
answer mod_notify irq=arg0:u32
`

func parse(t *testing.T, text string) Profile {
	t.Helper()
	p, err := Parse(strings.NewReader(text))
	if err != nil || len(p) != 1 {
		t.Fatalf("%d profiles, %v", len(p), err)
	}
	return p[0]
}

func TestBuiltinProfilesAreWhole(t *testing.T) {
	names := map[string]bool{}
	for _, p := range Builtin() {
		if names[p.Name] {
			t.Errorf("two profiles are called %s", p.Name)
		}
		names[p.Name] = true
		if hooks, missing := p.Select(func(string) bool { return true }); len(missing) > 0 || len(hooks) < 6 {
			t.Errorf("%s: hooks %v, missing %v", p.Name, hooks, missing)
		}
	}
	if !names["xengt-gvt"] || !names["xengt-kdm"] {
		t.Errorf("want XenGT's profiles, got %v", names)
	}
}

// TestErrorsNameLineAndField has a line wrong in every way; it stands behind the
// seven lines of a whole profile.
func TestErrorsNameLineAndField(t *testing.T) {
	for line, want := range map[string]string{
		"fetch mod_x irq=arg0":                         `line 9: "fetch": want driver, module, call`,
		"call":                                         "line 9: call: want a function's name",
		"request mod$x irq=arg0":                       "line 9: mod$x: want a function's name",
		"request mod_x":                                "line 9: request mod_x: lacks irq",
		"request mod_x irq=arg6":                       `line 9: irq=arg6: "arg6": argument "arg6": want arg0 to arg5`,
		"request mod_x irq=arg0:u24":                   `line 9: irq=arg0:u24: "arg0:u24": size "u24": want u8, u16, u32 or u64`,
		"request mod_x irq=arg0[x]":                    `line 9: irq=arg0[x]: "arg0[x]": offset "x": want a number in brackets`,
		"request mod_x irq=arg0[1":                     `line 9: irq=arg0[1: "arg0[1": offset "1": want a number in brackets`,
		"request mod_x irq=1[1]":                       `line 9: irq=1[1]: "1[1]": a number has nothing behind it`,
		"request mod_x irq=arg0[1]2":                   `line 9: irq=arg0[1]2: "arg0[1]2": "2" behind a bracket`,
		"request mod_x irq=irq":                        `line 9: irq=irq: "irq": "irq" is no number`,
		"request mod_x irq=ret":                        "line 9: irq=ret: a request line is looked at when the function is called",
		"request mod_x irq=0 irq=1":                    "line 9: irq=1: given twice",
		"request mod_x gfn=arg0":                       `line 9: gfn=arg0: a request line has no "gfn"`,
		"request mod_x irq":                            "line 9: irq: want NAME=VALUE",
		"request mod_x irq=arg0[1][2][3]":              `line 9: irq=arg0[1][2][3]: "arg0[1][2][3]": more than 2 steps`,
		"bind mod_x dom=0 port=0 irq=ret handler=f":    "line 9: handler=f: want FUNCTION@ARGUMENT",
		"call mod_x":                                   "line 9: want the name of a dm_op",
		"call mod_x pause_domain":                      "line 9: pause_domain: not a dm_op that a profile can name",
		"call mod_x set_mem_type first=0 nr=1 type=0":  "line 9: call mod_x: lacks dom or handle",
		"call mod_x set_mem_type dom=0 nr=1 type=0":    "line 9: call mod_x: set_mem_type lacks first",
		"call mod_x set_mem_type dom=0 errors=ignored": "line 9: errors=ignored: want one of exact, squashed, pointer, none",
		"answer mod_irq irq=arg0":                      "line 9: driver one: mod_irq is both request and answer",
		"driver":                                       `line 9: want "driver" and a name`,
		"driver two":                                   `line 9: driver two: lacks a line "module NAME"`,
		"driver two\nmodule m":                         "line 10: driver two: lacks one of request, answer, bind and page",
		"bind mod_y dom=0 port=0 irq=ret server=0":     "line 9: driver one: tells servers in one of bind and page only",
	} {
		_, err := Parse(strings.NewReader(whole + line))
		var e *SyntaxError
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", line, err, want)
		}
	}
	if _, err := Parse(strings.NewReader("module m")); err == nil || err.Error() != `line 1: "module": want a line "driver NAME" first` {
		t.Errorf("module without a driver: %v", err)
	}
	long := whole + strings.Repeat("call? mod_x set_ioreq_server_state dom=0 enabled=1\n", maxHooks)
	if _, err := Parse(strings.NewReader(long)); err == nil || !strings.Contains(err.Error(), "has more than 64 lines") {
		t.Errorf("a long profile: %v", err)
	}
}

func TestSources(t *testing.T) {
	for text, want := range map[string]Source{
		"0x10":            {From: FromConst, Const: 16, Size: 8},
		"ioreq_server":    {From: FromConst, Const: 4, Size: 8},
		"arg5:u16":        {From: FromArg, Arg: 5, Size: 2},
		"ret[8]":          {From: FromRet, Steps: 1, Offset: [2]int32{8}, Size: 8},
		"arg0[-8][24]:u8": {From: FromArg, Steps: 2, Offset: [2]int32{-8, 24}, Size: 1},
	} {
		if got, err := ParseSource(text); got != want || err != nil {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestSelectTakesSubstitutes(t *testing.T) {
	p := parse(t, whole+"call? mod_set set_mem_type dom=0 first=arg0 nr=1 type=0\n"+
		"call mod_track|mod_set set_mem_type dom=0 first=arg0 nr=1 type=0\n")
	for _, c := range []struct {
		lacks   string
		last    string
		missing string
	}{
		{lacks: "", last: "mod_set"},
		{lacks: "mod_set", last: "mod_track"},
		{lacks: "mod_track", last: "mod_set"},
		{lacks: "mod_notify", last: "mod_set", missing: "mod_notify"},
		{lacks: "mod_irq", last: "mod_set", missing: "mod_bind mod_irq"},
	} {
		hooks, missing := p.Select(func(s string) bool { return s != c.lacks })
		if last := hooks[len(hooks)-1].Symbol; last != c.last || strings.Join(missing, " ") != c.missing {
			t.Errorf("without %q: last %s, missing %v", c.lacks, last, missing)
		}
	}
}

// TestInlinedSetupIsTakenFromTheInstance: XenGT's own static functions are preferred,
// each by itself.
func TestInlinedSetupIsTakenFromTheInstance(t *testing.T) {
	xengt := Builtin()[0]
	functions := func(lacks ...string) string {
		hooks, missing := xengt.Select(func(s string) bool { return !slices.Contains(lacks, s) })
		if len(missing) > 0 {
			t.Errorf("without %v: missing %v", lacks, missing)
		}
		return strings.Join(Functions(hooks), ", ")
	}
	if all := functions(); strings.Contains(all, "xengt_instance") || !strings.Contains(all, "hvm_claim_ioreq_server_type") {
		t.Errorf("with all functions: %s", all)
	}
	got := functions("xen_hvm_create_iorequest_server", "hvm_claim_ioreq_server_type", "xen_hvm_destroy_iorequest_server")
	for _, want := range []string{
		"xengt_instance_create (for xen_hvm_create_iorequest_server, hvm_claim_ioreq_server_type)",
		"xengt_instance_destroy (for xen_hvm_destroy_iorequest_server)", "xen_hvm_toggle_iorequest_server",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("with three inlined: got %s, want %s", got, want)
		}
	}
}

func TestResultsTellOfErrors(t *testing.T) {
	for _, c := range []struct {
		errors   Errors
		result   int64
		ret      int64
		squashed bool
	}{
		{ErrorsExact, 0, 0, false}, {ErrorsExact, 0xffffffea, -22, false}, {ErrorsExact, 7, 0, false},
		{ErrorsSquashed, -14, -14, true},
		{ErrorsPointer, -0x7700_0000_0000, 0, true}, {ErrorsPointer, 0, -1, true}, {ErrorsPointer, -12, -1, true},
		{ErrorsNone, -22, 0, false},
	} {
		if ret, squashed := c.errors.Outcome(c.result); ret != c.ret || squashed != c.squashed {
			t.Errorf("%+v: got %d, %v", c, ret, squashed)
		}
	}
}

// TestOpsAreXens compares the table of operations with package xen's encoding: each
// field gets a value of its own.
func TestOpsAreXens(t *testing.T) {
	r := xen.Range{Space: 1, First: 2, Last: 3}
	for _, c := range []struct {
		in, out xen.Body
		values  string
	}{
		{xen.CreateIOReqServer{HandleBufIOReq: 2}, xen.CreateIOReqServer{HandleBufIOReq: 2, ID: 7}, "bufmode=2 id=7"},
		{xen.GetIOReqServerInfo{ID: 1, Flags: 1}, xen.GetIOReqServerInfo{ID: 1, Flags: 1, BufPort: 5, IOReqGFN: 6, BufReqGFN: 7}, "server=1 flags=1 bufport=5 gfn=6 bufgfn=7"},
		{xen.MapIORange{ID: 9, Range: r}, xen.MapIORange{ID: 9, Range: r}, "server=9 space=1 first=2 last=3"},
		{xen.UnmapIORange{ID: 9, Range: r}, xen.UnmapIORange{ID: 9, Range: r}, "server=9 space=1 first=2 last=3"},
		{xen.SetIOReqServerState{ID: 3, Enabled: 1}, xen.SetIOReqServerState{ID: 3, Enabled: 1}, "server=3 enabled=1"},
		{xen.DestroyIOReqServer{ID: 3}, xen.DestroyIOReqServer{ID: 3}, "server=3"},
		{xen.SetMemType{Nr: 2, Type: 4, First: 0x1000}, xen.SetMemType{Nr: 2, Type: 4, First: 0x1000}, "nr=2 type=ioreq_server first=0x1000"},
		{xen.InjectMSI{Data: 1, Addr: 2}, xen.InjectMSI{Data: 1, Addr: 2}, "data=1 addr=2"},
		{xen.MapMemType{ID: 1, Type: 4, Flags: 2}, xen.MapMemType{ID: 1, Type: 4, Flags: 2, Opaque: 9}, "server=1 type=4 flags=write opaque=9"},
	} {
		op := xen.NewDMOp(c.in)
		p := parse(t, whole+"call mod_x "+op.Op.String()+" dom=0 "+c.values)
		h := p.Hooks[len(p.Hooks)-1]
		value := func(name string) (uint64, bool) {
			v, ok := h.Value(name)
			return v.Const, ok
		}
		if got, known := h.Call(value); got != op || !known {
			t.Errorf("%v: got %+v, %v", op.Op, got, known)
		}
		out := xen.NewDMOp(c.out)
		if got, known := h.Result(value); got != out.Words() || !known {
			t.Errorf("%v: result %x, %v, want %x", op.Op, got, known, out.Words())
		}
		if _, known := h.Call(func(string) (uint64, bool) { return 0, false }); known {
			t.Errorf("%v: known without its values", op.Op)
		}
	}
}

// FuzzParse looks for input that takes the parser apart. What it accepts, Select
// takes.
func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add(xengt)
	f.Fuzz(func(t *testing.T, text string) {
		profiles, err := Parse(strings.NewReader(text))
		for _, p := range profiles {
			if hooks, _ := p.Select(func(string) bool { return true }); len(hooks) > maxHooks || err != nil {
				t.Errorf("%d hooks, %v", len(hooks), err)
			}
		}
	})
}
