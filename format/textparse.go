package format

import (
	"bytes"
	"strconv"
)

// A lineParser takes one line apart into tokens between blanks. A token that
// begins with # ends the line.
type lineParser struct {
	line []byte
	pos  int // of the rest
	at   int // of the token at hand; where an error is reported
}

// next returns the next token, empty at the end of the line.
func (p *lineParser) next() []byte {
	line, i := p.line, p.pos
	for i < len(line) && blankChar(line[i]) {
		i++
	}
	p.at = i
	for i < len(line) && !blankChar(line[i]) {
		i++
	}
	if p.at < len(line) && line[p.at] == '#' {
		p.pos = len(line)
		return nil
	}
	p.pos = i
	return line[p.at:i]
}

func blankChar(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// finish refuses more tokens.
func (p *lineParser) finish() error {
	if tok := p.next(); len(tok) > 0 {
		return malformed("%q is too much", tok)
	}
	return nil
}

// event reads an event's line behind its first token, the sequence number. Next
// is the number that - stands for.
func (p *lineParser) event(e *Event, seq []byte, next uint64) error {
	*e = blank(KindInvalid, 0)
	first, digits := p.at, seq
	inKeyFrame := len(seq) > 0 && seq[0] == '='
	if inKeyFrame {
		digits = seq[1:]
	}
	given := string(digits) != "-"
	var ok bool
	if e.Seq, ok = parseDecimal(digits); given && !ok {
		return malformed("%q is no sequence number", seq)
	}
	t := p.next()
	if e.Time, ok = parseTime(t); !ok {
		return malformed("%q is no time", t)
	}
	k := p.next()
	if e.Kind = parseKind(k); e.Kind == KindInvalid {
		return malformed("%q is no kind", k)
	}
	if err := checkMark(e.Kind, inKeyFrame, given); err != nil {
		p.at = first
		return err
	}
	if !given {
		e.Seq = next
	}
	return p.fields(e)
}

// checkMark says whether an event of kind k may have its number written so:
// with = in front in key-frames, and given unless - is enough.
func checkMark(k Kind, inKeyFrame, given bool) error {
	switch {
	case k.InKeyFrame() && !inKeyFrame:
		return malformed("%v occurs in key-frames only: its number has = in front", k)
	case !k.InKeyFrame() && inKeyFrame:
		return malformed("%v happened: its number has no = in front", k)
	case k >= KindOpen && !given:
		return malformed("%v needs the number of the event that it is a copy of", k)
	}
	return nil
}

// parseKind is the inverse of Kind.String; KindInvalid stands for an error.
func parseKind(s []byte) Kind {
	if k, ok := kindsByName[string(s)]; ok {
		return k
	}
	if len(s) > 4 && string(s[:4]) == "kind" {
		if n, err := strconv.ParseUint(string(s[4:]), 10, 8); err == nil {
			return Kind(n)
		}
	}
	return KindInvalid
}

var kindsByName = buildKindsByName()

func buildKindsByName() map[string]Kind {
	all := make(map[string]Kind)
	for k, s := range specs {
		if s.name != "" {
			all[s.name] = Kind(k)
		}
	}
	return all
}

// seenKeys are the keys that a line has had: fields by index, extras by slot.
type seenKeys struct{ fields, extras uint32 }

// fields reads the key=value tokens of e. Keys may come in any order, but most
// lines are as AppendText writes them, and those take the fast way.
func (p *lineParser) fields(e *Event) error {
	plan := &plans[e.Kind]
	var have seenKeys
	expect := 0
	for {
		n, err := p.fast(e, plan, expect, &have)
		if n < 0 {
			n, err = p.field(e, plan, expect, &have)
		}
		if err != nil || n == 0 {
			return err
		}
		expect = n
	}
}

// fast reads the next token if it is a field from the one with index expect on
// in the form in which it is written. It returns the index of the field behind
// it, 0 at the end of the line, and -1 if the token is anything else.
func (p *lineParser) fast(e *Event, plan *plan, expect int, have *seenKeys) (int, error) {
	line, pos := p.line, p.pos
	if pos < len(line) && line[pos] == ' ' {
		pos++
	}
	if pos >= len(line) {
		return 0, nil
	}
	rest := line[pos:]
	for i := expect; i < len(plan.fields); i++ {
		f := &plan.fields[i]
		size := int(f.text[keyRoom]) - 1 // without the blank in front
		if size < 0 || len(rest) <= size || rest[0] != f.text[1] || string(rest[:size]) != string(f.text.bytes()[1:]) {
			continue
		}
		v, n := f.scan(rest[size:])
		if n == 0 || have.fields>>i&1 != 0 {
			return -1, nil
		}
		have.fields |= 1 << i
		p.pos = pos + size + n
		f.set(e, v)
		return i + 1, nil
	}
	return -1, nil
}

// set puts v into bits of e that are zero.
func (f *planField) set(e *Event, v uint64) {
	if f.slot < NumWords {
		e.W[f.slot] |= v << (f.shift & 63)
	} else {
		column{slot: f.slot}.set(e, v)
	}
}

// field reads the next token, whatever its form. It returns the index of the
// field behind it, at least 1, or 0 at the end of the line.
func (p *lineParser) field(e *Event, plan *plan, expect int, have *seenKeys) (int, error) {
	tok := p.next()
	if len(tok) == 0 {
		return 0, nil
	}
	key, value, ok := bytes.Cut(tok, []byte{'='})
	if !ok {
		return 0, malformed("%q is not key=value", tok)
	}
	i := specOf(e.Kind).find(key)
	if i < 0 {
		return max(expect, 1), p.extra(e, key, value, have)
	}
	if have.fields>>i&1 != 0 {
		return 0, malformed("%s twice", key)
	}
	have.fields |= 1 << i
	f := &plan.fields[i]
	v, ok := parseValue(f.field, value)
	if !ok {
		p.at += len(key) + 1
		return 0, malformed("%q is no value of %s", value, key)
	}
	f.set(e, v)
	return i + 1, nil
}

// find returns the index of the field with that name, -1 if there is none.
func (s *spec) find(key []byte) int {
	for i := range s.fields {
		if s.fields[i].name == string(key) {
			return i
		}
	}
	return -1
}

// extra reads a key that is no field of e's kind.
func (p *lineParser) extra(e *Event, key, value []byte, have *seenKeys) error {
	slot := extraSlot(key)
	switch {
	case slot < 0:
		return malformed("%v has no %s", e.Kind, strconv.Quote(string(key)))
	case have.extras>>slot&1 != 0:
		return malformed("%s twice", key)
	}
	have.extras |= 1 << slot
	v, ok := parseNumber(value)
	if !ok || !e.setExtra(slot, v) {
		p.at += len(key) + 1
		return malformed("%q is no value of %s", value, key)
	}
	return nil
}

// extraSlot returns the slot whose extra key this is, -1 if none.
func extraSlot(key []byte) int {
	for slot, name := range extraNames {
		if name == string(key) {
			return slot
		}
	}
	return -1
}

// setExtra puts v into what no field of e's kind has of a slot; false if it
// does not fit there.
func (e *Event) setExtra(slot int, v uint64) bool {
	free := plans[e.Kind].free[slot]
	if slot >= NumWords {
		free &= 1<<idBits - 1
	}
	if v&^free != 0 {
		return false
	}
	column{slot: uint8(slot), bits: 64}.set(e, v)
	return true
}
