package format

import "testing"

// TestNamesFitTheirTokens fails where a name is so long that writers would
// leave it out: raise tokenRoom then.
func TestNamesFitTheirTokens(t *testing.T) {
	for k := range plans {
		p := &plans[k]
		if p.text.size == 0 || p.json.size == 0 {
			t.Errorf("%v is too long", Kind(k))
		}
		for i := range p.fields {
			if p.fields[i].json.size == 0 {
				t.Errorf("%v: %s is too long", Kind(k), p.fields[i].field.name)
			}
		}
	}
}

// TestLongKeysAreWrittenToo writes every kind as if no key fitted.
func TestLongKeysAreWrittenToo(t *testing.T) {
	defer func() { plans = buildPlans() }()
	want := textOf(t, Header{}, anyEvents(newRand(19), 2000))
	for k := range plans {
		for i := range plans[k].fields {
			f := &plans[k].fields[i]
			f.text, f.textHow = key{}, showOther
		}
	}
	if got := textOf(t, Header{}, anyEvents(newRand(19), 2000)); string(got) != string(want) {
		t.Error("other text")
	}
}
