package record

import (
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func TestChoicesThatCannotBeAreRefused(t *testing.T) {
	five := make([]format.Span, 5)
	for _, c := range []struct {
		option string
		choice format.Choice
	}{
		{"Ports", format.Choice{Ports: five}}, {"GFNs", format.Choice{Ports: five[:3], GFNs: five[:2]}},
		{"Ports", format.Choice{Ports: []format.Span{{First: 2, Last: 1}}}}, {"Ports", format.Choice{Ports: []format.Span{{First: 2, Last: 1 << 16}}}},
		{"GFNs", format.Choice{GFNs: []format.Span{{First: 2, Last: 1}}}}, {"Servers", format.Choice{Servers: []xen.ServerID{32}}},
		{"Kinds", format.Choice{Kinds: []string{"clock"}}}, {"Kinds", format.Choice{Kinds: []string{"nonsense"}}},
		{"Sampled", format.Choice{Sampled: map[string]uint32{"dm_op_enter": 2}}},
	} {
		_, err := Options{Choice: c.choice}.withDefaults()
		checkRefused(t, err, c.option)
	}
	ok := format.Choice{Ports: five[:2], GFNs: five[:2], Kinds: []string{"ioreq"}, Sampled: map[string]uint32{"ioreq": 9}}
	if _, err := (Options{Choice: ok}).withDefaults(); err != nil {
		t.Error(err)
	}
}

// TestKindsAreRecordedInGroups keeps entry and return, request and answer together.
func TestKindsAreRecordedInGroups(t *testing.T) {
	mask := rawKinds([]string{"ioresp", "dm_op_return"})
	for k := rawKind(1); k < numRawKinds; k++ {
		want := slices.Contains([]rawKind{rawProcess, rawExec, rawExit, rawSlotIn, rawSlotOut, rawDMOp, rawDMOpBuf, rawDMOpRet, rawIRQFD, rawHook, rawHookRet}, k)
		if got := wantsRaw(mask, k); got != want {
			t.Errorf("record kind %d: wanted %v, want %v", k, got, want)
		}
	}
	if rawKinds(nil) != ^uint64(0) {
		t.Error("no choice leaves a kind out")
	}
}

func TestDecoderLeavesOutWhatWasNotChosen(t *testing.T) {
	d := newDecoder()
	d.choice = newChoice(format.Choice{
		Kinds: []string{"ioresp", "buf_ioreq"}, GFNs: []format.Span{{First: 0xb8, Last: 0xb8}}, Servers: []xen.ServerID{1},
	})
	q := xen.IOReq{Addr: 0xb8000, Size: 1, Count: 1, EPort: 9, State: xen.StateReady, Type: xen.TypeCopy}
	done := q
	done.State = xen.StateRespReady
	got := decodeAll(d, rawSlot(rawSlotIn, 10, 1, q), rawSlot(rawSlotOut, 20, 1, done), rawSlot(rawSlotOut, 20, 2, done),
		rawRingOf(30, 0, 2, xen.BufIOReq{Size: 1, Addr: 0xb8fff}, xen.BufIOReq{Size: 1, Addr: 0xb9000}))
	if want := []format.Kind{format.KindIOResp, format.KindBufIOReq}; !slices.Equal(kindsOf(got), want) {
		t.Errorf("kinds %v, want %v", kindsOf(got), want)
	}
}

// TestKindsAreThoseThatCanBeChosen tries all that there are.
func TestKindsAreThoseThatCanBeChosen(t *testing.T) {
	for k := range format.Kinds() {
		_, err := Options{Choice: format.Choice{Kinds: []string{k.String()}}}.withDefaults()
		if listed := slices.Contains(Kinds(), k.String()); listed != (err == nil) {
			t.Errorf("%v: listed %v, %v", k, listed, err)
		}
	}
}

func TestWithoutRings(t *testing.T) {
	all, err := withoutRings(format.Choice{})
	if some, _ := all.HasKind(format.KindIOReq); err != nil || !some {
		t.Errorf("%v, %v", &all, err)
	}
	if mask := rawKinds(all.Kinds); mask != rawKinds(nil)&^(1<<rawRing|1<<rawPage) {
		t.Errorf("records %#x", mask)
	}
	few, err := withoutRings(format.Choice{Kinds: []string{"ioreq", "buf_ioreq"}})
	if err != nil || !slices.Equal(few.Kinds, []string{"ioreq"}) {
		t.Errorf("%v, %v", &few, err)
	}
	_, err = withoutRings(format.Choice{Kinds: []string{"buf_ioreq"}})
	checkRefused(t, err, "Kinds")
}
