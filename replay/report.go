package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// Tally counts events and verdicts. Events without a verdict are those that no
// rule covers.
type Tally struct {
	Events       uint64 `json:"events"`
	Agree        uint64 `json:"agree"`
	Differ       uint64 `json:"differ"`
	Undetermined uint64 `json:"undetermined"`
}

func (t *Tally) add(k VerdictKind) {
	switch k {
	case Agree:
		t.Agree++
	case Differ:
		t.Differ++
	case Undetermined:
		t.Undetermined++
	}
}

// Cost is engine.Cost as reports print it: counts, no time.
type Cost struct {
	PW uint64 `json:"pw"` // p2m entries written
	TA uint64 `json:"ta"` // p2m tables allocated
	FL uint64 `json:"fl"` // flush rounds
	LK uint64 `json:"lk"` // p2m lock sections
	FX uint64 `json:"fx"` // extra faults
	VX uint64 `json:"vx"` // VM exits
	RT uint64 `json:"rt"` // vCPU round trips
	EV uint64 `json:"ev"` // event-channel notifications
	HC uint64 `json:"hc"` // hypercall entries
	CN uint64 `json:"cn"` // preempted calls; dom0 cannot see them, so 0
	RN uint64 `json:"rn"` // range nodes visited to choose receivers
	DW uint64 `json:"dw"` // dropped guest writes
	NP uint64 `json:"np"` // guest accesses without progress; dom0 cannot see them, so 0
	IM uint64 `json:"im"` // IOMMU calls; whether a domain has devices is not visible, so 0

	// Unknown counts the operations whose other counts are lower bounds even
	// by the model's own account.
	Unknown uint64 `json:"unknown"`
}

func (c *Cost) add(d *engine.Cost) { (*engine.Cost)(c).Add(d) }

// DomainReport is one domain's share. A domid that was used again has one for
// each of its lives, in the order of the trace.
type DomainReport struct {
	Dom      xen.DomID `json:"dom"`
	Complete bool      `json:"complete"` // its whole life as far as the trace reaches was captured
	Tally
	Cost Cost `json:"cost"`
}

// Report is the outcome of a replay. Its JSON keys are stable.
type Report struct {
	Profile       string `json:"profile"`        // xen-4.17/npt
	ProfileSource string `json:"profile_source"` // header or options
	From          uint64 `json:"from"`           // number of the first event that was judged, for Options.From; else 0
	Tally
	Lost            uint64            `json:"lost"`             // things that the recorder could not keep
	LostUncounted   bool              `json:"lost_uncounted"`   // and more, of which nobody knows how many: the trace was repaired
	FirstDifference *Verdict          `json:"first_difference"` // null if there is none
	Unknown         map[string]uint64 `json:"unknown"`          // what was missing for Undetermined, with how often
	Cost            Cost              `json:"cost"`
	CostLowerBound  bool              `json:"cost_lower_bound"` // always: see the package documentation
	CostIncomplete  bool              `json:"cost_incomplete"`  // and events that the trace should have are unknown or lost
	Spurious        uint64            `json:"spurious"`         // notifications without a request or an answer behind them
	Unjudged        uint64            `json:"unjudged"`         // calls that no rule of the model covers
	Unlearned       uint64            `json:"unlearned"`        // facts that a late recorder could not find out
	Unreturned      uint64            `json:"unreturned"`       // calls without a return
	Unanswered      uint64            `json:"unanswered"`       // requests without an answer
	Domains         []DomainReport    `json:"domains"`          // the first 65,536 lives, of those with events
	Others          *DomainReport     `json:"others,omitempty"` // all later ones together, as domain 32756

	// Accounts of buffered rings that the trace closes, if it should have all that their
	// recorder saw. One that the entries and losses before it do not add up to is a
	// mismatch: of the recorder, or of a tool that left some out.
	Rings             uint64 `json:"rings"`
	RingMismatches    uint64 `json:"ring_mismatches"`
	FirstRingMismatch string `json:"first_ring_mismatch"` // where, and how; empty if there is none

	// Key-frames are no events and have no verdicts. One that does not say what
	// the events before it say is a mismatch: of the recorder, or of a tool that
	// changed one and not the other.
	KeyFrames          uint64 `json:"key_frames"`
	KeyFrameMismatches uint64 `json:"key_frame_mismatches"`
	FirstMismatch      string `json:"first_key_frame_mismatch"` // where, and how; empty if there is none
}
