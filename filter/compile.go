package filter

import (
	"fmt"
	"slices"
	"strconv"

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
		return t, p.compileCommon(c, &t, fromSeq, parseSeq)
	case "time":
		return t, p.compileCommon(c, &t, fromTime, parseTime)
	}
	return t, p.compileField(c, &t)
}

func parseSeq(s string) (uint64, error) {
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("seq: want an event's number, got %q", s)
	}
	return v, nil
}

func parseTime(s string) (uint64, error) {
	v, ok := format.ParseSeconds(s)
	if !ok {
		return 0, fmt.Errorf("time: want seconds, such as 168.837, got %q", s)
	}
	return v, nil
}

// parseKind takes the name of a kind that can pass a filter.
func parseKind(s string) (uint64, error) {
	k := format.KindByName(s)
	switch {
	case k == format.KindInvalid:
		return 0, UnknownKind(s)
	case k.InKeyFrame():
		return 0, fmt.Errorf("events of kind %s are a key-frame's, and no filter is asked about those", s)
	}
	return uint64(k), nil
}

// compileKind settles for each kind what the comparison says.
func (p *parser) compileKind(c *comparison, t *test) error {
	pass, err := p.spans(c, parseKind)
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
func (p *parser) compileCommon(c *comparison, t *test, from source, parse func(string) (uint64, error)) error {
	pass, err := p.spans(c, parse)
	t.cases = []testCase{{from: from, pass: pass}}
	t.byKind = [256]uint16{}
	return err
}

// spans returns the values that pass, for values that mean the same in every
// event.
func (p *parser) spans(c *comparison, parse func(string) (uint64, error)) (pass []span, err error) {
	for _, it := range c.items {
		first, err := parse(it.first.text)
		if err != nil {
			return nil, p.fail(it.first.at, "%v", err)
		}
		last, err := parse(it.last.text)
		if err != nil {
			return nil, p.fail(it.last.at, "%v", err)
		}
		if first > last {
			return nil, p.empty(&it)
		}
		pass = append(pass, c.pass(first, last)...)
	}
	return pass, nil
}

// empty refuses a range that nothing is in.
func (p *parser) empty(it *item) error {
	return p.fail(it.first.at, "nothing is in %s..%s; a range begins with the smaller value", it.first.text, it.last.text)
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
		return p.fail(c.name.at, "%s", unknownField(c.name.text))
	}
	for i, ok := range fits {
		if !ok {
			return p.unfit(&c.items[i], fields)
		}
	}
	return nil
}

// unfit says why no field can have the values of an item.
func (p *parser) unfit(it *item, fields []format.Field) error {
	for _, end := range []token{it.first, it.last} {
		if !slices.ContainsFunc(fields, func(f format.Field) bool { _, ok := f.Parse(end.text); return ok }) {
			return p.fail(end.at, "no field %q can be %q%s", fields[0].Name(), end.text, choices(end.text, fields))
		}
	}
	return p.empty(it)
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
		if !ok || !okLast || key(f, first) > key(f, last) {
			continue
		}
		fits[i] = true
		pass = append(pass, c.pass(key(f, first), key(f, last))...)
	}
	return pass
}
