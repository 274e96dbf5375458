package analyze

import (
	"strconv"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A Summary says what a trace contains. Its JSON keys are stable.
type Summary struct {
	Events     uint64            `json:"events"`
	DurationNS uint64            `json:"duration_ns"` // from the first event to the last, CLOCK_MONOTONIC
	Domains    []xen.DomID       `json:"domains"`     // ascending; those that an event names
	Servers    []Server          `json:"servers"`     // by domain, then id
	Processes  []Process         `json:"processes"`   // in order of appearance
	Kinds      map[string]uint64 `json:"kinds"`       // events of each kind that occurs
	Lost       uint64            `json:"lost"`        // things counted as missing, of all probes
	LostBy     map[string]uint64 `json:"lost_by"`     // probe/reason to count
	Unlearned  []string          `json:"unlearned"`   // what a late attach could not learn, in order
}

// Server counts what one ioreq server was seen to receive.
type Server struct {
	Dom      xen.DomID    `json:"dom"`
	ID       xen.ServerID `json:"server"`
	Sync     uint64       `json:"ioreqs"`     // synchronous requests taken in state READY
	Answers  uint64       `json:"ioresps"`    // synchronous answers
	Buffered uint64       `json:"buf_ioreqs"` // requests from the buffered ring
}

// Process is a device model or another caller of Xen in dom0.
type Process struct {
	PID  uint32 `json:"pid"`
	Comm string `json:"comm"`
}

// A Summarizer builds a Summary. The zero value is ready.
type Summarizer struct {
	tally   format.Tally
	procs   []Process
	missing []string
}

// Add folds in one event. Events of key-frames are no events of the session.
func (s *Summarizer) Add(e format.Event) {
	s.tally.Add(&e)
	// A tally's lists are bounded; these are not.
	switch e.Kind {
	case format.KindProcess:
		s.procs = append(s.procs, Process(e.Process()))
	case format.KindUnlearned:
		s.missing = append(s.missing, unlearned(format.UnlearnedTotal(e.Unlearned())))
	}
}

// Summary returns the facts about the events added so far.
func (s *Summarizer) Summary() Summary {
	sum := Summarize(s.tally.Totals())
	sum.Processes, sum.Unlearned = s.procs, s.missing
	return sum
}

// Summarize returns what the totals in a trace's index say, without its events.
func Summarize(t format.Totals) Summary {
	sum := Summary{
		Events: t.Events, DurationNS: t.LastTime - t.FirstTime, Domains: append([]xen.DomID{}, t.Domains...),
		Servers: []Server{}, Kinds: map[string]uint64{}, Lost: t.Lost,
	}
	if t.Events > 0 {
		sum.LostBy = map[string]uint64{}
	}
	for _, k := range t.Kinds {
		if !k.Kind.InKeyFrame() {
			sum.Kinds[k.Kind.String()] = k.Events
		}
	}
	for _, v := range t.Servers {
		sum.Servers = append(sum.Servers, Server{v.Dom, v.Server, v.Sync, v.Answers, v.Buffered})
	}
	for _, p := range t.Processes {
		sum.Processes = append(sum.Processes, Process(p))
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
