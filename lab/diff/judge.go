package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
)

// Mismatch is a step of which a real Xen and the model say different things.
type Mismatch struct {
	Step      int // index in the script
	Want, Got Outcome
}

// Verdict is what comparing a script's outcomes with the model's came to. After a
// mismatch the states differ, so nothing behind the first is compared.
type Verdict struct {
	Compared int // steps that were
	Unsure   int // of these, steps whose outcome the model could not know
	Mismatch *Mismatch
}

// Judge performs a script on the model of a release and compares outcomes.
func Judge(s Script, release engine.Release) (v Verdict, err error) {
	m, err := NewModel(s.Kind, s.VCPUs, release)
	if err != nil {
		return v, err
	}
	for i, got := range s.Outcomes {
		want, sure, err := m.Step(s.Steps[i], got)
		if err != nil {
			return v, fmt.Errorf("step %d, %v: %w", i+1, s.Steps[i], err)
		}
		v.Compared++
		if !sure {
			v.Unsure++
		}
		if !slices.Equal(want, got) && (sure || s.Steps[i].Verb.flies()) {
			v.Mismatch = &Mismatch{Step: i, Want: want, Got: got}
			return v, nil
		}
		if got.Ended() {
			break
		}
	}
	return v, nil
}

// Text tells the step of s and both outcomes.
func (m Mismatch) Text(s Script) string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d: %v\n", m.Step+1, s.Steps[m.Step])
	for _, side := range []struct {
		name  string
		lines Outcome
	}{{"model", m.Want}, {"xen", m.Got}} {
		if len(side.lines) == 0 {
			fmt.Fprintf(&b, "  %-5s (nothing)\n", side.name)
		}
		for _, line := range side.lines {
			fmt.Fprintf(&b, "  %-5s %s\n", side.name, line)
		}
	}
	return b.String()
}
