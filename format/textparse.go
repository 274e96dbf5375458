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
	for p.pos < len(p.line) && blankChar(p.line[p.pos]) {
		p.pos++
	}
	p.at = p.pos
	for p.pos < len(p.line) && !blankChar(p.line[p.pos]) {
		p.pos++
	}
	if p.at < len(p.line) && p.line[p.at] == '#' {
		p.pos = len(p.line)
		return nil
	}
	return p.line[p.at:p.pos]
}

func blankChar(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// event reads an event's line behind its first token, the sequence number.
func (p *lineParser) event(seq []byte, next uint64) (Event, error) {
	e := blank(KindInvalid, 0)
	var ok bool
	if e.Seq, ok = parseDecimal(seq); !ok && string(seq) != "-" {
		return Event{}, malformed("%q is no sequence number", seq)
	}
	if !ok {
		e.Seq = next
	}
	if e.Seq < next {
		return Event{}, malformed("sequence number %d, want %d or more", e.Seq, next)
	}
	t := p.next()
	if e.Time, ok = parseTime(t); !ok {
		return Event{}, malformed("%q is no time", t)
	}
	k := p.next()
	if e.Kind = parseKind(k); e.Kind == KindInvalid {
		return Event{}, malformed("%q is no kind", k)
	}
	return e, p.fields(&e)
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

// fields reads the key=value tokens of e. Keys may come in any order.
func (p *lineParser) fields(e *Event) error {
	s := specOf(e.Kind)
	var have uint32 // fields seen, by index
	var haveExtra [numSlots]bool
	expect := 0
	for tok := p.next(); len(tok) > 0; tok = p.next() {
		key, value, ok := bytes.Cut(tok, []byte{'='})
		if !ok {
			return malformed("%q is not key=value", tok)
		}
		i := s.find(key, expect)
		if i < 0 {
			if err := p.extra(e, key, value, &haveExtra); err != nil {
				return err
			}
			continue
		}
		expect = i + 1
		if have>>i&1 != 0 {
			return malformed("%s twice", key)
		}
		have |= 1 << i
		f := &s.fields[i]
		v, ok := parseValue(f, value)
		if !ok {
			p.at += len(key) + 1
			return malformed("%q is no value of %s", value, key)
		}
		f.column().set(e, v)
	}
	return nil
}

// find returns the index of the field with that name, -1 if there is none. It
// looks at index guess first: lines are mostly in the order of the table.
func (s *spec) find(key []byte, guess int) int {
	for i := guess; i < len(s.fields); i++ {
		if s.fields[i].name == string(key) {
			return i
		}
	}
	for i := range min(guess, len(s.fields)) {
		if s.fields[i].name == string(key) {
			return i
		}
	}
	return -1
}

// extra reads a key that is no field of e's kind.
func (p *lineParser) extra(e *Event, key, value []byte, have *[numSlots]bool) error {
	for slot := range uint8(numSlots) {
		if extraNames[slot] != string(key) {
			continue
		}
		if have[slot] {
			return malformed("%s twice", key)
		}
		have[slot] = true
		v, ok := parseNumber(value)
		free := ^uint64(0)
		if cs := columnsOf(e.Kind); slot >= NumWords {
			free = 1<<idBits - 1
		} else if cs != nil {
			free = ^cs.known[slot]
		}
		if !ok || v&^free != 0 {
			p.at += len(key) + 1
			return malformed("%q is no value of %s", value, key)
		}
		column{slot: slot, bits: 64}.set(e, v)
		return nil
	}
	return malformed("%v has no %s", e.Kind, strconv.Quote(string(key)))
}
