package format

import "strconv"

const hexDigits = "0123456789abcdef"

// appendValue appends v as the text form writes a value of field f.
func appendValue(b []byte, f *field, v uint64) []byte {
	switch f.typ {
	case typeInt:
		return strconv.AppendInt(b, f.signed(v), 10)
	case typeHex, typeRaw:
		return appendHex(b, v)
	case typeChars:
		return appendChars(b, v)
	}
	if enums[f.typ].name != nil {
		return appendEnum(b, f.typ, v)
	}
	return strconv.AppendUint(b, v, 10)
}

// parseValue is the inverse of appendValue. Numbers may also be written in the
// other base.
func parseValue(f *field, s []byte) (uint64, bool) {
	var v uint64
	var ok bool
	switch {
	case f.typ == typeChars:
		return parseChars(s)
	case f.typ == typeInt && len(s) > 0 && s[0] == '-':
		v, ok = parseNumber(s[1:])
		return -v & f.column().mask(), ok && v <= (f.column().mask()>>1)+1
	case enums[f.typ].name != nil:
		v, ok = parseEnum(f.typ, s)
	default:
		v, ok = parseNumber(s)
	}
	return v, ok && v&^f.column().mask() == 0
}

// signed extends the sign of v, a value of f.
func (f *field) signed(v uint64) int64 {
	unused := 64 - f.column().bits
	return int64(v<<unused) >> unused
}

func appendHex(b []byte, v uint64) []byte {
	return strconv.AppendUint(append(b, '0', 'x'), v, 16)
}

// appendChars writes the bytes of v from the lowest up, without the zero bytes
// at the end. What could be taken for syntax is written as \xNN.
func appendChars(b []byte, v uint64) []byte {
	for ; v != 0; v >>= 8 {
		c := byte(v)
		if plainChar(c) {
			b = append(b, c)
		} else {
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}

func plainChar(c byte) bool {
	return c > ' ' && c < 0x7f && c != '\\' && c != '"' && c != '#' && c != '='
}

func parseChars(s []byte) (v uint64, ok bool) {
	for shift := 0; len(s) > 0; shift += 8 {
		c := s[0]
		switch {
		case shift == 64:
			return 0, false
		case plainChar(c):
			s = s[1:]
		case c == '\\' && len(s) >= 4 && s[1] == 'x':
			x, err := strconv.ParseUint(string(s[2:4]), 16, 8)
			if err != nil {
				return 0, false
			}
			c, s = byte(x), s[4:]
		default:
			return 0, false
		}
		v |= uint64(c) << shift
	}
	return v, true
}

// parseNumber reads 0x and hexadecimal digits, or decimal digits.
func parseNumber(s []byte) (v uint64, ok bool) {
	if len(s) < 2 || s[0] != '0' || s[1] != 'x' {
		return parseDecimal(s)
	}
	s = s[2:]
	for _, c := range s {
		d := hexValue(c)
		if d > 15 || v>>60 != 0 {
			return 0, false
		}
		v = v<<4 | uint64(d)
	}
	return v, len(s) > 0
}

func hexValue(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func parseDecimal(s []byte) (v uint64, ok bool) {
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := uint64(c - '0')
		if v > (1<<64-1-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	return v, len(s) > 0
}

// FormatSeconds writes a time as the text form has it, in seconds with nine decimals.
func FormatSeconds(ns uint64) string {
	var room [32]byte
	return string(room[:putTime(room[:], 0, ns)])
}

// ParseSeconds reads a time as the text form has it, in seconds with up to nine
// decimals, and returns nanoseconds.
func ParseSeconds(s string) (ns uint64, ok bool) { return parseTime([]byte(s)) }

// parseTime is the inverse of putTime; it takes fewer decimals, or none.
func parseTime(s []byte) (ns uint64, ok bool) {
	whole, frac := s, []byte(nil)
	for i, c := range s {
		if c == '.' {
			whole, frac = s[:i], s[i+1:]
			if len(frac) == 0 || len(frac) > 9 {
				return 0, false
			}
			break
		}
	}
	sec, ok := parseDecimal(whole)
	if !ok || sec > (1<<64-1)/uint64(1e9) {
		return 0, false
	}
	if len(frac) > 0 {
		if ns, ok = parseDecimal(frac); !ok {
			return 0, false
		}
		for range 9 - len(frac) {
			ns *= 10
		}
	}
	total := sec*1e9 + ns
	return total, total >= ns
}
