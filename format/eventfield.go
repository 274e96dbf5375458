package format

// A Field is a named part of the events of one kind, as the text form prints
// it: what a program can ask about events without knowing their kinds. Fields
// of several kinds may share a name.
type Field struct {
	field *field
	kind  Kind
	col   column
	seen  column // a flag that says whether the field was captured; no bits if none
}

// Fields returns the fields of events of kind k, in the order of the text form;
// none for a kind without a name.
func Fields(k Kind) []Field {
	var seen column
	for i := range specs[k].fields {
		if f := &specs[k].fields[i]; f.typ == typeSeen {
			seen = f.column()
		}
	}
	all := make([]Field, len(specs[k].fields))
	for i := range all {
		f := &specs[k].fields[i]
		all[i] = Field{field: f, kind: k, col: f.column()}
		if f.typ == typeRaw {
			all[i].seen = seen
		}
	}
	return all
}

// Name returns the name that the text form prints.
func (f Field) Name() string { return f.field.name }

// Flag says whether the field is true or false, 1 or 0.
func (f Field) Flag() bool { return f.field.typ == typeBool || f.field.typ == typeSeen }

// Text says whether the field's values are up to eight bytes of text.
func (f Field) Text() bool { return f.field.typ == typeChars }

// Signed says whether the field's values are two's complement.
func (f Field) Signed() bool { return f.field.typ == typeInt }

// Names returns the names that its values can have, by number; nil for a field
// whose values are numbers.
func (f Field) Names() []string {
	var all []string
	for _, name := range enums[f.field.typ].names {
		all = append(all, name)
	}
	return all
}

// Value returns the field's value in e, 64 bits with the sign of a signed one. It
// is false where there is none: e is of another kind, the id is absent, or the
// bytes were not captured.
func (f Field) Value(e *Event) (uint64, bool) {
	if e.Kind != f.kind {
		return 0, false
	}
	v := f.col.get(e)
	switch {
	case f.col.slot >= NumWords:
		return v, v != absent[f.col.slot]
	case f.seen.bits > 0 && f.seen.get(e) == 0:
		return 0, false
	case f.Signed():
		return uint64(f.field.signed(v)), true
	}
	return v, true
}

// Parse reads a value as the text form has it: a number in either base, a name,
// or for a name of a process or a text up to eight bytes of it. The result is as
// of Value; it is false for what the field cannot hold.
func (f Field) Parse(s string) (uint64, bool) {
	v, ok := parseValue(f.field, []byte(s))
	if ok && f.Signed() {
		v = uint64(f.field.signed(v))
	}
	return v, ok
}
