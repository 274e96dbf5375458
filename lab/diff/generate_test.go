package diff

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
)

var (
	xen417 = engine.Release{Major: 4, Minor: 17}
	kinds2 = []Kind{PVH, HVM}
)

// performed returns a generated script with the model's outcomes.
func performed(t *testing.T, seed uint64, kind Kind, n int) Script {
	t.Helper()
	s, err := Generate(seed, kind, xen417, n)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewModel(kind, s.VCPUs, xen417)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range s.Steps {
		o, sure, err := m.Step(step, nil)
		if err != nil || !sure {
			t.Fatalf("%v: the model, which made the step, says %v, sure %v, %v", step, o, sure, err)
		}
		s.Outcomes = append(s.Outcomes, o)
	}
	return s
}

func TestSeedsAreScripts(t *testing.T) {
	for _, kind := range kinds2 {
		a, b := performed(t, 7, kind, 500), performed(t, 7, kind, 500)
		if !slices.Equal(a.Steps, b.Steps) {
			t.Errorf("%s: want the same script of the same seed", kind)
		}
		if c := performed(t, 8, kind, 500); slices.Equal(a.Steps, c.Steps) {
			t.Errorf("%s: want another script of another seed", kind)
		}
		if ok, err := Valid(a, xen417); !ok || err != nil {
			t.Errorf("%s: want a generated script to be valid, got %v, %v", kind, ok, err)
		}
	}
}

// TestScriptsReachEverything: of each thing that a script can show there is some.
func TestScriptsReachEverything(t *testing.T) {
	seen := map[string]int{}
	for _, kind := range kinds2 {
		for seed := range uint64(16) {
			s := performed(t, seed, kind, 2000)
			for i, step := range s.Steps {
				seen[step.Verb.String()]++
				for _, line := range s.Outcomes[i] {
					word, rest, _ := strings.Cut(line, " ")
					seen[step.Verb.String()+" "+word]++
					if word == "->" && len(s.Outcomes[i]) > 1 {
						seen["split"]++
					}
					for f := range strings.FieldsSeq(rest) {
						name, _, _ := strings.Cut(f, "=")
						seen[word+" "+name]++
					}
				}
			}
		}
	}
	for _, want := range []string{
		"create ok", "create ENOSPC", "create EINVAL", "destroy ok", "destroy ENOENT",
		"acquire ok", "acquire EINVAL", "acquire ENOENT", "map ok", "map EEXIST", "map EINVAL", "map ENOENT", "map ENOMEM", "map EFAULT", "settype E2BIG",
		"unmap ok", "unmap ENOENT", "state ok", "claim ok", "claim EBUSY", "claim EINVAL", "settype ok", "settype EINVAL",
		"track ok", "track EINVAL", "track dirty", "entries set", "resume =", "resume ->", "resume hung", "close", "logdirty ok", "logdirty EBUSY", "modified ok", "modified EINVAL",
		"info ok", "info EPERM", "dmop EOPNOTSUPP", "dmop EINVAL", "dmop ok", "resume waits", "-> invalidate", "ok w2", "gettype type", "drain ..", "memory page",
		"-> pio", "-> copy", "-> pci_config", "-> read", "-> write", "-> df", "-> ptr", "-> count", "-> sum", "split",
		"cmpxchg equal", "write #13", "read #13", "movs ->", "stos ->", "ins ->", "outs ->", "xadd ->", "xchg ->", "cmpxchg ->", "add ->", "cmpxchg8b ->", "cmpxchg8b equal", "dmop EPERM",
	} {
		if seen[want] == 0 {
			t.Errorf("%s: want some in generated scripts, got none", want)
		}
	}
}

func TestJudgeFindsOneWrongLine(t *testing.T) {
	s := performed(t, 3, PVH, 600)
	for i, step := range s.Steps {
		if step.Verb == Info { // a model alone makes no ports up
			s.Steps[i], s.Outcomes[i] = NewStep(Drain, nil), nil
		}
	}
	v, err := Judge(s, xen417)
	if err != nil || v.Mismatch != nil || v.Compared != len(s.Steps) {
		t.Fatalf("the model against itself: want %d steps alike, got %+v, %v", len(s.Steps), v, err)
	}
	for i := range s.Outcomes {
		if len(s.Outcomes[i]) == 0 {
			continue
		}
		bad := s
		bad.Outcomes = slices.Clone(s.Outcomes)
		bad.Outcomes[i] = append(Outcome{"ENOSYS"}, s.Outcomes[i][1:]...)
		v, err := Judge(bad, xen417)
		if err != nil || v.Mismatch == nil || v.Mismatch.Step != i {
			t.Fatalf("step %d, %v: want it to differ, got %+v, %v", i+1, s.Steps[i], v, err)
		}
	}
}

// TestWhatKillsXenIsNotValid: nor does the model doubt that it does. Package lab
// plays panic.txt and freed.txt on real Xen.
func TestWhatKillsXenIsNotValid(t *testing.T) {
	for _, c := range []struct {
		name    string
		release engine.Release
		last    int // steps that are not valid, at the end
	}{
		{"panic.txt", xen417, 1}, {"deadlock.txt", engine.Release{Major: 4, Minor: 14}, 1}, {"freed.txt", xen417, 2}, {"nopages.txt", xen417, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := os.Open("testdata/" + c.name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			s, err := ReadScript(f)
			if err != nil {
				t.Fatal(err)
			}
			killedByLast(t, s, c.release, c.last)
		})
	}
}

func killedByLast(t *testing.T, s Script, release engine.Release, invalid int) {
	t.Helper()
	m, err := NewModel(s.Kind, s.VCPUs, release)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range s.Steps {
		o, sure, err := m.Step(step, nil)
		if last := i == len(s.Steps)-1; err != nil || !sure || last != slices.Contains(o, Panic) {
			t.Errorf("%v: want a panic at the last step only, got %v, sure %v, %v", step, o, sure, err)
		}
	}
	whole := s.Steps
	for n := range invalid + 1 {
		s.Steps = whole[:len(whole)-n]
		if ok, err := Valid(s, release); ok != (n == invalid) || err != nil {
			t.Errorf("without its last %d steps: want it valid without %d, got %v, %v", n, invalid, ok, err)
		}
	}
}

func TestShrinkKeepsWhatMatters(t *testing.T) {
	s := performed(t, 5, PVH, 400)
	var want []Step // two steps that do nothing to others
	for i, step := range s.Steps[Prologue:] {
		if v := []Verb{GetType, Read}; len(want) < len(v) && step.Verb == v[len(want)] && s.Outcomes[i+Prologue] != nil {
			want = append(want, step)
		}
	}
	tries := 0
	got, err := Shrink(s, xen417, 200, func(t Script) (bool, error) {
		tries++
		at := 0
		for _, step := range t.Steps {
			if at < len(want) && step == want[at] {
				at++
			}
		}
		return at == len(want), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want = append(append(prologue[:Prologue:Prologue], want...), s.Steps[len(s.Steps)-1])
	if !slices.Equal(got.Steps, want) {
		t.Errorf("want %v, got %v", want, got.Steps)
	}
	t.Logf("%d tries", tries)
	same, err := Shrink(s, xen417, 0, func(Script) (bool, error) { return true, nil })
	if err != nil || len(same.Steps) != len(s.Steps) {
		t.Errorf("no tries: want the script as it was, got %d of %d steps, %v", len(same.Steps), len(s.Steps), err)
	}
}
