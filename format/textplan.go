package format

// A plan is how the events of one kind are written, worked out once from the
// specs table so that writing a line looks nothing up.
type plan struct {
	text   token // " kind "
	json   token // the same for JSON
	fields []planField
	seen   uint8            // the slot of the kind's typeSeen flag, slotOne if it has none
	shift  uint8            // and where in it the flag is
	free   [numSlots]uint64 // bits that belong to no field
	room   int              // bytes that no line exceeds, a token's slack included
}

// A planField is a field of a plan.
type planField struct {
	text, json token // the key, with all that surrounds it
	field      *field
	how        howShown
	slot       uint8
	shift      uint8
	mask       uint64
	absent     uint64
	names      []token // by number; of no length where there is none
}

// howShown is a way to write a value.
type howShown uint8

const (
	showOther howShown = iota // as appendValue does
	showDec
	showInt
	showHex
	showRaw  // hex, left out if it was not seen
	showFlag // 1, left out if not set
	showID   // decimal, left out if absent
	showName // a name out of names
	showChars
)

// slotOne is a slot that always holds 1.
const slotOne = 15

// slots is an event as plans see it: its words, its ids, and a 1.
type slots [slotOne + 1]uint64

func slotsOf(e *Event) (s slots) {
	copy(s[:], e.W[:])
	s[slotDom], s[slotServer], s[slotVCPU] = uint64(e.Dom), uint64(e.Server), uint64(e.VCPU)
	s[slotOne] = 1
	return s
}

// A token is a short text that is copied in one piece whatever its length.
type token struct {
	text [tokenRoom]byte
	size uint8
}

const tokenRoom = 40

// tokenOf returns s as a token; one of no length if s is too long for it.
func tokenOf(s string) (t token) {
	if len(s) <= tokenRoom {
		t.size = uint8(copy(t.text[:], s))
	}
	return t
}

// put writes t at d[n:], which has tokenRoom bytes at least, and returns where
// it ends.
func (t *token) put(d []byte, n int) int {
	*(*[tokenRoom]byte)(d[n:]) = t.text
	return n + int(t.size)
}

var plans = buildPlans()

func buildPlans() (all [256]plan) {
	names := buildNameTokens()
	for k := range all {
		all[k] = planOf(Kind(k), &names)
	}
	return all
}

func planOf(k Kind, names *[numFieldTypes][]token) plan {
	const number = tokenRoom // no number takes more
	p := plan{text: tokenOf(" " + k.String()), seen: slotOne, room: 8*number + numSlots*2*number}
	p.json = tokenOf(`,"kind":"` + k.String() + `"`)
	for slot := range p.free {
		p.free[slot] = ^uint64(0)
	}
	for i := range specs[k].fields {
		f := &specs[k].fields[i]
		c := f.column()
		p.fields = append(p.fields, planField{
			text: tokenOf(" " + f.name + "="), json: tokenOf(`,"` + f.name + `":`),
			field: f, how: f.shown(), slot: c.slot, shift: c.shift, mask: c.mask(), absent: absent[c.slot], names: names[f.typ],
		})
		p.room += 3 * tokenRoom
		p.free[c.slot] &^= c.mask() << c.shift
		if c.slot >= NumWords {
			p.free[c.slot] = 0
		}
		if f.typ == typeSeen {
			p.seen, p.shift = c.slot, c.shift
		}
	}
	return p
}

func (f *field) shown() howShown {
	switch f.typ {
	case typeDec:
		return showDec
	case typeInt:
		if f.bits == 64 {
			return showInt
		}
	case typeHex:
		return showHex
	case typeRaw:
		return showRaw
	case typeBool, typeSeen:
		return showFlag
	case typeDom, typeServer, typeVCPU:
		return showID
	case typeChars:
		return showChars
	default:
		return showName
	}
	return showOther
}

// saw says whether the payload of the event in s was captured.
func (p *plan) saw(s *slots) bool { return s[p.seen&slotOne]>>(p.shift&63)&1 != 0 }

// rest returns what of s no field of the kind holds; not 0 if there is any.
func (p *plan) rest(s *slots) (rest uint64) {
	for i := range p.free {
		rest |= (s[i] ^ absent[i]) & p.free[i]
	}
	return rest
}
