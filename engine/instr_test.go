package engine

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// guest is the scripted guest of a page: its RAM and its instruction at hand.
type guest struct {
	mem Memory
	x   Execution
}

// init adds the words that drive a scripted guest to the pages' commands.
func init() {
	for word, f := range map[string]func(*script, *args) string{
		"ram": (*script).ram, "poke": (*script).poke, "peek": (*script).peek, "reply": (*script).reply, "retry": (*script).retry,
	} {
		commands[word] = f
	}
	for i, word := range instrWords {
		if word != "" {
			commands["x:"+word] = func(s *script, a *args) string { return s.instr(a, InstrKind(i)) }
		}
	}
}

var instrWords = [numInstrs]string{
	InstrIn: "in", InstrOut: "out", InstrIns: "ins", InstrOuts: "outs", InstrLoad: "load", InstrStore: "store",
	InstrAdd: "add", InstrXadd: "xadd", InstrXchg: "xchg", InstrCmpxchg: "cmpxchg", InstrMovs: "movs", InstrStos: "stos",
}

// ram makes frames what they are: first=GFN last=GFN type=NAME.
func (s *script) ram(a *args) string {
	first := xen.GFN(a.num("first", 0))
	last := xen.GFN(a.num("last", uint64(first)))
	s.d.pages.set(first, last, 1<<a.named("type", 0, p2mTypeNames[:]...))
	s.d.noteMapped(last)
	return "ok"
}

func (s *script) poke(a *args) string {
	b, err := hex.DecodeString(a.text("bytes"))
	if err != nil {
		a.err = err
	}
	s.guest.mem.Write(a.num("gpa", 0), b)
	return "ok"
}

func (s *script) peek(a *args) string {
	b := make([]byte, a.num("n", 4))
	s.guest.mem.Read(a.num("gpa", 0), b)
	return hex.EncodeToString(b)
}

func (a *args) text(key string) string {
	v := a.values[key]
	delete(a.values, key)
	return v
}

func (a *args) operand(key string) (o Operand) {
	b, err := hex.DecodeString(a.text(key))
	if err != nil {
		a.err = err
	}
	copy(o[:], b)
	return o
}

// instr begins an instruction and runs it until a device model must answer.
// Bytes of operands are written as they lie in memory.
func (s *script) instr(a *args, kind InstrKind) string {
	in := Instr{
		Kind: kind, VCPU: xen.VCPU(a.num("vcpu", 0)), Port: uint16(a.num("port", 0)), Addr: a.num("gpa", 0), Src: a.num("src", 0),
		Size: uint8(a.num("size", 4)), DF: a.has("df"), Data: a.operand("data"), Expect: a.operand("expect"),
	}
	if _, in.Rep = a.values["rep"]; in.Rep {
		in.Count = a.num("rep", 0)
	}
	s.guest.x.Begin(s.d, &s.guest.mem, in)
	return s.proceed(Answer{})
}

// reply answers the request that the guest waits for, and runs on.
func (s *script) reply(a *args) string {
	ans := Answer{
		State: xen.State(a.named("state", 3, "none", "ready", "inprocess", "resp_ready")), Data: a.num("data", 0),
	}
	if !s.guest.x.Waiting() {
		return "nothing to answer"
	}
	return s.proceed(ans)
}

// retry lets the guest fault again.
func (s *script) retry(*args) string { return s.proceed(Answer{}) }

// proceed prints the effects up to one that waits, one a line, and the end.
func (s *script) proceed(ans Answer) string {
	x := &s.guest.x
	var lines []string
	for e, more := x.Next(ans); more; e, more = x.Next(Answer{}) {
		lines = append(lines, effectText(x, e))
		if x.Waiting() || e.Route.Kind == RouteRefault || e.Route.Kind == RouteSuspended {
			return strings.Join(lines, "\n")
		}
	}
	return strings.Join(append(lines, resultText(x)), "\n")
}

func effectText(x *Execution, e Effect) string {
	if e.Slot.Kind != SlotUnknown {
		return slotText(e)
	}
	text := routeText(e)
	if k := e.Route.Kind; k == RouteServer || k == RouteBuffered || k == RouteNull {
		q := x.Request()
		text = fmt.Sprintf("%v size %d data %#x%s: %s", q.Dir, q.Size, q.Data, flagText(q), text)
	}
	return text + costText(e.Cost)
}

func flagText(q xen.IOReq) string {
	text := ""
	if q.DataIsPtr {
		text += " ptr"
	}
	if q.DF {
		text += " df"
	}
	return text
}

var outcomeNames = [...]string{
	Running: "running", Retired: "retired", GuestFault: "#GP(0)", Hung: "hung", DomainCrash: "domain crash", XenCrash: "Xen crash",
	Undecided: "undecided", Malformed: "malformed",
}

func resultText(x *Execution) string {
	r := x.Result()
	text := "= " + outcomeNames[r.Outcome]
	switch x.in.Kind {
	case InstrIn, InstrLoad, InstrXadd, InstrXchg, InstrCmpxchg:
		if r.Outcome == Retired {
			text += " " + hex.EncodeToString(r.Value[:x.in.Size])
		}
	}
	if r.Unknown {
		text += " unknown"
	}
	if x.in.Kind == InstrCmpxchg && r.Equal {
		text += " equal"
	}
	if r.Left != 0 && r.Outcome != Running {
		text += fmt.Sprintf(" left %d", r.Left)
	}
	if x.Unread() {
		text += ", its answer unread"
	}
	return because(text, r.Why) + costText(r.Walks)
}
