package format

// fast reads the next member if it is a field from the one with index expect on
// and in the form in which it is written. It returns the index of the field
// behind it, 0 if what comes is anything else.
func (j *jsonEvent) fast(expect int) int {
	if j.plan == nil {
		return 0
	}
	rest := j.line[j.pos:]
	if expect >= len(j.plan.fields) {
		return 0
	}
	f := &j.plan.fields[expect]
	size := int(f.json.size)
	if size == 0 || len(rest) <= size || string(rest[:size]) != string(f.json.text[:size]) || j.keys.fields>>expect&1 != 0 {
		return 0
	}
	v, n := f.scanJSON(rest[size:])
	if n == 0 {
		return 0
	}
	j.keys.fields |= 1 << expect
	j.pos += size + n
	f.set(j.e, v)
	return expect + 1
}

// scanJSON reads a value in the form in which it is written. It returns how many
// bytes it takes, 0 if the form is another.
func (f *planField) scanJSON(s []byte) (v uint64, n int) {
	switch f.how {
	case showDec, showID:
		if v, n = scanDec(s); n > 1 && s[0] == '0' {
			return 0, 0
		}
	case showFlag:
		switch {
		case len(s) > 5 && string(s[:5]) == "false":
			n = 5
		case len(s) > 4 && string(s[:4]) == "true":
			v, n = 1, 4
		}
	case showHex, showRaw, showName:
		if len(s) == 0 || s[0] != '"' {
			return 0, 0
		}
		if f.how == showName {
			v, n = f.scanName(s[1:], '"')
		} else {
			v, n = scanHex(s[1:])
		}
		if n == 0 || n+2 >= len(s) || s[n+1] != '"' {
			return 0, 0
		}
		n += 2
	}
	if n == 0 || n >= len(s) || s[n] != ',' && s[n] != '}' || v&^f.mask != 0 {
		return 0, 0
	}
	return v, n
}
