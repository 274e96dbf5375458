package format

import (
	"slices"
	"strconv"
)

// AppendJSON appends e as one JSON object on one line, without the line's end.
// The keys are seq, time_ns, kind, keyframe (true, and only in events of
// key-frames) and then the fields of the kind, always all of them and in the
// order of the specs table; what is not known is null.
// Addresses, masks and payload are strings of hexadecimal digits behind 0x,
// enumerations their names, flags true or false; other numbers are exact
// integers of up to 64 bits, which some JSON readers round. Bits that belong to
// no field follow under the keys of the text form.
func AppendJSON(b []byte, e Event) []byte { return appendJSON(b, &e) }

func appendJSON(b []byte, e *Event) []byte {
	p := &plans[e.Kind]
	b = slices.Grow(b, p.room)
	d, n := b[:cap(b)], len(b)
	n = putDec(d, jsonSeq.put(d, n), e.Seq)
	n = putDec(d, jsonTime.put(d, n), e.Time)
	n = p.json.put(d, n)
	if e.Kind.InKeyFrame() {
		n = jsonKeyFrame.put(d, n)
	}
	seen := p.saw(e)
	for i := range p.fields {
		f := &p.fields[i]
		n = f.putJSON(d, f.json.put(d, n), f.value(e), seen)
	}
	b = d[:n]
	if !p.holds(e) {
		b = appendJSONExtras(b, e)
	}
	return append(b, '}')
}

var (
	jsonSeq      = tokenOf(`{"seq":`)
	jsonTime     = tokenOf(`,"time_ns":`)
	jsonKeyFrame = tokenOf(`,"keyframe":true`)
	jsonNull     = tokenOf(`null`)
	jsonTrue     = tokenOf(`true`)
	jsonFalse    = tokenOf(`false`)
)

// putJSON writes value v of the field.
func (f *planField) putJSON(d []byte, n int, v uint64, seen bool) int {
	switch f.how {
	case showDec:
		return putDec(d, n, v)
	case showID:
		if v == absent[f.slot] {
			return jsonNull.put(d, n)
		}
		return putDec(d, n, v)
	case showRaw, showHex:
		if v == 0 && !seen && f.how == showRaw {
			return jsonNull.put(d, n)
		}
		d[n] = '"'
		n = putHex(d, n+1, v)
		d[n] = '"'
		return n + 1
	case showFlag:
		if v == 0 {
			return jsonFalse.put(d, n)
		}
		return jsonTrue.put(d, n)
	case showName:
		d[n] = '"'
		n = f.putName(d, n+1, v)
		d[n] = '"'
		return n + 1
	case showChars:
		return len(appendJSONChars(d[:n], v))
	}
	return len(appendValue(d[:n], f.field, v))
}

// appendJSONExtras appends what no field of e's kind holds.
func appendJSONExtras(b []byte, e *Event) []byte {
	for slot := range uint8(numSlots) {
		v, ok := e.extra(slot)
		if !ok {
			continue
		}
		b = append(append(b, ',', '"'), extraNames[slot]...)
		b = append(b, '"', ':')
		if slot < NumWords {
			b = append(appendHex(append(b, '"'), v), '"')
		} else {
			b = strconv.AppendUint(b, v, 10)
		}
	}
	return b
}

// appendJSONChars writes the bytes of a name; those that are not printable
// ASCII as the code point of the same number, so that no two names are equal.
func appendJSONChars(b []byte, v uint64) []byte {
	b = append(b, '"')
	for ; v != 0; v >>= 8 {
		c := byte(v)
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			b = append(b, c)
		} else {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(b, '"')
}
