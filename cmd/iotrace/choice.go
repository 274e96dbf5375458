package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"github.com/spf13/pflag"
)

// choiceFlags are the flags that say what a capture records.
type choiceFlags struct {
	domains numberList[xen.DomID]
	pids    numberList[uint32]
	servers numberList[xen.ServerID]
	ports   spanList
	gfns    spanList
	kinds   recordedKinds
	sampled sampleList
}

func (c *choiceFlags) addFlags(f *pflag.FlagSet) {
	f.Var(&c.domains, "domain", "record these domains only")
	f.Var(&c.pids, "pid", "record these processes only")
	f.Var(&c.servers, "server", "of requests, those to these ioreq servers only")
	f.Var(&c.ports, "port", "of requests, those to these ports only, such as 0x3f8-0x3ff; and those of --gfn")
	f.Var(&c.gfns, "gfn", "of requests, those to these guest frames only; and those of --port")
	f.Var(&c.kinds, "kind", "only events of these kinds, such as ioreq,ioresp, and what all traces have")
	f.Var(&c.sampled, "sample-kind", "of a kind, record one in N: ioreq (with its answer), evtchn_interrupt, evtchn_unmask; not buf_ioreq")
}

func (c *choiceFlags) choice() (format.Choice, error) {
	ch := format.Choice{Domains: c.domains, PIDs: c.pids, Servers: c.servers, Ports: c.ports, GFNs: c.gfns, Sampled: c.sampled}
	for _, d := range c.domains {
		if d >= xen.DomSelf {
			return ch, usagef("--domain: want a number below %d, got %d", xen.DomSelf, d)
		}
	}
	for _, pid := range c.pids {
		if pid == 0 || pid > 1<<22 {
			return ch, usagef("--pid: want 1 to %d, got %d", 1<<22, pid)
		}
	}
	slices.SortFunc(c.kinds, func(a, b string) int { return cmp.Compare(format.KindByName(a), format.KindByName(b)) })
	ch.Kinds = slices.Compact(c.kinds)
	return ch, nil
}

// A recordedKinds is a list of kinds to record, which record looks through.
type recordedKinds []string

func (l *recordedKinds) String() string { return strings.Join(*l, ",") }
func (l *recordedKinds) Type() string   { return "KIND,..." }

// Set adds the kinds of a comma list.
func (l *recordedKinds) Set(s string) error {
	*l = append(*l, strings.Split(s, ",")...)
	return nil
}

// A spanList is a list of ranges, FIRST-LAST or one number each.
type spanList []format.Span

func (l *spanList) String() string { return strings.Trim(fmt.Sprint([]format.Span(*l)), "[]") }
func (l *spanList) Type() string   { return "N[-N],..." }

// Set adds the ranges of a comma list.
func (l *spanList) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		first, last, two := strings.Cut(part, "-")
		if !two {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 0, 52)
		to, err2 := strconv.ParseUint(last, 0, 52)
		if err1 != nil || err2 != nil || from > to {
			return fmt.Errorf("want numbers or ranges such as 0x3f8-0x3ff with commas between them, got %q", s)
		}
		*l = append(*l, format.Span{First: from, Last: to})
	}
	return nil
}

// A sampleList says of which kinds one event in so many is recorded. Which can be so,
// record knows.
type sampleList map[string]uint32

func (l *sampleList) String() string { return "" }
func (l *sampleList) Type() string   { return "KIND:N,..." }

// Set adds the kinds of a comma list.
func (l *sampleList) Set(s string) error {
	if *l == nil {
		*l = sampleList{}
	}
	for part := range strings.SplitSeq(s, ",") {
		kind, n, _ := strings.Cut(part, ":")
		every, err := strconv.ParseUint(n, 10, 32)
		if err != nil || every < 2 {
			return fmt.Errorf("want a kind and a number from 2, such as ioreq:100, got %q", part)
		}
		(*l)[kind] = uint32(every)
	}
	return nil
}
