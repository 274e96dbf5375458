package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/filter"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"github.com/spf13/cobra"
)

// A selection is what --from, --to, --domain, --server, --kind, --filter and --key-frames
// say of the events that a command is to use. The zero value selects all.
//
// Half a key-frame is none, so key-frames are selected as a whole, by where
// they stand: with --key-frames, or where nothing is selected at all.
type selection struct {
	span
	domains   numberList[xen.DomID]
	servers   numberList[xen.ServerID]
	kinds     kindList
	filter    filterValue
	keyFrames bool
}

// selectionHelp is for the long help of commands that take a selection.
const selectionHelp = spanHelp + `
Where lost events say nothing about a domain or a server, they are about all.

` + filterHelp

func (s *selection) addFlags(cmd *cobra.Command) {
	s.span.addFlags(cmd)
	f := cmd.Flags()
	f.Var(&s.domains, "domain", "only events about these domains")
	f.Var(&s.servers, "server", "only events about these ioreq servers")
	f.Var(&s.kinds, "kind", "only events of these kinds, such as ioreq,ioresp")
	f.Var(&s.filter, "filter", "only events for which this holds")
	f.BoolVar(&s.keyFrames, "key-frames", false, "keep the key-frames inside a selection")
}

// all says whether nothing is left out.
func (s *selection) all() bool {
	return s.span.all() && s.domains == nil && s.servers == nil && s.kinds == nil && s.filter.Filter == nil
}

// prefix says whether nothing is left out before the last event that is selected.
func (s *selection) prefix() bool {
	ended := *s
	ended.to = bound{}
	return ended.all() && (s.keyFrames || s.all())
}

// takes says whether e, the next event of the trace, stands between from and to,
// and whether it is to be used. Without a span it remembers nothing, so any number of
// goroutines may ask.
func (s *selection) takes(e *format.Event) (within, wanted bool) {
	if s.all() {
		return true, true
	}
	within = s.span.all() || s.step(e) == inside
	if e.Kind.InKeyFrame() {
		return within, within && (s.keyFrames || s.kinds.has(e.Kind))
	}
	return within, within && s.matches(e)
}

// matches says whether e is of the kinds, domains and servers that are wanted, and
// passes the filter.
func (s *selection) matches(e *format.Event) bool {
	lost := e.Kind == format.KindLost
	return (s.kinds == nil || s.kinds.has(e.Kind)) &&
		(s.domains.has(e.Dom) || lost && e.Dom == xen.DomInvalid) &&
		(s.servers.has(e.Server) || lost && e.Server == xen.NoServer) &&
		s.filter.match(e)
}

// A kindList is a set of kinds; nil is none given.
type kindList map[format.Kind]bool

func (l *kindList) String() string {
	var names []string
	for _, k := range slices.Sorted(maps.Keys(*l)) {
		names = append(names, k.String())
	}
	return strings.Join(names, ",")
}

func (l *kindList) Type() string { return "KIND,..." }

// Set adds the kinds of a comma list.
func (l *kindList) Set(s string) error {
	if *l == nil {
		*l = make(kindList)
	}
	for name := range strings.SplitSeq(s, ",") {
		k := format.KindByName(name)
		if k == format.KindInvalid {
			return filter.UnknownKind(name)
		}
		(*l)[k] = true
	}
	return nil
}

func (l kindList) has(k format.Kind) bool { return l[k] }

// kindNames are the names of all kinds, in order.
func kindNames() []string {
	var all []string
	for k := range format.Kinds() {
		all = append(all, k.String())
	}
	return all
}
