package filter

import (
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
)

// A comparison is a test as it was written. Without operator it asks whether
// there is a value.
type comparison struct {
	name     token
	operator string
	items    []item
}

// An item is a range of values; of a single one both ends are the same.
type item struct{ first, last token }

// compile looks the comparison up in the table of fields.
func (p *parser) compile(c *comparison) (test, error) {
	t := test{}
	for k := range t.byKind {
		t.byKind[k] = never
	}
	if c.operator == "" && (c.name.text == "kind" || c.name.text == "seq" || c.name.text == "time") {
		return t, p.fail(c.name.at, "every event has a %s; compare it with something", c.name.text)
	}
	switch c.name.text {
	case "kind":
		return t, p.compileKind(c, &t)
	case "seq":
		return t, p.compileCommon(c, &t, fromSeq, parseSeq, "want an event's number")
	case "time":
		return t, p.compileCommon(c, &t, fromTime, format.ParseSeconds, "want seconds, such as 168.837")
	}
	return t, p.compileField(c, &t)
}

func parseSeq(s string) (uint64, bool) {
	v, err := strconv.ParseUint(s, 10, 64)
	return v, err == nil
}

// compileKind settles for each kind what the comparison says.
func (p *parser) compileKind(c *comparison, t *test) error {
	pass, err := p.spans(c, func(s string) (uint64, bool) {
		k := format.KindByName(s)
		return uint64(k), k != format.KindInvalid
	}, "no kind of event has that name")
	if err != nil {
		return err
	}
	for _, s := range pass {
		for k := s.first; k <= min(s.last, 255); k++ {
			t.byKind[k] = always
		}
	}
	return nil
}

// compileCommon is for what every event has.
func (p *parser) compileCommon(c *comparison, t *test, from source, parse func(string) (uint64, bool), want string) error {
	pass, err := p.spans(c, parse, want)
	t.cases = []testCase{{from: from, pass: pass}}
	t.byKind = [256]uint16{}
	return err
}

// spans returns the values that pass, for values that mean the same in every
// event.
func (p *parser) spans(c *comparison, parse func(string) (uint64, bool), want string) (pass []span, err error) {
	for _, it := range c.items {
		first, ok := parse(it.first.text)
		if !ok {
			return nil, p.fail(it.first.at, "%s: %s, got %q", c.name.text, want, it.first.text)
		}
		last, ok := parse(it.last.text)
		if !ok {
			return nil, p.fail(it.last.at, "%s: %s, got %q", c.name.text, want, it.last.text)
		}
		pass = append(pass, c.pass(first, last)...)
	}
	return pass, nil
}

// pass returns the keys that an item lets pass.
func (c *comparison) pass(first, last uint64) []span {
	if c.operator == "in" {
		return []span{{first, last}}
	}
	return spansOf(c.operator, first)
}

// compileField is for fields that some kinds have. A value has to fit one of
// them at least.
func (p *parser) compileField(c *comparison, t *test) error {
	fits := make([]bool, len(c.items))
	var fields []format.Field
	for k := range format.Kinds() {
		if k.InKeyFrame() {
			continue
		}
		for _, f := range format.Fields(k) {
			if f.Name() != c.name.text {
				continue
			}
			fields = append(fields, f)
			if pass := c.passOf(f, fits); len(pass) > 0 {
				t.byKind[k] = uint16(len(t.cases))
				t.cases = append(t.cases, testCase{field: f, pass: pass})
			}
		}
	}
	if len(fields) == 0 {
		return p.fail(c.name.at, "no event has a field %q; 'iotrace cat --list-fields' lists all", c.name.text)
	}
	for i, ok := range fits {
		if it := c.items[i]; !ok {
			return p.fail(it.first.at, "no field %q can be %s%s", c.name.text, it, choices(fields))
		}
	}
	return nil
}

func (it item) String() string {
	if it.first == it.last {
		return strconv.Quote(it.first.text)
	}
	return strconv.Quote(it.first.text + ".." + it.last.text)
}

// passOf returns the keys of f that the comparison lets pass, and notes which of
// its items f can have.
func (c *comparison) passOf(f format.Field, fits []bool) (pass []span) {
	if c.operator == "" {
		if f.Flag() {
			return spansOf(">", 0)
		}
		return []span{{0, 1<<64 - 1}}
	}
	for i, it := range c.items {
		first, ok := f.Parse(it.first.text)
		last, okLast := f.Parse(it.last.text)
		if !ok || !okLast {
			continue
		}
		fits[i] = true
		pass = append(pass, c.pass(key(f, first), key(f, last))...)
	}
	return pass
}

// choices lists the names that values of the fields can have, if there are few.
func choices(fields []format.Field) string {
	for _, f := range fields {
		if names := f.Names(); len(names) > 0 && len(names) <= 32 {
			return "; it can be " + strings.Join(names, ", ")
		}
	}
	return "; it is a number"
}
