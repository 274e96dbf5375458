package record

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A kindGroup is made of records that a capture has or has not together: an entry
// without its return would say nothing.
type kindGroup struct {
	events []format.Kind
	raw    []rawKind
}

// kindGroups has what can be chosen. All other kinds are in every capture.
var kindGroups = []kindGroup{
	{[]format.Kind{format.KindIOReq, format.KindIOResp}, []rawKind{rawSlotIn, rawSlotOut}},
	{[]format.Kind{format.KindBufIOReq, format.KindRingCount}, []rawKind{rawRing, rawPage}},
	{[]format.Kind{format.KindDMOpEnter, format.KindDMOpBuf, format.KindDMOpReturn}, []rawKind{rawDMOp, rawDMOpBuf, rawDMOpRet, rawIRQFD, rawHook, rawHookRet}},
	{[]format.Kind{format.KindHypercallEnter, format.KindHypercallReturn}, []rawKind{rawHyper, rawHyperRet}},
	{[]format.Kind{format.KindIoctlEnter, format.KindMmapResourceEnter, format.KindIoctlReturn}, []rawKind{rawIoctl, rawEventFD, rawMmap, rawIoctlRet}},
	{[]format.Kind{format.KindEvtchnInterrupt}, []rawKind{rawInterrupt}},
	{[]format.Kind{format.KindEvtchnRead}, []rawKind{rawRead}},
	{[]format.Kind{format.KindEvtchnUnmask}, []rawKind{rawUnmask}},
}

// Kinds returns the names of those that Options.Choice can have. All other kinds are in
// every capture.
func Kinds() (names []string) {
	for _, g := range kindGroups {
		for _, k := range g.events {
			names = append(names, k.String())
		}
	}
	return names
}

// sampledKinds are the kinds that can be sampled, with what the probes count of
// them.
var sampledKinds = map[format.Kind]rawKind{
	format.KindIOReq: rawSlotIn, format.KindEvtchnInterrupt: rawInterrupt, format.KindEvtchnUnmask: rawUnmask,
}

// maxRanges is how many ranges the probes compare a request with.
const maxRanges = 4

// checkChoice refuses what cannot be chosen.
func checkChoice(c format.Choice) error {
	if err := checkRanges(c); err != nil {
		return err
	}
	for _, id := range c.Servers {
		if id >= 32 {
			return badOption("Servers", "want numbers below 32, got %d", id)
		}
	}
	for _, name := range c.Kinds {
		if !slices.Contains(Kinds(), name) {
			return badOption("Kinds", "want some of %s, got %q; all other kinds are in every capture", strings.Join(Kinds(), ", "), name)
		}
	}
	for name := range c.Sampled {
		if _, ok := sampledKinds[format.KindByName(name)]; !ok {
			return badOption("Sampled", "%q cannot be sampled, %s", name, whyNotSampled(format.KindByName(name)))
		}
	}
	return nil
}

// checkRanges refuses ranges that are none, and more than the probes can compare.
func checkRanges(c format.Choice) error {
	err := cmp.Or(checkSpans("Ports", c.Ports, math.MaxUint16), checkSpans("GFNs", c.GFNs, math.MaxUint64))
	if n := len(c.Ports) + len(c.GFNs); err == nil && n > maxRanges {
		option := "Ports"
		if len(c.GFNs) > 0 {
			option = "GFNs"
		}
		return badOption(option, "want at most %d ranges of ports and frames, got %d", maxRanges, n)
	}
	return err
}

func checkSpans(option string, spans []format.Span, most uint64) error {
	for _, r := range spans {
		if r.First > r.Last {
			return badOption(option, "the end of %v is before its beginning", r)
		}
		if r.Last > most {
			return badOption(option, "want numbers up to %#x, got %v", most, r)
		}
	}
	return nil
}

// whyNotSampled says why a kind is not among sampledKinds, and what to do instead.
func whyNotSampled(k format.Kind) string {
	switch k {
	case format.KindIOResp, format.KindEvtchnRead:
		return "because it is recorded with its request; sample ioreq"
	case format.KindBufIOReq, format.KindRingCount:
		return "because entries are copied many at once and a ring's account needs all of them; choose the frames that they are for, or leave out the kind"
	}
	why := "because what follows hangs on each"
	if k == format.KindInvalid {
		why = "because there is no such kind"
	}
	return why + "; ioreq, evtchn_interrupt and evtchn_unmask can"
}

// withoutRings leaves out of c what becomes of buffered rings.
func withoutRings(c format.Choice) (format.Choice, error) {
	var kinds []string
	for _, g := range kindGroups {
		for _, k := range g.events {
			some, _ := c.HasKind(k)
			if some && k != format.KindBufIOReq && k != format.KindRingCount {
				kinds = append(kinds, k.String())
			}
		}
	}
	if len(kinds) == 0 {
		return c, badOption("Kinds", "tier D records no buffered rings, and nothing but %s is wanted", strings.Join(c.Kinds, " and "))
	}
	c.Kinds = kinds
	return c, nil
}

// rawKinds has bit k for each kind of record that is wanted.
func rawKinds(names []string) (mask uint64) {
	if len(names) == 0 {
		return ^uint64(0)
	}
	mask = ^uint64(0)
	for _, g := range kindGroups {
		if slices.ContainsFunc(g.events, func(k format.Kind) bool { return slices.Contains(names, k.String()) }) {
			continue
		}
		for _, k := range g.raw {
			mask &^= 1 << k
		}
	}
	return mask
}

// wantsRaw says whether a mask of rawKinds has a kind.
func wantsRaw(mask uint64, k rawKind) bool { return mask>>k&1 != 0 }

// choice is what a decoder leaves out of what the probes recorded.
type choice struct {
	some    bool // anything
	servers []xen.ServerID
	ranges  []format.Span // of addresses in memory
	none    [256]bool     // kinds that are not wanted
}

func newChoice(c format.Choice) (ch choice) {
	ch.some, ch.servers = c.String() != "", c.Servers
	for _, g := range c.GFNs {
		ch.ranges = append(ch.ranges, addresses(g))
	}
	for k := range format.Kinds() {
		ch.none[k] = len(c.Kinds) > 0 && inGroup(k) && !slices.Contains(c.Kinds, k.String())
	}
	if len(c.Ports) > 0 && len(c.GFNs) == 0 { // the ring holds memory accesses only
		ch.none[format.KindBufIOReq] = true
	}
	return ch
}

func inGroup(k format.Kind) bool {
	return slices.ContainsFunc(kindGroups, func(g kindGroup) bool { return slices.Contains(g.events, k) })
}

// addresses are the bytes of frames.
func addresses(gfns format.Span) format.Span {
	return format.Span{First: gfns.First << xen.PageShift, Last: gfns.Last<<xen.PageShift | (xen.PageSize - 1)}
}

// wants says whether e is to be in the trace.
func (c *choice) wants(e *format.Event) bool {
	if c.none[e.Kind] {
		return false
	}
	switch e.Kind {
	case format.KindIOReq, format.KindIOResp, format.KindBufIOReq:
		if len(c.servers) > 0 && e.Server != xen.NoServer && !slices.Contains(c.servers, e.Server) {
			return false
		}
	}
	if e.Kind != format.KindBufIOReq || len(c.ranges) == 0 {
		return true
	}
	addr := uint64(e.BufIOReq().Addr)
	return slices.ContainsFunc(c.ranges, func(r format.Span) bool { return r.Contains(addr) })
}
