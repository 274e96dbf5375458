package format

import (
	"bytes"
	"io"
	"testing"
)

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

// TestLinesAllocateNothing covers comments and both ways of both text forms.
func TestLinesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	events := session(2000)
	text, err := NewTextWriter(io.Discard, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	js, err := NewJSONWriter(io.Discard, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	for what, write := range map[string]func(Event) error{"text": text.Write, "JSON": js.Write} {
		n := testing.AllocsPerRun(5, func() {
			for _, e := range events {
				if err := write(e); err != nil {
					t.Fatal(err)
				}
			}
		})
		if n > 0 {
			t.Errorf("%s: %d lines allocate %v times", what, len(events), n)
		}
	}
	for what, b := range map[string][]byte{"text": textOf(t, testHeader, events), "JSON": jsonOf(t, testHeader, events)} {
		n := testing.AllocsPerRun(5, func() {
			if got, err := countEvents(b); err != nil || got != len(events) {
				t.Fatalf("%s: %d events, %v", what, got, err)
			}
		})
		if n > 60 { // the reader, its buffer and the header
			t.Errorf("%s: reading %d lines allocates %v times", what, len(events), n)
		}
	}
}

func countEvents(b []byte) (n int, err error) {
	tr, err := Open(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	for _, err := range tr.Events() {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
