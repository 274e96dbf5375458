package replay

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// VerdictKind says how the recording and the model compare.
type VerdictKind uint8

// The verdicts.
const (
	Agree        VerdictKind = iota + 1 // Xen did what the model says
	Differ                              // it did not
	Undetermined                        // the trace does not show enough to tell
)

var verdictNames = [...]string{Agree: "agree", Differ: "differ", Undetermined: "undetermined"}

// String returns agree, differ or undetermined, "none" for the zero value.
func (k VerdictKind) String() string {
	if int(k) < len(verdictNames) && k != 0 {
		return verdictNames[k]
	}
	return "none"
}

// MarshalText makes the JSON form the name.
func (k VerdictKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Verdict is the judgement on one event. Want is what the model says, Got what
// was recorded; Why names the rule, or for Undetermined what is missing.
type Verdict struct {
	Event     uint64      `json:"event"` // its Seq
	TimeNS    uint64      `json:"time_ns"`
	EventKind string      `json:"kind"` // ioreq, dm_op_return, ...
	Want      string      `json:"want"`
	Got       string      `json:"got"`
	Why       string      `json:"why"`
	Dom       xen.DomID   `json:"dom"`
	Kind      VerdictKind `json:"verdict"`
}

// String returns the verdict on one line: what, where, and why.
func (v Verdict) String() string {
	return fmt.Sprintf("%v: event %d %s dom%d at %s s: want %s, got %s: %s",
		v.Kind, v.Event, v.EventKind, v.Dom, format.FormatSeconds(v.TimeNS), v.Want, v.Got, v.Why)
}
