package format

import "slices"

// textMagic opens a text trace; the number is the version of the text form.
const (
	textMagic   = "iotrace-text"
	textVersion = "1"
)

// extraNames are the keys of bits that no field of a kind has, and of ids that
// its specs do not list: nothing in an event is ever left out of the text.
var extraNames = [numSlots]string{
	"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7",
	slotDom: "dom", slotServer: "server", slotVCPU: "vcpu",
}

// extraFields are these keys as fields.
var extraFields = buildExtraFields()

func buildExtraFields() (all [numSlots]field) {
	for slot, name := range extraNames {
		all[slot] = field{name: name, typ: typeHex, word: uint8(slot), bits: 64}
	}
	all[slotDom].typ, all[slotServer].typ, all[slotVCPU].typ = typeDom, typeServer, typeVCPU
	return all
}

// specOf returns the row of kind k, an empty one if the table does not know it.
func specOf(k Kind) *spec { return &specs[k] }

// AppendText appends e as one line without its end: sequence number, seconds,
// kind, and a key=value for each field in the order of the specs table. An
// event of a key-frame has = in front of its number.
//
// Left out are ids that are not known (dom, server, vcpu), flags that are not
// set, and payload words that the kind's flag says were not seen, if they are
// zero. What is left out reads back as what it was.
func AppendText(b []byte, e Event) []byte { return appendText(b, &e, nil) }

// appendText is AppendText; what a line has in common with others comes from the
// memo, if there is one.
func appendText(b []byte, e *Event, m *memo) []byte {
	p := &plans[e.Kind]
	b = slices.Grow(b, p.room)
	d, n := b[:cap(b)], len(b)
	if e.Kind.InKeyFrame() {
		d[n] = '='
		n++
	}
	n = putDec(d, n, e.Seq)
	d[n] = ' '
	n = putTime(d, n+1, e.Time)
	n = p.text.put(d, n)
	for i := range p.runs {
		if r := &p.runs[i]; m != nil && r.number > 0 {
			n = m.put(d, n, p, r, e)
		} else {
			n = p.putFields(d, n, r, e)
		}
	}
	if p.holds(e) {
		return d[:n]
	}
	return appendExtras(d[:n], e)
}

// putFields writes the fields of a run.
func (p *plan) putFields(d []byte, n int, r *run, e *Event) int {
	seen := p.saw(e)
	for i := r.first; i < r.end; i++ {
		f := &p.fields[i]
		v := f.value(e)
		switch f.textHow {
		case showDec:
			n = putDec(d, f.text.put(d, n), v)
		case showHex:
			n = putHex(d, f.text.put(d, n), v)
		case showRaw:
			if seen || v != 0 {
				n = putHex(d, f.text.put(d, n), v)
			}
		case showFlag:
			if v != 0 {
				n = putDigit(d, f.text.put(d, n), v)
			}
		case showID:
			if v != absent[f.slot] {
				n = putDec(d, f.text.put(d, n), v)
			}
		case showName:
			n = f.putName(d, f.text.put(d, n), v)
		default:
			if !f.field.omit(v, seen) {
				n = len(appendValue(f.appendKey(d[:n]), f.field, v))
			}
		}
	}
	return n
}

// putName writes the name that the field's enumeration has for v.
func (f *planField) putName(d []byte, n int, v uint64) int {
	if v < uint64(len(f.names)) && f.names[v].size > 0 {
		return f.names[v].put(d, n)
	}
	return len(appendValue(d[:n], f.field, v))
}

// appendKey appends what stands in front of the value.
func (f *planField) appendKey(b []byte) []byte {
	return append(append(append(b, ' '), f.field.name...), '=')
}

// omit says whether the text form leaves out value v.
func (f *field) omit(v uint64, seen bool) bool {
	switch f.typ {
	case typeDom, typeServer, typeVCPU:
		return v == absent[f.column().slot]
	case typeBool, typeSeen:
		return v == 0
	case typeRaw:
		return v == 0 && !seen
	}
	return false
}

func appendExtras(b []byte, e *Event) []byte {
	for slot := range uint8(numSlots) {
		v, ok := e.extra(slot)
		if !ok {
			continue
		}
		b = append(b, ' ')
		b = append(b, extraNames[slot]...)
		b = append(b, '=')
		b = appendValue(b, &extraFields[slot], v)
	}
	return b
}

// extra returns what e has in a slot beyond its kind's fields, and whether that
// is anything.
func (e *Event) extra(slot uint8) (v uint64, ok bool) {
	v = column{slot: slot, bits: 64}.get(e)
	free := plans[e.Kind].free[slot]
	return v & free, (v^absent[slot])&free != 0
}
