package format

// scan reads a value of the field, in the form in which it is written, from the
// begin of s up to a blank or the end. It returns how many bytes it takes, 0 if
// the form is another.
func (f *planField) scan(s []byte) (v uint64, n int) {
	switch f.how {
	case showDec, showID, showFlag, showInt:
		v, n = scanDec(s)
		if f.how == showInt && v > f.mask>>1 {
			return 0, 0
		}
	case showHex, showRaw:
		v, n = scanHex(s)
	case showName:
		v, n = f.scanName(s, ' ')
	}
	if n == 0 || n < len(s) && s[n] != ' ' || v&^f.mask != 0 {
		return 0, 0
	}
	return v, n
}

// scanDec reads up to 19 decimal digits.
func scanDec(s []byte) (v uint64, n int) {
	for n < len(s) {
		d := s[n] - '0'
		if d > 9 {
			break
		}
		v = v*10 + uint64(d)
		n++
	}
	if n > 19 {
		return 0, 0
	}
	return v, n
}

// scanHex reads 0x and up to 16 lower-case digits.
func scanHex(s []byte) (v uint64, n int) {
	if len(s) < 3 || s[0] != '0' || s[1] != 'x' {
		return 0, 0
	}
	n = 2
	for n < len(s) {
		d := lowerHex[s[n]]
		if d > 15 {
			break
		}
		v = v<<4 | uint64(d)
		n++
	}
	if n > 18 || n == 2 {
		return 0, 0
	}
	return v, n
}

// lowerHex are the values of the digits, 255 for what is none.
var lowerHex = buildLowerHex()

func buildLowerHex() (all [256]byte) {
	for c := range all {
		all[c] = 255
	}
	for v, c := range []byte(hexDigits) {
		all[c] = byte(v)
	}
	return all
}

// scanName reads a name of the field's enumeration up to the byte end.
func (f *planField) scanName(s []byte, end byte) (v uint64, n int) {
	for n < len(s) && s[n] != end {
		n++
	}
	if len(f.names) > 0 && len(f.names) <= 12 {
		for v := range f.names {
			if name := &f.names[v]; int(name.size) == n && n > 0 && string(name.text[:n]) == string(s[:n]) {
				return uint64(v), n
			}
		}
		return 0, 0
	}
	v, ok := enumValues[f.field.typ][string(s[:n])]
	if !ok {
		return 0, 0
	}
	return v, n
}
