package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"github.com/spf13/cobra"
)

// A selection is what --from, --to, --dom, --server, --kind and --key-frames
// say of the events that a command is to use. The zero value selects all.
//
// Half a key-frame is none, so key-frames are selected as a whole, by where
// they stand: with --key-frames, or where nothing is selected at all.
type selection struct {
	from, to     bound
	doms         idList
	servers      idList
	kinds        kindList
	keyFrames    bool
	origin       uint64 // time of the trace's first event
	started      bool
	frameAt      format.Event // the first event of the key-frame at hand
	insideFrames bool
}

// selectionHelp is for the long help of commands that take a selection.
const selectionHelp = `Of the events it takes those not before --from and before --to, so that parts
that meet in one place make the whole. A place is a time as cat prints it (12.5),
a time since the first event (+5s, +1m30s, +200us) or an event (seq:1000).
Where lost events say nothing about a domain or a server, they are about all.`

func (s *selection) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&s.from, "from", "leave out what is before this place: seconds, +5s or seq:N")
	f.Var(&s.to, "to", "leave out this place and what is behind it")
	f.Var(&s.doms, "dom", "only events about these domains")
	f.Var(&s.servers, "server", "only events about these ioreq servers")
	f.Var(&s.kinds, "kind", "only events of these kinds, such as ioreq,ioresp")
	f.BoolVar(&s.keyFrames, "key-frames", false, "keep the key-frames inside a selection")
}

// all says whether nothing is left out.
func (s *selection) all() bool {
	return s.from.kind == noBound && s.to.kind == noBound && s.doms == nil && s.servers == nil && s.kinds == nil
}

// takes says whether e, the next event of the trace, stands between from and to,
// and whether it is to be used.
func (s *selection) takes(e *format.Event) (within, wanted bool) {
	if s.all() {
		return true, true
	}
	if !s.started && e.Kind < format.KindOpen {
		s.origin, s.started = e.Time, true
	}
	at := e
	if e.Kind.InKeyFrame() {
		if !s.insideFrames {
			s.frameAt, s.insideFrames = *e, true
		}
		at = &s.frameAt
	} else {
		s.insideFrames = false
	}
	within = !s.from.after(at, s.origin) && (s.to.kind == noBound || s.to.after(at, s.origin))
	if e.Kind.InKeyFrame() {
		return within, within && (s.keyFrames || s.kinds.has(e.Kind))
	}
	return within, within && s.matches(e)
}

// matches says whether e is of the kinds, domains and servers that are wanted.
func (s *selection) matches(e *format.Event) bool {
	lost := e.Kind == format.KindLost
	return (s.kinds == nil || s.kinds.has(e.Kind)) &&
		(s.doms.has(uint16(e.Dom)) || lost && e.Dom == xen.DomInvalid) &&
		(s.servers.has(uint16(e.Server)) || lost && e.Server == xen.NoServer)
}

// A bound is a place in a trace.
type bound struct {
	kind boundKind
	n    uint64 // nanoseconds, or a sequence number
	text string
}

type boundKind uint8

const (
	noBound boundKind = iota
	atTime
	sinceStart
	atSeq
)

func (b *bound) String() string { return b.text }
func (b *bound) Type() string   { return "place" }

// Set reads seconds, +duration or seq:N.
func (b *bound) Set(s string) error {
	want := fmt.Errorf("want seconds as cat prints them (12.5), a time since the first event (+5s) or an event (seq:1000), got %q", s)
	if n, ok := strings.CutPrefix(s, "seq:"); ok {
		v, err := strconv.ParseUint(n, 10, 64)
		if err != nil {
			return want
		}
		*b = bound{atSeq, v, s}
		return nil
	}
	if since, ok := strings.CutPrefix(s, "+"); ok {
		d, err := time.ParseDuration(since)
		if err != nil || d < 0 {
			return want
		}
		*b = bound{sinceStart, uint64(d), s}
		return nil
	}
	ns, ok := format.ParseSeconds(s)
	if !ok {
		return want
	}
	*b = bound{atTime, ns, s}
	return nil
}

// after says whether the place is behind e.
func (b *bound) after(e *format.Event, origin uint64) bool {
	switch b.kind {
	case atTime:
		return e.Time < b.n
	case sinceStart:
		return e.Time < origin || e.Time-origin < b.n
	case atSeq:
		return e.Seq < b.n
	}
	return false
}

// An idList is a list of domains or servers; nil has all.
type idList []uint16

func (l *idList) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*l), " ", ","), "[]")
}
func (l *idList) Type() string { return "N,..." }

// Set adds the numbers of a comma list.
func (l *idList) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		v, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return fmt.Errorf("want numbers up to 65535 with commas between them, got %q", s)
		}
		*l = append(*l, uint16(v))
	}
	return nil
}

func (l idList) has(id uint16) bool { return l == nil || slices.Contains(l, id) }

// A kindList is a set of kinds; nil is none given.
type kindList map[format.Kind]bool

func (l *kindList) String() string { return "" }
func (l *kindList) Type() string   { return "KIND,..." }

// Set adds the kinds of a comma list.
func (l *kindList) Set(s string) error {
	if *l == nil {
		*l = make(kindList)
	}
	for name := range strings.SplitSeq(s, ",") {
		k := format.KindByName(name)
		if k == format.KindInvalid {
			return fmt.Errorf("no kind of event is called %q; the kinds are %s", name, strings.Join(kindNames(), ", "))
		}
		(*l)[k] = true
	}
	return nil
}

func (l kindList) has(k format.Kind) bool { return l[k] }

// kindNames are the names of all kinds, in order.
func kindNames() []string {
	var all []string
	for k := range 256 {
		if name := format.Kind(k).String(); format.KindByName(name) != format.KindInvalid {
			all = append(all, name)
		}
	}
	return all
}
