package format

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// A Choice is what a capture was told to record. What it leaves out is not lost,
// but a reader must take it for unknown. Empty parts leave nothing out.
type Choice struct {
	Domains []xen.DomID       `json:"domains,omitempty"`
	PIDs    []uint32          `json:"pids,omitempty"`
	Servers []xen.ServerID    `json:"servers,omitempty"` // of requests
	Ports   []Span            `json:"ports,omitempty"`   // with GFNs: requests for one of these
	GFNs    []Span            `json:"gfns,omitempty"`
	Kinds   []string          `json:"kinds,omitempty"`
	Sampled map[string]uint32 `json:"sampled,omitempty"` // kinds of which one in so many is recorded
}

// A Span is a range of ports or guest frames, both ends included.
type Span struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// String has the range in hexadecimal, one number if it is one.
func (s Span) String() string {
	if s.First == s.Last {
		return fmt.Sprintf("%#x", s.First)
	}
	return fmt.Sprintf("%#x-%#x", s.First, s.Last)
}

// Contains reports whether v is in the range.
func (s Span) Contains(v uint64) bool { return s.First <= v && v <= s.Last }

// HasKind reports whether events of kind k were to be recorded, all of them if
// every.
func (c *Choice) HasKind(k Kind) (some, every bool) {
	if c == nil {
		return true, true
	}
	some = len(c.Kinds) == 0 || slices.Contains(c.Kinds, k.String())
	return some, some && c.Sampled[k.String()] <= 1
}

// String lists the parts that leave something out.
func (c *Choice) String() string {
	if c == nil {
		return ""
	}
	var parts []string
	add := func(name string, n int, values any) {
		if n > 0 {
			parts = append(parts, name+" "+strings.Trim(fmt.Sprint(values), "[]"))
		}
	}
	add("domains", len(c.Domains), c.Domains)
	add("pids", len(c.PIDs), c.PIDs)
	add("servers", len(c.Servers), c.Servers)
	add("ports", len(c.Ports), c.Ports)
	add("gfns", len(c.GFNs), c.GFNs)
	add("kinds", len(c.Kinds), c.Kinds)
	for _, k := range slices.Sorted(maps.Keys(c.Sampled)) {
		parts = append(parts, fmt.Sprintf("1 in %d %s", c.Sampled[k], k))
	}
	return strings.Join(parts, "; ")
}
