package format

import "strconv"

// AppendJSON appends e as one JSON object on one line, without the line's end.
// The keys are seq, time_ns, kind and then the fields of the kind, always all
// of them and in the order of the specs table; what is not known is null.
// Addresses, masks and payload are strings of hexadecimal digits behind 0x,
// enumerations their names, flags true or false; other numbers are exact
// integers of up to 64 bits, which some JSON readers round. Bits that belong to
// no field follow under the keys of the text form.
func AppendJSON(b []byte, e Event) []byte {
	b = strconv.AppendUint(append(b, `{"seq":`...), e.Seq, 10)
	b = strconv.AppendUint(append(b, `,"time_ns":`...), e.Time, 10)
	b = append(append(b, `,"kind":"`...), e.Kind.String()...)
	b = append(b, '"')
	s := specOf(e.Kind)
	seen := s.seen(&e)
	for i := range s.fields {
		f := &s.fields[i]
		v := f.column().get(&e)
		b = appendKey(b, f.name)
		if f.typ == typeBool || f.typ == typeSeen {
			b = strconv.AppendBool(b, v != 0)
		} else if f.omit(v, seen) {
			b = append(b, "null"...)
		} else {
			b = appendJSONValue(b, f, v)
		}
	}
	for slot := range uint8(numSlots) {
		if v, ok := e.extra(slot); ok {
			b = appendJSONValue(appendKey(b, extraNames[slot]), extraField(slot), v)
		}
	}
	return append(b, '}')
}

func appendKey(b []byte, key string) []byte {
	b = append(append(b, ',', '"'), key...)
	return append(b, '"', ':')
}

// extraField describes a slot that is written beyond a kind's fields.
func extraField(slot uint8) *field {
	if slot < NumWords {
		return &field{typ: typeHex, word: slot, bits: 64}
	}
	return &field{typ: typeDec, word: slot, bits: idBits}
}

// appendJSONValue writes v as number or string.
func appendJSONValue(b []byte, f *field, v uint64) []byte {
	switch f.typ {
	case typeHex, typeRaw:
		return append(appendHex(append(b, '"'), v), '"')
	case typeChars:
		return appendJSONChars(b, v)
	}
	if enums[f.typ].name != nil {
		return append(appendValue(append(b, '"'), f, v), '"')
	}
	return appendValue(b, f, v)
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
