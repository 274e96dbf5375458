package live

import (
	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/lab/xentrace"
	"github.com/iotrace-xen/iotrace/xen"
)

// Entries puts what Xen's own trace tells of a domain into the outcomes of the steps
// that ask for it: Run has put marks with their indices into it. A trace that has no
// mark of a step, or has lost records before it, leaves the outcome at lost.
func Entries(steps []diff.Step, got []diff.Outcome, trace []byte, dom xen.DomID) error {
	windows, err := xentrace.Windows(trace, dom, guest.ProberPool) // below it the prober itself writes
	if err != nil {
		return err
	}
	for i := range got {
		if w := windows[uint32(i)]; steps[i].Verb == diff.Entries && w.Whole {
			got[i] = diff.EntriesSet(w.Sets)
		}
	}
	return nil
}
