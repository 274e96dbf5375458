package flight

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// wild makes events of any kind out of bytes, with few ids and ports, so that they
// meet.
func wild(b []byte) (events []format.Event) {
	const size = 12
	for ; len(b) >= size; b = b[size:] {
		e := format.Event{
			Kind: format.Kind(b[0] % 32), Time: uint64(b[1]) * 5_000_000, Dom: xen.DomID(b[2] % 4), Server: xen.ServerID(b[3] % 4), VCPU: xen.VCPU(b[3] / 128),
		}
		for i := range e.W {
			e.W[i] = uint64(b[4+i]) | uint64(b[4+i]&1)<<32 | uint64(b[4+i]>>7)<<63
		}
		events = append(events, e)
	}
	return events
}

// FuzzTriggers lets all triggers watch any events: none may panic, and each that
// fires must have a reason that a mark can hold.
func FuzzTriggers(f *testing.F) {
	f.Add([]byte("\x14\x00\x01\x02\x05\x09\x07\x00\x60\x00\x01\x00\x18\xff\x01\x02\x05\x09\x07\x00\x60\x00\x01\x00"))
	f.Add([]byte("\x09\x01\x01\x02\x05\x09\x01\x20\x06\x02\x01\x00\x0b\x02\x01\x02\x05\x00\x01\x00\x00\x00\x01\x00"))
	f.Add([]byte("\x09\x01\x01\x02\x05\x09\x01\x20\x0f\x01\x01\x00\x0b\x02\x01\x02\x05\x00\x01\x00\x00\x00\x01\x00\x04\x03\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		triggers := all(t)
		for _, s := range []string{"slow-answer:10ms", "slow-call:10ms", "churn:20", "call-error:EBUSY", "filter:dom==1 && server"} {
			x, err := ParseTrigger(s)
			if err != nil {
				t.Fatal(err)
			}
			triggers = append(triggers, x)
		}
		for _, e := range wild(b) {
			for _, x := range triggers {
				if !x.Add(&e) {
					continue
				}
				if _, err := format.MarkEvents(x.Why(), e.Time); err != nil {
					t.Errorf("%s fires because of %q: %v", x, x.Why(), err)
				}
			}
		}
	})
}
