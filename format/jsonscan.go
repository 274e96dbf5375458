package format

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A jsonScanner takes one line of JSON apart. It knows as much JSON as lines of
// a trace have: objects, strings, whole numbers, true, false and null.
type jsonScanner struct {
	line []byte
	pos  int    // of the rest
	at   int    // of what is at hand; where an error is reported
	cut  bool   // the line has no end
	text []byte // a string that had escapes
}

// errShort is a line that ends too early.
var errShort = malformed("the line ends before its object does")

// peek returns the next byte that is not a blank; 0 at the end of the line.
func (s *jsonScanner) peek() byte {
	for s.pos < len(s.line) && blankChar(s.line[s.pos]) {
		s.pos++
	}
	s.at = s.pos
	if s.pos == len(s.line) {
		return 0
	}
	return s.line[s.pos]
}

// expect takes the punctuation c.
func (s *jsonScanner) expect(c byte) error {
	switch got := s.peek(); {
	case got == c:
		s.pos++
		return nil
	case s.pos == len(s.line):
		return errShort
	default:
		return malformed("%q instead of %q", got, c)
	}
}

// member takes the key of an object's next member, and its colon. first says
// whether it can be the first one. more is false behind the last one, whose
// brace it takes.
func (s *jsonScanner) member(first bool) (key []byte, more bool, err error) {
	c := s.peek()
	switch {
	case c == '}':
		s.pos++
		return nil, false, nil
	case !first:
		if err := s.expect(','); err != nil {
			return nil, false, err
		}
		s.peek()
	}
	at := s.at
	if key, err = s.string(); err == nil {
		if err = s.expect(':'); err == nil {
			s.at = at
		}
	}
	return key, true, err
}

// string takes a string. What it returns is valid until the next one is taken.
func (s *jsonScanner) string() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	begin := s.pos
	for i := begin; i < len(s.line); i++ {
		switch c := s.line[i]; {
		case c == '"':
			s.pos = i + 1
			return s.line[begin:i], nil
		case c == '\\':
			return s.escaped(begin)
		case c < ' ':
			return nil, malformed("%q in a string", c)
		}
	}
	s.pos = len(s.line)
	return nil, errShort
}

// escaped takes the rest of a string that begins at begin and has escapes.
func (s *jsonScanner) escaped(begin int) ([]byte, error) {
	s.text = s.text[:0]
	for i := begin; i < len(s.line); {
		c := s.line[i]
		switch {
		case c == '"':
			s.pos = i + 1
			return s.text, nil
		case c < ' ':
			return nil, malformed("%q in a string", c)
		case c != '\\':
			s.text = append(s.text, c)
			i++
			continue
		}
		r, size := unescape(s.line[i:])
		if size == 0 {
			break
		}
		if r == utf8.RuneError {
			s.at = i
			return nil, malformed("no escape: %.6q", s.line[i:])
		}
		s.text = utf8.AppendRune(s.text, r)
		i += size
	}
	s.pos = len(s.line)
	return nil, errShort
}

// unescape reads an escape; utf8.RuneError stands for one that is none, size 0
// for one that is cut.
func unescape(b []byte) (r rune, size int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unescapeHex(b)
	}
	return utf8.RuneError, 2
}

// unescapeHex reads \uNNNN, or two of them that are one character.
func unescapeHex(b []byte) (r rune, size int) {
	if len(b) < 6 {
		return 0, 0
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return utf8.RuneError, 6
	}
	if r = rune(v); !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
		return utf8.RuneError, 6
	}
	v, err = strconv.ParseUint(string(b[8:12]), 16, 16)
	if err != nil {
		return utf8.RuneError, 12
	}
	return utf16.DecodeRune(r, rune(v)), 12
}

// number takes a whole number of up to 64 bits.
func (s *jsonScanner) number() (v uint64, negative bool, err error) {
	c := s.peek()
	i := s.pos
	if negative = c == '-'; negative {
		i++
	}
	begin := i
	for i < len(s.line) && s.line[i]-'0' <= 9 {
		i++
	}
	digits := s.line[begin:i]
	switch {
	case begin == len(s.line):
		return 0, false, errShort
	case len(digits) == 0 || len(digits) > 1 && digits[0] == '0':
		return 0, false, malformed("want a whole number")
	case i < len(s.line) && (s.line[i] == '.' || s.line[i] == 'e' || s.line[i] == 'E'):
		return 0, false, malformed("want a whole number with all its digits, without fraction or exponent")
	}
	s.pos = i
	v, ok := parseDecimal(digits)
	if !ok {
		return 0, false, malformed("a number of more than 64 bits")
	}
	return v, negative, nil
}

// word takes the literal w, if it is what comes next.
func (s *jsonScanner) word(w string) bool {
	s.peek()
	rest := s.line[s.pos:]
	if len(rest) < len(w) || string(rest[:len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

// finish refuses anything behind the object.
func (s *jsonScanner) finish() error {
	if c := s.peek(); s.pos < len(s.line) {
		return malformed("%q behind the object", c)
	}
	return nil
}
