package format

import "unicode/utf8"

// The keys that every event has, as bits of jsonEvent.have.
const (
	haveSeq = 1 << iota
	haveTime
	haveKind
	haveKeyFrame
)

// A jsonEvent is an event while its line is being read.
type jsonEvent struct {
	*jsonScanner
	e        *Event
	plan     *plan // nil until the kind is known
	have     uint8
	keys     seenKeys
	kindAt   int
	keyFrame bool
	unseenAt int // of a payload that is null, -1 if there is none
}

// event reads the object of an event.
func (s *jsonScanner) event(e *Event) error {
	*e = blank(KindInvalid, 0)
	j := jsonEvent{jsonScanner: s, e: e, unseenAt: -1}
	if err := s.expect('{'); err != nil {
		return err
	}
	expect := 0
	for first := true; ; first = false {
		if n := j.fast(expect); n > 0 {
			expect = n
			continue
		}
		key, more, err := s.member(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if expect, err = j.member(key, expect); err != nil {
			return err
		}
	}
	if err := j.check(); err != nil {
		return err
	}
	return s.finish()
}

// check says whether the object was a whole event.
func (j *jsonEvent) check() error {
	switch {
	case j.have&haveSeq == 0:
		return malformed("an event without seq")
	case j.have&haveTime == 0:
		return malformed("an event without time_ns")
	case j.have&haveKind == 0:
		return malformed("an event without kind")
	case j.e.Kind.InKeyFrame() && !j.keyFrame:
		j.at = j.kindAt
		return malformed("%v occurs in key-frames only: it has \"keyframe\":true", j.e.Kind)
	case !j.e.Kind.InKeyFrame() && j.keyFrame:
		j.at = j.kindAt
		return malformed("%v happened: it is in no key-frame", j.e.Kind)
	case j.unseenAt >= 0 && j.plan.saw(j.e):
		j.at = j.unseenAt
		return malformed("null, but %v says that it was seen", j.e.Kind)
	}
	return nil
}

// member reads the value behind key. It returns the index of the field to
// expect next.
func (j *jsonEvent) member(key []byte, expect int) (int, error) {
	switch string(key) {
	case "seq":
		return expect, j.once(haveSeq, key, func() (err error) { j.e.Seq, err = j.unsigned(); return err })
	case "time_ns":
		return expect, j.once(haveTime, key, func() (err error) { j.e.Time, err = j.unsigned(); return err })
	case "kind":
		return expect, j.once(haveKind, key, j.kind)
	case "keyframe":
		return expect, j.once(haveKeyFrame, key, func() (err error) { j.keyFrame, err = j.bool(); return err })
	case "comment":
		_, err := j.string()
		return expect, err
	}
	if j.plan == nil {
		if err := j.lookAhead(); err != nil {
			return 0, err
		}
	}
	i := specOf(j.e.Kind).find(key)
	if i < 0 {
		return expect, j.extra(key)
	}
	if j.keys.fields>>i&1 != 0 {
		return 0, malformed("%s twice", key)
	}
	j.keys.fields |= 1 << i
	f := &j.plan.fields[i]
	v, err := j.value(f)
	if err == nil {
		f.set(j.e, v)
	}
	return i + 1, err
}

// once reads a value that must not have been read before.
func (j *jsonEvent) once(bit uint8, key []byte, read func() error) error {
	if j.have&bit != 0 {
		return malformed("%s twice", key)
	}
	j.have |= bit
	return read()
}

func (j *jsonEvent) kind() error {
	name, err := j.string()
	if err != nil {
		return err
	}
	k := parseKind(name)
	if k == KindInvalid {
		return malformed("%q is no kind", name)
	}
	j.e.Kind, j.plan, j.kindAt = k, &plans[k], j.at
	return nil
}

// lookAhead finds the kind in the rest of an object whose fields come first.
func (j *jsonEvent) lookAhead() error {
	ahead := *j.jsonScanner
	ahead.text = nil // the key at hand may be in it
	for {
		if err := ahead.skip(); err != nil {
			j.at = ahead.at
			return err
		}
		key, more, err := ahead.member(false)
		switch {
		case err != nil:
			j.at = ahead.at
			return err
		case !more:
			return malformed("an event without kind")
		case string(key) == "kind":
			look := jsonEvent{jsonScanner: &ahead, e: j.e}
			err := look.kind()
			j.plan = look.plan
			if err != nil {
				j.at = ahead.at
			}
			return err
		}
	}
}

// extra reads the value of a key that is no field of the event's kind.
func (j *jsonEvent) extra(key []byte) error {
	slot := extraSlot(key)
	switch {
	case slot < 0:
		return malformed("%v has no %q", j.e.Kind, key)
	case j.keys.extras>>slot&1 != 0:
		return malformed("%s twice", key)
	}
	j.keys.extras |= 1 << slot
	name := extraNames[slot]
	v, err := uint64(0), error(nil)
	switch {
	case slot < NumWords:
		v, err = j.hex()
	case j.word("null"):
		return nil
	default:
		v, err = j.unsigned()
	}
	if err == nil && !j.e.setExtra(slot, v) {
		err = malformed("%d is no value of %s", v, name)
	}
	return err
}

// value reads a value of field f.
func (j *jsonEvent) value(f *planField) (v uint64, err error) {
	switch f.how {
	case showID, showRaw:
		if j.word("null") {
			if f.how == showRaw {
				j.unseenAt = j.at
			}
			return absent[f.slot], nil
		}
	}
	switch f.how {
	case showDec, showID:
		v, err = j.unsigned()
	case showHex, showRaw:
		v, err = j.hex()
	case showFlag:
		var set bool
		if set, err = j.bool(); set {
			v = 1
		}
	case showName:
		v, err = j.name(f)
	case showChars:
		v, err = j.chars()
	default:
		return j.signed(f)
	}
	if err == nil && v&^f.mask != 0 {
		err = malformed("%d is too large for %s", v, f.field.name)
	}
	return v, err
}

func (s *jsonScanner) unsigned() (uint64, error) {
	v, negative, err := s.number()
	if err == nil && negative {
		err = malformed("want a number that is not negative")
	}
	return v, err
}

// signed reads a number into the width of f.
func (s *jsonScanner) signed(f *planField) (uint64, error) {
	v, negative, err := s.number()
	limit := f.mask >> 1
	if negative {
		limit++
	}
	if err == nil && v > limit {
		return 0, malformed("a number that is too large for %s", f.field.name)
	}
	if negative {
		v = -v & f.mask
	}
	return v, err
}

func (s *jsonScanner) bool() (bool, error) {
	if s.word("true") {
		return true, nil
	}
	if s.word("false") {
		return false, nil
	}
	return false, malformed("want true or false")
}

// hex reads a string of hexadecimal digits behind 0x.
func (s *jsonScanner) hex() (uint64, error) {
	b, err := s.string()
	if err != nil {
		return 0, err
	}
	v, ok := parseNumber(b)
	if !ok || len(b) < 2 || b[1] != 'x' {
		return 0, malformed("%q is not 0x and up to 16 hexadecimal digits", b)
	}
	return v, nil
}

func (s *jsonScanner) name(f *planField) (uint64, error) {
	b, err := s.string()
	if err != nil {
		return 0, err
	}
	v, ok := parseEnum(f.field.typ, b)
	if !ok {
		return 0, malformed("%q is no value of %s", b, f.field.name)
	}
	return v, nil
}

// chars reads up to 8 bytes, each as the character of the same number.
func (s *jsonScanner) chars() (v uint64, err error) {
	b, err := s.string()
	if err != nil {
		return 0, err
	}
	shift := 0
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r > 0xff || shift == 64 {
			return 0, malformed("want up to 8 characters, each no higher than U+00FF")
		}
		v |= uint64(r) << shift
		shift += 8
		b = b[size:]
	}
	return v, nil
}

// skip passes over a value of those that events have.
func (s *jsonScanner) skip() error {
	switch c := s.peek(); {
	case c == '"':
		_, err := s.string()
		return err
	case s.word("null") || s.word("true") || s.word("false"):
		return nil
	}
	_, _, err := s.number()
	return err
}
