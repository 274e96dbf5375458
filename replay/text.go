package replay

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/iotrace-xen/iotrace/format"
)

var sourceNames = map[string]string{fromHeader: "named by the trace", fromOptions: "given, not the trace's own"}

// WriteText writes the report for a human. Its last line is
//
//	agree 12345  differ 0  undetermined 12  lost 0
func (r Report) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "profile %s (%s)\n", r.Profile, sourceNames[r.ProfileSource])
	if r.From > 0 {
		fmt.Fprintf(&b, "from event %d on; what is before it only made the state that it meets\n", r.From)
	}
	fmt.Fprintf(&b, "events %d\n", r.Events)
	for _, d := range r.Domains {
		if d.Agree+d.Differ+d.Undetermined == 0 {
			continue // nothing of it was judged: dom0, which every trace names
		}
		fmt.Fprintf(&b, "  dom%d %d", d.Dom, d.Events)
		if !d.Complete {
			b.WriteString(", older than the capture or not wholly captured")
		}
		b.WriteByte('\n')
	}
	if r.Others != nil {
		fmt.Fprintf(&b, "  later domains %d\n", r.Others.Events)
	}
	r.writeCost(&b)
	r.writeRest(&b)
	r.writeUnknown(&b)
	if r.RingMismatches != 0 {
		fmt.Fprintf(&b, "accounts of rings that the events before them contradict: %d of %d\n  %s\n", r.RingMismatches, r.Rings, r.FirstRingMismatch)
	}
	if r.KeyFrameMismatches != 0 {
		fmt.Fprintf(&b, "key-frames that the events before them contradict: %d of %d\n  %s\n", r.KeyFrameMismatches, r.KeyFrames, r.FirstMismatch)
	}
	if v := r.FirstDifference; v != nil {
		fmt.Fprintf(&b, "first difference\n  event %d %s dom%d at %s s\n  want %s\n  got  %s\n  why  %s\n",
			v.Event, v.EventKind, v.Dom, format.FormatSeconds(v.TimeNS), v.Want, v.Got, v.Why)
	}
	fmt.Fprintf(&b, "agree %d  differ %d  undetermined %d  lost %d\n", r.Agree, r.Differ, r.Undetermined, r.Lost)
	_, err := w.Write(b.Bytes())
	return err
}

func (r *Report) writeCost(b *bytes.Buffer) {
	b.WriteString("cost, at least")
	if r.CostIncomplete {
		b.WriteString(" (some events are unknown or were lost)")
	}
	b.WriteByte('\n')
	writeCounts(b, []count{
		{r.Cost.PW, "p2m entries written"},
		{r.Cost.TA, "p2m tables allocated"},
		{r.Cost.FL, "flush rounds"},
		{r.Cost.LK, "p2m lock sections"},
		{r.Cost.FX, "extra guest faults"},
		{r.Cost.VX, "VM exits"},
		{r.Cost.RT, "vCPU round trips"},
		{r.Cost.EV, "event notifications"},
		{r.Cost.HC, "hypercall entries"},
		{r.Cost.RN, "range nodes visited"},
	})
}

// A count says how many of what.
type count struct {
	n    uint64
	what string
}

// writeCounts writes counts below each other, a line each.
func writeCounts(b *bytes.Buffer, all []count) {
	tw := tabwriter.NewWriter(b, 0, 0, 1, ' ', tabwriter.AlignRight)
	for _, c := range all {
		fmt.Fprintf(tw, "  %d\t %s\n", c.n, c.what)
	}
	tw.Flush()
}

// writeRest writes the counts of what got no verdict, those that are not zero.
func (r *Report) writeRest(b *bytes.Buffer) {
	for _, c := range []count{
		{r.Unjudged, "calls outside the model"},
		{r.Spurious, "notifications without a request or an answer"},
		{r.Unlearned, "facts older than the capture that could not be learned"},
		{r.Unreturned, "calls that did not return"},
		{r.Unanswered, "requests without an answer"},
	} {
		if c.n != 0 {
			fmt.Fprintf(b, "not judged: %d %s\n", c.n, c.what)
		}
	}
}

// writeUnknown lists what was missing, the most frequent first.
func (r *Report) writeUnknown(b *bytes.Buffer) {
	if len(r.Unknown) == 0 {
		return
	}
	b.WriteString("undetermined because\n")
	var whys []count
	for why, n := range r.Unknown {
		whys = append(whys, count{n, why})
	}
	slices.SortFunc(whys, func(x, y count) int { return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.what, y.what)) })
	writeCounts(b, whys)
}
