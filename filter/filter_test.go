package filter

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
	"github.com/iotrace-xen/iotrace/xen"
)

func session(t testing.TB, n uint64) (all []format.Event) {
	t.Helper()
	g, err := gen.New(gen.Config{Events: n})
	if err != nil {
		t.Fatal(err)
	}
	for e := range g.Events() {
		all = append(all, e)
	}
	all = append(all,
		format.Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: format.ProbeRing, Reason: format.ReasonOverrun, CPU: -1, Count: 3}.Event(1),
		format.Mark{Part: 0, Parts: 1, Text: "a b=c"}.Event(1), format.DMOpReturn{Dom: 1, ID: 4, Ret: -16}.Event(1))
	return all
}

// compile compiles what must be right.
func compile(t testing.TB, text string) *Filter {
	t.Helper()
	f, err := Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

func count(f *Filter, events []format.Event) (n int) {
	for i := range events {
		if f.Match(&events[i]) {
			n++
		}
	}
	return n
}

// TestTextAgrees searches the lines of the text form for every field and value
// that they have: a comparison must select exactly the lines that grep would.
func TestTextAgrees(t *testing.T) {
	events := session(t, 4000)
	lines := map[[2]string]int{} // of a kind, how many have the word
	for _, e := range events {
		words := strings.Fields(string(format.AppendText(nil, e)))
		for _, w := range words[3:] {
			lines[[2]string{words[2], w}]++
		}
	}
	if len(lines) < 1000 {
		t.Fatalf("only %d words to try", len(lines))
	}
	tried := 0
	for w, n := range lines {
		if tried++; tried%7 != 0 && n < 3 {
			continue // most values stand in one or two lines
		}
		name, value, _ := strings.Cut(w[1], "=")
		f := compile(t, "kind=="+w[0]+" && "+name+`=="`+value+`"`)
		if got := count(f, events); got != n {
			t.Errorf("%s: selects %d events, %d lines have %q", f, got, n, w[1])
		}
	}
}

// TestEdges shows what a page of text cannot: order, signs, absence.
func TestEdges(t *testing.T) {
	events := session(t, 1)[1:]
	req := format.IOReq{Dom: 3, Server: 1, VCPU: xen.NoVCPU, ID: 9, Req: xen.IOReq{Addr: 0x1ff, Size: 4, State: xen.StateReady, Dir: xen.DirRead}}
	events = append(events, req.Event(format.KindIOReq, 2_500_000_000))
	for i := range events {
		events[i].Seq = uint64(i)
	}
	const lost, mark, ret, ioreq = 1, 2, 4, 8
	for text, want := range map[string]int{
		"ret==-16": ret, "ret<0": ret, "ret in -20..-1": ret, "ret>=0": 0, "ret!=-16": 0, "!(ret==-16)": lost | mark | ioreq,
		"cpu==-1": lost, "cpu<=-1": lost, "cpu>-1": 0,
		"addr in 0x100..0x1ff": ioreq, "addr in {511}": ioreq, "addr in 0..510": 0, "addr in {1, 0x1f0..0x200}": ioreq,
		"vcpu": 0, "server": ioreq, "dom": ret | ioreq, "dom==3": ioreq, "dom!=3": ret,
		"data": 0, "data==0": 0, "data!=0": 0, "!data": lost | mark | ret | ioreq, // not captured
		"data_known": 0, "data_known==0": ioreq,
		"dir==read": ioreq, "dir==1": ioreq, "type==pio": ioreq, "type!=copy": ioreq, "state==ready": ioreq,
		"probe==ring && reason==overrun": lost, `t0=="a\x20b\x3dc"`: mark,
		"kind!=ioreq": lost | mark | ret, "kind in {lost,mark}": lost | mark, "kind==lost || kind==mark && part!=0": lost,
		"(kind==lost || kind==mark) && part==0": mark, "not kind==lost and not kind==mark or part==0": mark | ret | ioreq,
		"time>=2.5": ioreq, "time<2.5": lost | mark | ret, "seq in 1..2": mark | ret, "seq<=0": lost, "seq<0": 0,
		"!!!(dom==3)": lost | mark | ret,
	} {
		f := compile(t, text)
		got := 0
		for i := range events {
			if f.Match(&events[i]) {
				got |= 1 << i
			}
		}
		if got != want {
			t.Errorf("%s: selects %04b, want %04b", text, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "column 1: want a field, found the end",
		"kind==":                    "column 7: want a value, found the end",
		"kind==ioreg":               `column 7: no kind of event is called "ioreg"; did you mean ioreq?`,
		"kind":                      "column 1: every event has a kind; compare it with something",
		"adr==5":                    `column 1: no event has a field "adr"; did you mean addr? 'iotrace cat --list-fields' lists all`,
		"kind==ioreq && dir=read":   `column 19: "=" has no meaning here; equal is ==`,
		"kind==ioreq & dom==1":      `column 13: "&" has no meaning here; write && and ||`,
		"dir==up":                   `column 6: no field "dir" can be "up"; it can be write, read or a number`,
		"size==4k":                  `column 7: no field "size" can be "4k"; it is a number`,
		"vcpu==65536":               `column 7: no field "vcpu" can be "65536"; it is a number`,
		"addr in 1..x":              `column 12: no field "addr" can be "x"; it is a number`,
		"addr in {1,2":              "column 13: want , or } behind a value, found the end",
		"kind in {ioreq, RESP}":     `column 17: no kind of event is called "RESP"; did you mean ioresp?`,
		"kind==state_server":        "column 7: events of kind state_server are a key-frame's, and no filter is asked about those",
		"ioreq && dom==1":           `column 1: no event has a field "ioreq"; did you mean kind==ioreq? 'iotrace cat --list-fields' lists all`,
		"state_server":              `column 1: no event has a field "state_server"; 'iotrace cat --list-fields' lists all`,
		"latency>5":                 `column 1: no event has a field "latency"; 'iotrace cat --list-fields' lists all`,
		"reason!=overun":            `column 9: no field "reason" can be "overun"; did you mean overrun?`,
		"probe==evtchn":             `column 8: no field "probe" can be "evtchn"; did you mean evtchn_ioctl or evtchn_read or evtchn_write?`,
		"type==mmio":                `column 7: no field "type" can be "mmio"; it can be pio, copy, pci_config, timeoffset, invalidate or a number`,
		"comm==qemu-system-x86_64":  `column 7: no field "comm" can be "qemu-system-x86_64"; it is up to 8 bytes of text`,
		"df==true":                  `column 5: no field "df" can be "true"; it is 1 or 0`,
		"addr in {1, 7..5}":         "column 13: nothing is in 7..5; a range begins with the smaller value",
		"ret in -1..-2":             "column 8: nothing is in -1..-2; a range begins with the smaller value",
		"time in 2..1.5":            "column 9: nothing is in 2..1.5; a range begins with the smaller value",
		"(dom==1":                   "column 8: want ) for the ( in column 1, found the end",
		"dom==1)":                   `column 7: want && or || in front of ")"`,
		"dom==1 dom==2":             `column 8: want && or || in front of "dom"`,
		"dom 1":                     `column 5: want an operator behind "dom", found "1"`,
		`t0=="abc`:                  "column 5: the quotes are not closed",
		"time>=1m":                  `column 7: time: want seconds, such as 168.837, got "1m"`,
		"seq==-1":                   `column 6: seq: want an event's number, got "-1"`,
		"&& dom==1":                 `column 1: want a field, found "&&"`,
		"dom==1 && ü":               `column 11: "\xc3" has no meaning here`,
		strings.Repeat("(", 200):    "column 101: more than 100 parentheses and negations inside each other",
		strings.Repeat("x", 5000):   "column 4097: an expression has at most 4096 bytes",
		`"dom"==1`:                  `column 1: want a field, found "dom"`,
		"addr in 5..":               "column 12: want a value, found the end",
		"dom==1 || dom in {1;2}":    `column 20: ";" has no meaning here`,
		"kind==ioreq && !(server)x": `column 25: want && or || in front of "x"`,
	} {
		_, err := Compile(text)
		var e *Error
		if !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// TestUnknownKindNamesAll gives a name like no other: the error lists those that a filter
// can ask about.
func TestUnknownKindNamesAll(t *testing.T) {
	msg := UnknownKind("foo").Error()
	head, list, _ := strings.Cut(msg, "; the kinds, but for those of key-frames, are ")
	if head != `no kind of event is called "foo"` {
		t.Error(msg)
	}
	var want []string
	for k := range format.Kinds() {
		if _, err := Compile("kind==" + k.String()); err == nil {
			want = append(want, k.String())
		}
	}
	if got := strings.Split(list, ", "); !slices.Equal(got, want) || len(want) < 20 {
		t.Errorf("lists %v, and a filter can ask about %v", got, want)
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	events := session(t, 1000)
	f := compile(t, "kind==ioreq && dom==1 && size==4 && addr in {0x100..0x1ff, 0x3f8} || ret<0 || time<0.5")
	if n := testing.AllocsPerRun(10, func() { count(f, events) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	events := session(b, 10000)
	f := compile(b, "kind==ioreq && dom==1 && size==4 && addr in 0x100..0x1ff")
	for b.Loop() {
		count(f, events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}

// FuzzCompile checks that no text makes Compile panic, and that what compiles
// obeys the laws of logic.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{"kind==ioreq && addr in {1..2,0x3}", "!(ret<=-16) || time>1.5 and not seq!=3", `t0=="a b"`, "type==pio", "(dom)", "cpu in -1..5"} {
		f.Add(text, uint8(0))
	}
	events := session(f, 300)
	f.Fuzz(func(t *testing.T, text string, at uint8) {
		x, err := Compile(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		e := &events[int(at)%len(events)]
		got := x.Match(e)
		for law, want := range map[string]bool{
			"!(" + text + ")": !got, "(" + text + ") && (" + text + ")": got, "!(" + text + ") || " + text: true, "(" + text + ") || kind==lost": got || e.Kind == format.KindLost,
		} {
			if y, err := Compile(law); err == nil && y.Match(e) != want {
				t.Errorf("%s: want %v", law, want)
			}
		}
	})
}
