package rewrite

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A Part is one of the traces that Order puts in a row.
type Part struct {
	Name        string
	Header      format.Header
	Events      uint64
	First, Last uint64 // sequence numbers, key-frames apart; meaningless without events
	told        uint64 // of the numbers behind Last, those that a Lost event at the end stands for
	ahead       uint64 // of the numbers in front of First, those behind the key-frame that opens it
}

// Look reads a part to its end.
func Look(name string, h format.Header, events iter.Seq2[format.Event, error]) (Part, error) {
	p := Part{Name: name, Header: h}
	var opens *uint64 // the number of the key-frame that opens it
	for e, err := range events {
		if err != nil {
			return p, err
		}
		if e.Kind.InKeyFrame() {
			if p.Events == 0 && opens == nil && e.Kind == format.KindKeyFrame {
				opens = &e.Seq
			}
			continue
		}
		if p.Events == 0 {
			p.First = e.Seq
			if opens != nil && *opens < e.Seq {
				p.ahead = e.Seq - *opens
			}
		}
		p.Last, p.told = e.Seq, 0
		if e.Kind == format.KindLost && e.Lost().Probe == format.ProbeFile {
			p.told = max(e.Lost().Count, 1) - 1
		}
		p.Events++
	}
	return p, nil
}

// ErrParts is in the error about traces that are not parts of one.
var ErrParts = errors.New("no parts of one capture")

// Order sorts parts by their numbers. It refuses what is not from one capture,
// and parts that share a stretch of it.
func Order(parts []Part) error {
	slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(a.First, b.First) })
	for i := range parts[1:] {
		a, b := &parts[i], &parts[i+1]
		switch {
		case a.Header.CaptureUUID == "" || a.Header.CaptureUUID != b.Header.CaptureUUID:
			return fmt.Errorf("%w: %s and %s come from different captures", ErrParts, a.Name, b.Name)
		case a.Header.TimeResolutionNS != b.Header.TimeResolutionNS || a.Header.Data != b.Header.Data:
			return fmt.Errorf("%w: %s and %s differ in time resolution or in the data they keep; repack them alike", ErrParts, a.Name, b.Name)
		case a.Events > 0 && b.Events > 0 && b.First <= a.Last:
			return fmt.Errorf("%w: %s has events %d to %d and %s %d to %d, which overlap", ErrParts, a.Name, a.First, a.Last, b.Name, b.First, b.Last)
		}
	}
	return nil
}

// Missing returns the event that stands between two parts in a row for what is
// missing there; false if b goes on where a ended, or a's own end says it.
func Missing(a, b Part, t uint64) (format.Event, bool) {
	if a.Events == 0 || b.Events == 0 || adjoin(&a.Header, &b.Header) {
		return format.Event{}, false
	}
	gap := b.First - a.Last - 1
	gap -= min(gap, b.ahead)
	if gap <= a.told {
		return format.Event{}, false
	}
	e := format.Lost{
		Dom: xen.DomInvalid, Server: xen.NoServer, Probe: format.ProbeFile, Reason: format.ReasonDamaged, CPU: -1, Count: gap - a.told,
	}.Event(t)
	e.Seq = a.Last + 1
	return e, true
}

// opSplit is the Op of a step that split a trace.
const opSplit = "split"

// adjoin says whether b is the part behind a of one trace that was split: nothing is missing
// between them then, though numbers may be, as in one domain's trace.
func adjoin(a, b *format.Header) bool {
	n := len(a.Provenance)
	return n > 0 && n == len(b.Provenance) && a.Part > 0 && b.Part == a.Part+1 &&
		a.Provenance[n-1].Op == opSplit && reflect.DeepEqual(a.Provenance[n-1], b.Provenance[n-1])
}
