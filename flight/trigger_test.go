package flight

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
	"github.com/iotrace-xen/iotrace/xen"
)

// eventsOf reads lines of the text form, numbered from 0. A line's first word is
// its time in milliseconds; a line "*N ..." stands for N like it.
func eventsOf(t *testing.T, lines string) (events []format.Event) {
	t.Helper()
	text, n := "iotrace-text 1\nheader {}\n", 0
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		times := 1
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "*") {
			if _, err := fmt.Sscanf(line, "*%d", &times); err != nil {
				t.Fatal(err)
			}
			_, line, _ = strings.Cut(line, " ")
		}
		var ms float64
		if _, err := fmt.Sscanf(line, "%g", &ms); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		_, rest, _ := strings.Cut(line, " ")
		for range times {
			text += fmt.Sprintf("%d %.6f %s\n", n, ms/1000, rest)
			n++
		}
	}
	in, err := format.Open(strings.NewReader(text + fmt.Sprintf("end events=%d\n", n)))
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range in.Events() {
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		events = append(events, e)
	}
	return events
}

// The events that traces below are made of: a request and its answer, by id, and
// calls.
const (
	req    = " ioreq dom=1 server=2 vcpu=0 id=%d pid=9 tid=9 port=7 eport=6 type=pio dir=read addr=0x60 size=1 count=1 state=ready"
	resp   = " ioresp dom=1 server=2 vcpu=0 id=%d pid=9 tid=9 port=7 eport=6 type=pio dir=read addr=0x60 size=1 count=1 state=resp_ready"
	dmOp   = " dm_op_enter dom=1 id=%d pid=9 tid=9 nr_bufs=1 known=1 size0=32 op=%s pad=0x0 w0=%#x w1=0x100 w2=0x0"
	dmRet  = " dm_op_return dom=1 id=%d ret=%d"
	ioctl  = " ioctl_enter id=%d pid=9 tid=9 cmd=privcmd_restrict arg=0"
	ioRet  = " ioctl_return id=%d ret=%d"
	bufReq = " buf_ioreq dom=1 server=2 id=1 pid=9 tid=9 type=copy dir=write addr=0xb8000 size=%d"
	exit   = " process_exit pid=%d"
	tick   = " clock wall_ns=0 raw_ns=0 tsc=0 xen_ns=0"
)

// at writes one line of a trace.
func at(ms float64, layout string, args ...any) string {
	return fmt.Sprintf("%g", ms) + fmt.Sprintf(layout, args...) + "\n"
}

func many(n int, line string) string { return fmt.Sprintf("*%d %s", n, line) }

// TestTriggers shows for each trigger traces at which it fires, with the events at
// which it does and what it says, and traces at which it does not.
func TestTriggers(t *testing.T) {
	for _, c := range []struct {
		trigger string
		trace   string
		fires   []uint64
		says    string
	}{
		{"slow-answer:10ms", at(0, req, 1) + at(10, resp, 1) + at(11, req, 2) + at(12, resp, 2), nil, ""},
		{"slow-answer:10ms", at(0, req, 1) + at(10.001, resp, 1), []uint64{1}, "dom1 server 2 answered after 10.001ms"},
		{"slow-answer:10ms", at(0, req, 1) + at(5, tick) + at(30, tick) + at(40, tick) + at(50, resp, 1), []uint64{2}, "dom1 server 2 has not answered for 30ms"},
		{"slow-answer:10ms", at(0, req, 1) + at(5, exit, 9) + at(30, tick), nil, ""},
		{"slow-answer:10ms", at(5, req, 1) + at(4, resp, 1) + at(0, tick), nil, ""}, // times may go back
		{"slow-answer:10ms", at(0, strings.Replace(req, "ready", "none", 1), 1) + at(30, tick), nil, ""},
		{"slow-answer:10ms", at(0, req+" from_answer=1", 1) + at(30, resp, 1), nil, ""},
		// A later request in a slot says that the one before had an answer, which was lost.
		{"slow-answer:10ms", at(0, req, 1) + at(9, req, 2) + at(15, resp, 2) + at(30, tick), nil, ""},
		{"slow-answer:10ms", at(0, req, 1) + at(9, strings.Replace(req, "vcpu=0", "vcpu=1", 1), 2) + at(15, resp, 2) + at(30, tick), []uint64{2}, "dom1 server 2 has not answered for 15ms"},
		// An event channel that is not read: only one on which requests came.
		{"slow-answer:10ms", at(0, " evtchn_interrupt port=7 cpu=0") + at(30, tick), nil, ""},
		{"slow-answer:10ms", at(0, req, 1) + at(1, resp, 1) + at(2, " evtchn_interrupt port=7 cpu=0") + at(3, " evtchn_read port=7 pid=9 tid=9") + at(30, tick), nil, ""},
		{"slow-answer:10ms", at(0, req, 1) + at(1, resp, 1) + at(2, " evtchn_interrupt port=7 cpu=0") + at(30, tick) + at(31, tick), []uint64{3}, "process 9 has not read event channel 7 for 28ms"},
		{"slow-answer:10ms", at(0, req, 1) + at(1, resp, 1) + at(2, " evtchn_interrupt port=7 cpu=0") + at(3, exit, 9) + at(30, tick), nil, ""},

		{"no-receiver", at(0, req, 1) + at(1, resp, 1) + at(2, exit, 9), nil, ""},
		{"no-receiver", at(0, req, 1) + at(1, exit, 8) + at(2, resp, 1), nil, ""},
		{"no-receiver", at(0, req, 1) + at(2, exit, 9), []uint64{1}, "a request to dom1 server 2 whose process ended"},
		{"no-receiver", at(0, req, 1) + at(1, dmOp, 5, "destroy_ioreq_server", 2) + at(2, dmRet, 5, 0) + at(3, exit, 9), []uint64{2}, "a request to dom1 server 2 that was destroyed"},
		{"no-receiver", at(0, req, 1) + at(1, dmOp, 5, "destroy_ioreq_server", 2) + at(2, dmRet, 5, -2) + at(3, resp, 1), nil, ""},
		{"no-receiver", at(0, req, 1) + at(1, dmOp, 5, "destroy_ioreq_server", 3) + at(2, dmRet, 5, 0), nil, ""},
		{"no-receiver", at(0, req, 1) + at(1, req, 2) + at(2, resp, 2) + at(3, exit, 9), nil, ""}, // an answer was lost
		{"no-receiver", at(1, dmOp, 5, "destroy_ioreq_server", 2) + at(2, dmRet, 5, 0) + at(3, req, 1), []uint64{2}, "a request to dom1 server 2 that was destroyed"},
		{"no-receiver", at(1, dmOp, 5, "destroy_ioreq_server", 2) + at(2, dmRet, 5, 0) + at(3, req, 1) + at(4, resp, 1) + at(5, req, 2), []uint64{2}, "server 2"}, // made anew, unseen
		{"no-receiver", at(1, dmOp, 5, "destroy_ioreq_server", 2) + at(2, dmRet, 5, 0) + at(3, dmOp, 6, "create_ioreq_server", 0) +
			at(4, dmRet+" known=1 w0=0x300000000 w1=0x0 w2=0x0", 6, 0) + at(5, req, 1), []uint64{4}, "server 2"}, // another id was made
		{"no-receiver", at(1, dmOp, 5, "destroy_ioreq_server", 2) + at(2, dmRet, 5, 0) + at(3, dmOp, 6, "create_ioreq_server", 0) +
			at(4, dmRet+" known=1 w0=0x200000000 w1=0x0 w2=0x0", 6, 0) + at(5, req, 1), nil, ""},
		{"no-receiver", at(1, dmOp, 5, "destroy_ioreq_server", 2) + at(2, dmRet, 5, 0) + at(3, dmOp, 6, "create_ioreq_server", 0) +
			at(4, dmRet+" known=1 w0=0x200000000 w1=0x0 w2=0x0", 6, -12) + at(5, req, 1), []uint64{4}, "server 2"},

		{"call-error", at(0, dmOp, 1, "set_mem_type", 1) + at(1, dmRet, 1, 0) + at(2, ioctl, 2) + at(3, ioRet, 2, 5), nil, ""},
		{"call-error", at(0, dmOp, 1, "set_mem_type", 1) + at(1, dmRet, 1, -16), []uint64{1}, "set_mem_type of dom1 returned EBUSY"},
		{"call-error", at(0, dmRet, 1, -16), []uint64{0}, "a call returned EBUSY"},
		{"call-error:EBUSY", at(0, dmRet, 1, -22) + at(1, dmRet, 2, -16), []uint64{1}, "EBUSY"},
		{"call-error:EBUSY", at(0, dmRet+" squashed=1", 1, -16), nil, ""},
		{"call-error", at(0, dmRet+" squashed=1", 1, -16), []uint64{0}, ""},
		{"call-error:22", at(0, ioctl, 1) + at(1, ioRet, 1, -22), []uint64{1}, "privcmd_restrict returned EINVAL"},
		{"call-error:22", at(0, " hypercall_enter dom=3 id=1 pid=9 tid=9 nr=domctl sub=0x7 known=0") + at(1, " hypercall_return dom=3 id=1 ret=-22"), []uint64{1}, "domctl 0x7 of dom3 returned EINVAL"},

		{"slow-call:5ms", at(0, ioctl, 1) + at(5, ioRet, 1, 0), nil, ""},
		{"slow-call:5ms", at(0, ioctl, 1) + at(6, ioRet, 1, 0), []uint64{1}, "privcmd_restrict returned after 6ms"},
		{"slow-call:5ms", at(0, ioctl, 1) + at(1, ioctl, 2) + at(2, ioRet, 2, 0) + at(9, tick) + at(10, tick) + at(11, ioRet, 1, 0), []uint64{3}, "privcmd_restrict has not returned for 9ms"},

		{"ring-full", many(510, at(0, bufReq, 4)) + at(1, bufReq, 4), nil, ""},
		{"ring-full", many(511, at(0, bufReq, 4)) + at(1, bufReq, 4), []uint64{510}, "dom1 server 2 had 511 new slots"},
		{"ring-full", many(255, at(0, bufReq, 8)) + at(0, bufReq, 1) + at(0, bufReq, 1), []uint64{255}, "511 new slots"},
		{"ring-full", many(300, at(0, bufReq, 4)) + at(0, strings.Replace(bufReq, "server=2", "server=3", 1), 4) + many(300, at(0, bufReq, 4)), nil, ""},
		{"ring-full", at(0, " lost dom=1 server=2 probe=ring reason=overrun cpu=-1 count=7"), []uint64{0}, "dom1 server 2 lost 7 slots"},
		{"ring-full", at(0, " lost probe=ring reason=missed cpu=-1 count=7") + at(1, " lost probe=ioreq reason=no_space cpu=-1 count=7"), nil, ""},

		{"dm-exit", at(0, " process pid=9 comm=xl comm2=") + at(1, ioctl, 1) + at(2, exit, 9), nil, ""},
		{"dm-exit", at(0, req, 1) + at(1, resp, 1) + at(2, exit, 8) + at(3, exit, 9) + at(4, exit, 9), []uint64{3}, "process 9 ended, which served dom1"},
		{"dm-exit", at(0, bufReq, 4) + at(3, exit, 9), []uint64{1}, ""},
		{"dm-exit", at(0, dmOp, 1, "create_ioreq_server", 0) + at(3, exit, 9), []uint64{1}, ""},
		{"dm-exit", at(0, dmOp, 1, "set_mem_type", 0) + at(3, exit, 9), nil, ""},

		{"claim", at(0, dmOp, 1, "map_mem_type_to_ioreq_server", 0x200040001) + at(1, dmRet, 1, 0), []uint64{1}, "dom1 server 1 claimed ioreq_server pages"},
		{"claim", at(0, dmOp, 1, "map_mem_type_to_ioreq_server", 0x000040001) + at(1, dmRet, 1, 0), []uint64{1}, "dom1 server 1 released ioreq_server pages"},
		{"claim", at(0, dmOp, 1, "map_mem_type_to_ioreq_server", 0x200040001) + at(1, dmRet, 1, -16) + at(2, dmRet, 1, 0), nil, ""},
		{"claim", at(0, dmOp, 1, "set_mem_type", 1) + at(1, dmRet, 1, 0), nil, ""},

		// set_mem_type's first word has the number of pages.
		{"churn:10", at(0, dmOp, 1, "set_mem_type", 5) + at(1, dmRet, 1, 0) + at(2, dmOp, 2, "set_mem_type", 5) + at(3, dmRet, 2, 0), nil, ""},
		{"churn:10", at(0, dmOp, 1, "set_mem_type", 5) + at(1, dmRet, 1, 0) + at(2, dmOp, 2, "set_mem_type", 6) + at(3, dmRet, 2, 0), []uint64{3}, "set_mem_type changed 11 pages of dom1 within a second"},
		{"churn:10", at(0, dmOp, 1, "set_mem_type", 5) + at(1, dmRet, 1, 0) + at(1200, dmOp, 2, "set_mem_type", 6) + at(1201, dmRet, 2, 0), nil, ""},
		{"churn:10", at(950, dmOp, 1, "set_mem_type", 5) + at(960, dmRet, 1, 0) + at(1400, dmOp, 2, "set_mem_type", 6) + at(1401, dmRet, 2, 0), []uint64{3}, ""},
		{"churn:10", at(0, dmOp, 1, "set_mem_type", 50) + at(1, dmRet, 1, -1), nil, ""},
		{"churn:10", at(0, dmOp, 1, "set_mem_type", 8) + at(1, dmRet, 1, 0) + at(2, strings.ReplaceAll(dmOp, "dom=1", "dom=2"), 2, "set_mem_type", 8) +
			at(3, strings.ReplaceAll(dmRet, "dom=1", "dom=2"), 2, 0), nil, ""},

		{"filter:kind==ioreq && addr==0x60", at(0, req, 4) + at(1, resp, 4), []uint64{0}, "event 0 0.000000000 ioreq dom=1 server=2 vcpu=0 id=4"},
		{"filter:addr==0x61", at(0, req, 4) + at(1, resp, 4), nil, ""},
	} {
		trigger, err := ParseTrigger(c.trigger)
		if err != nil {
			t.Fatal(err)
		}
		var fires []uint64
		said := ""
		for _, e := range eventsOf(t, c.trace) {
			if trigger.Add(&e) {
				fires, said = append(fires, e.Seq), trigger.Why()
			}
		}
		if !slices.Equal(fires, c.fires) || !strings.Contains(said, c.says) || len(fires) > 0 && !strings.HasPrefix(said, "trigger "+c.trigger+": ") {
			t.Errorf("%s fires at %v: %q; want %v: %q, in\n%s", c.trigger, fires, said, c.fires, c.says, c.trace)
		}
	}
}

// TestNoReceiverKnowsServersDestroyedLast destroys servers of more domains than a trigger
// keeps in mind, as in weeks: it is the last ones that requests may still come to.
func TestNoReceiverKnowsServersDestroyedLast(t *testing.T) {
	trigger, err := ParseTrigger("no-receiver")
	if err != nil {
		t.Fatal(err)
	}
	const domains = 3 * maxPorts
	for dom := range xen.DomID(domains) {
		id := uint64(dom)
		enter := format.DMOpEnter{Dom: dom, ID: id, Known: true, Op: xen.NewDMOp(xen.DestroyIOReqServer{ID: 1})}.Event(id)
		ret := format.DMOpReturn{Dom: dom, ID: id, Known: true}.Event(id)
		if trigger.Add(&enter) || trigger.Add(&ret) {
			t.Fatalf("fires without a request: %s", trigger.Why())
		}
		e := format.IOReq{Dom: dom, Server: 1, ID: domains + id, Req: xen.IOReq{State: xen.StateReady}}.Event(format.KindIOReq, id)
		if !trigger.Add(&e) {
			t.Fatalf("does not fire at a request to domain %d, whose server was destroyed", dom)
		}
	}
}

func TestParseTrigger(t *testing.T) {
	forms, docs := Triggers()
	if len(forms) != len(docs) || !slices.Contains(forms, "call-error[:ERRNO]") || !slices.Contains(forms, "slow-call:TIME") || !slices.Contains(forms, "dm-exit") {
		t.Errorf("%q", forms)
	}
	for s, want := range map[string]string{
		"":                      `no trigger is called ""; there are no-receiver, slow-answer:TIME, call-error[:ERRNO], `,
		"slow":                  `no trigger is called "slow"`,
		"slow-answer":           `want slow-answer:TIME, got "slow-answer"`,
		"slow-answer:":          `want slow-answer:TIME, got "slow-answer:"`,
		"slow-answer:10":        `slow-answer: want a time such as 500us or 10ms, got "10"`,
		"slow-call:-1s":         `slow-call: want a time`,
		"call-error:":           `want call-error:ERRNO, got "call-error:"`,
		"call-error:EVERYTHING": `call-error: want the name or number of an error, such as EBUSY or 16, got "EVERYTHING"`,
		"call-error:0":          `call-error: want the name`,
		"call-error:4096":       `call-error: want the name`,
		"churn:0":               `churn: want pages a second, at least 1, got "0"`,
		"dm-exit:9":             `dm-exit takes no value, got "9"`,
		"filter:kind==ioreg":    `filter: column 7: no kind of event is called "ioreg"; did you mean ioreq?`,
	} {
		if _, err := ParseTrigger(s); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
	for _, s := range []string{"call-error:errno77", "call-error:77", "call-error:EAGAIN", "filter:dom==1:", "churn:1000"} {
		if x, err := ParseTrigger(s); err == nil && x.String() != s || err != nil && s != "filter:dom==1:" {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// all returns one trigger of each kind, with limits that a session reaches seldom.
func all(tb testing.TB) (ts []*Trigger) {
	tb.Helper()
	for _, s := range []string{"no-receiver", "slow-answer:1s", "call-error", "slow-call:1s", "ring-full", "dm-exit", "claim", "churn:100000", "filter:kind==ioreq && addr==5"} {
		x, err := ParseTrigger(s)
		if err != nil {
			tb.Fatal(err)
		}
		ts = append(ts, x)
	}
	if forms, _ := Triggers(); len(ts) != len(forms) {
		tb.Fatalf("%d of %d triggers", len(ts), len(forms))
	}
	return ts
}

// sessionOf returns a session's events whose ids do not come to an end.
func sessionOf(tb testing.TB, n uint64) (events []format.Event) {
	tb.Helper()
	_, seq := generate(tb, gen.Config{Events: n, Churn: 5000})
	return slices.Collect(seq)
}

func TestTriggersAllocateNothing(t *testing.T) {
	events := sessionOf(t, 20_000)
	for _, x := range all(t) {
		pass := func() {
			for i := range events {
				x.Add(&events[i])
			}
		}
		pass()
		if n := testing.AllocsPerRun(3, pass); n > 100 { // what is rare, such as create_ioreq_server, is decoded
			t.Errorf("%s: %v allocations for %d events", x, n, len(events))
		}
	}
}

func BenchmarkTriggers(b *testing.B) {
	events := sessionOf(b, 20_000)
	for _, x := range all(b) {
		name, _, _ := strings.Cut(x.String(), ":")
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for i := range events {
					x.Add(&events[i])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
		})
	}
}

// TestSchedule plays firings, in seconds.
func TestSchedule(t *testing.T) {
	s := Schedule{After: 5, Every: 60}
	for _, c := range []struct {
		at                 uint64
		fire, accepted, do bool
	}{
		{1, false, false, false}, {10, true, true, false}, {12, true, false, false}, {14, false, false, false}, {15, false, false, true},
		{30, true, false, false}, {69, true, false, false}, {70, true, true, false}, {75, true, false, true}, {200, false, false, false}, {201, true, true, false}, {500, false, false, true},
	} {
		if c.fire && s.Fire(c.at) != c.accepted {
			t.Errorf("at %d: accepted %v", c.at, !c.accepted)
		}
		if s.Due(c.at) != c.do {
			t.Errorf("at %d: due %v", c.at, !c.do)
		}
		if c.do {
			s.Done()
		}
	}
	if s.Suppressed() != 4 || s.Pending() {
		t.Errorf("%d suppressed, pending %v", s.Suppressed(), s.Pending())
	}
	var always Schedule
	for now := range uint64(3) {
		if !always.Fire(now) || !always.Due(now) {
			t.Errorf("the zero schedule does not dump at %d", now)
		}
		always.Done()
	}
}
