package format

import "strconv"

// textMagic opens a text trace; the number is the version of the text form.
const (
	textMagic   = "iotrace-text"
	textVersion = "0"
)

// extraNames are the keys of bits that no field of a kind has, and of ids that
// its specs do not list: nothing in an event is ever left out of the text.
var extraNames = [numSlots]string{
	"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7",
	slotDom: "dom", slotServer: "server", slotVCPU: "vcpu",
}

// specOf returns the row of kind k, an empty one if the table does not know it.
func specOf(k Kind) *spec { return &specs[k] }

// AppendText appends e as one line without its end: sequence number, seconds,
// kind, and a key=value for each field in the order of the specs table.
//
// Left out are ids that are not known (dom, server, vcpu), flags that are not
// set, and payload words that the kind's flag says were not seen, if they are
// zero. What is left out reads back as what it was.
func AppendText(b []byte, e Event) []byte {
	b = strconv.AppendUint(b, e.Seq, 10)
	b = append(b, ' ')
	b = appendTime(b, e.Time)
	b = append(b, ' ')
	b = append(b, e.Kind.String()...)
	s := specOf(e.Kind)
	seen := s.seen(&e)
	for i := range s.fields {
		f := &s.fields[i]
		v := f.column().get(&e)
		if f.omit(v, seen) {
			continue
		}
		b = append(b, ' ')
		b = append(b, f.name...)
		b = append(b, '=')
		b = appendValue(b, f, v)
	}
	return appendExtras(b, &e)
}

// seen says whether e's payload words were captured: unless a flag denies it.
func (s *spec) seen(e *Event) bool {
	for i := range s.fields {
		if f := &s.fields[i]; f.typ == typeSeen {
			return f.column().get(e) != 0
		}
	}
	return true
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
	cs := columnsOf(e.Kind)
	if cs != nil && cs.fits(e) {
		return b
	}
	for slot := range uint8(numSlots) {
		v, ok := e.extra(slot)
		if !ok {
			continue
		}
		b = append(b, ' ')
		b = append(b, extraNames[slot]...)
		b = append(b, '=')
		if slot < NumWords {
			b = appendHex(b, v)
		} else {
			b = strconv.AppendUint(b, v, 10)
		}
	}
	return b
}

// extra returns what e has in a slot beyond its kind's fields, and whether that
// is anything.
func (e *Event) extra(slot uint8) (v uint64, ok bool) {
	if slot < NumWords {
		v = e.rest(int(slot))
		return v, v != 0
	}
	if cs := columnsOf(e.Kind); cs != nil && cs.has[slot] {
		return 0, false
	}
	v = column{slot: slot, bits: idBits}.get(e)
	return v, v != absent[slot]
}
