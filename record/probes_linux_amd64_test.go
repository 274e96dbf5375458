package record

import (
	"slices"
	"testing"
)

func TestUnwantedProgramsAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		kinds []string
		gone  []string
	}{
		{nil, nil},
		{[]string{"evtchn_interrupt", "buf_ioreq"}, nil},
		{[]string{"evtchn_interrupt", "ioreq"}, []string{fentryProgPollReturn, fentryProgTick, kprobeProgSample}},
		{[]string{"buf_ioreq"}, []string{fentryProgEvtchnInterruptEnter}},
	} {
		spec, err := loadKprobe()
		if err != nil {
			t.Fatal(err)
		}
		all := len(spec.Programs)
		leaveOut(spec, rawKinds(c.kinds))
		left := slices.ContainsFunc(c.gone, func(name string) bool { return spec.Programs[name] != nil })
		if left || len(spec.Programs) != all-len(c.gone) {
			t.Errorf("kinds %v: %d of %d programs, want all but %v", c.kinds, len(spec.Programs), all, c.gone)
		}
	}
}
