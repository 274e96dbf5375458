package format

import (
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

func TestChoiceSaysWhatItLeavesOut(t *testing.T) {
	c := &Choice{
		Servers: []xen.ServerID{1}, Ports: []Span{{0x60, 0x64}, {0xcf8, 0xcf8}}, Kinds: []string{"ioreq", "ioresp"},
		Sampled: map[string]uint32{"ioreq": 10},
	}
	if got, want := c.String(), "servers 1; ports 0x60-0x64 0xcf8; kinds ioreq ioresp; 1 in 10 ioreq"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, k := range []struct {
		kind        Kind
		some, every bool
	}{{KindIOReq, true, false}, {KindIOResp, true, true}, {KindDMOpEnter, false, false}} {
		if some, every := c.HasKind(k.kind); some != k.some || every != k.every {
			t.Errorf("%v: %v %v, want %v %v", k.kind, some, every, k.some, k.every)
		}
	}
	var none *Choice
	if some, every := none.HasKind(KindIOReq); !some || !every || none.String() != "" {
		t.Error("no choice leaves something out")
	}
}
