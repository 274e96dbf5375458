package analyze

import (
	"strconv"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A Summary says what a trace contains: format.Totals with names for numbers. Its
// JSON keys are stable.
type Summary struct {
	Events     uint64                `json:"events"`
	FirstNS    uint64                `json:"first_ns"`    // time of the earliest event, CLOCK_MONOTONIC; 0 if there is none
	DurationNS uint64                `json:"duration_ns"` // from there to the latest event
	Domains    []xen.DomID           `json:"domains"`     // ascending; those that an event proves to exist
	Servers    []format.ServerTotal  `json:"servers"`     // by domain, then id
	Processes  []format.ProcessTotal `json:"processes"`   // in order of appearance
	Kinds      map[string]uint64     `json:"kinds"`       // events of each kind that occurs
	Lost       uint64                `json:"lost"`        // things counted as missing, of all probes
	LostBy     map[string]uint64     `json:"lost_by"`     // probe/reason to count
	Unlearned  []string              `json:"unlearned"`   // what a late attach could not learn, in order
	Cut        bool                  `json:"cut"`         // a list had more than 1024 entries and misses some
}

// Summarize returns what totals say: those in a trace's index, or what a
// format.Tally of its events has added up.
func Summarize(t format.Totals) Summary {
	sum := Summary{
		Events: t.Events, FirstNS: t.FirstTime, DurationNS: t.LastTime - t.FirstTime,
		Domains: append([]xen.DomID{}, t.Domains...), Servers: append([]format.ServerTotal{}, t.Servers...),
		Processes: append([]format.ProcessTotal{}, t.Processes...), Kinds: map[string]uint64{},
		Lost: t.Lost, LostBy: map[string]uint64{}, Unlearned: []string{}, Cut: t.Cut,
	}
	for _, k := range t.Kinds {
		if !k.Kind.InKeyFrame() {
			sum.Kinds[k.Kind.String()] = k.Events
		}
	}
	for _, l := range t.LostBy {
		sum.LostBy[l.Probe.String()+"/"+l.Reason.String()] += l.Count
	}
	for _, u := range t.Unlearned {
		sum.Unlearned = append(sum.Unlearned, unlearned(u))
	}
	return sum
}

func unlearned(u format.UnlearnedTotal) string {
	name := "some domain"
	if u.Dom < xen.DomSelf {
		name = "domain " + strconv.FormatUint(uint64(u.Dom), 10)
	}
	if u.Server != xen.NoServer {
		name += " server " + u.Server.String()
	}
	return name + ": " + u.What.String()
}
