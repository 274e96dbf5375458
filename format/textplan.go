package format

// A plan is how the events of one kind are written, worked out once from the
// specs table so that writing a line looks nothing up.
type plan struct {
	text   token // " kind "
	json   token // the same for JSON
	fields []planField
	runs   []run            // of the fields, in text
	seen   uint8            // the word of the kind's typeSeen flag, noSeen if it has none
	shift  uint8            // and where in it the flag is
	room   int              // bytes that no line exceeds, a token's slack included
	free   [numSlots]uint64 // bits that belong to no field
}

const noSeen = 255

// A planField is a field of a plan.
type planField struct {
	how, textHow uint8 // how values are written; in text, showOther for a key that is too long
	slot, shift  uint8
	mask         uint64
	text         key     // what stands in front of the value
	json         token   // the same for JSON
	names        []token // by number; of no length where there is none
	field        *field
}

// The ways to write a value, planField.how.
const (
	showOther uint8 = iota // as appendValue does
	showDec
	showInt
	showHex
	showRaw  // hex, left out if it was not seen
	showFlag // 1, left out if not set
	showID   // decimal, left out if absent
	showName // a name out of names
	showChars
)

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

// A key is a shorter token; the last byte is its size. Copying 16 bytes instead
// of 40 makes a line a fifth faster.
type key [keyRoom + 1]byte

const keyRoom = 15

// keyOf returns s as a key; one of no length if s is too long for it.
func keyOf(s string) (k key) {
	if len(s) <= keyRoom {
		k[keyRoom] = uint8(copy(k[:], s))
	}
	return k
}

// put writes k as token.put does.
func (k *key) put(d []byte, n int) int {
	*(*key)(d[n:]) = *k
	return n + int(k[keyRoom])
}

func (k *key) bytes() []byte { return k[:k[keyRoom]] }

var plans = buildPlans()

func buildPlans() (all [256]plan) {
	names := buildNameTokens()
	runs := uint16(0)
	for k := range all {
		all[k] = planOf(Kind(k), &names)
		runs = all[k].makeRuns(runs)
	}
	return all
}

func planOf(k Kind, names *[numFieldTypes][]token) plan {
	const number = tokenRoom // no number takes more
	p := plan{text: tokenOf(" " + k.String()), seen: noSeen, room: 8*number + numSlots*2*number}
	p.json = tokenOf(`,"kind":"` + k.String() + `"`)
	for slot := range p.free {
		p.free[slot] = ^uint64(0)
	}
	for i := range specs[k].fields {
		f := &specs[k].fields[i]
		c := f.column()
		p.fields = append(p.fields, planField{
			text: keyOf(" " + f.name + "="), json: tokenOf(`,"` + f.name + `":`),
			field: f, how: f.shown(), textHow: f.shown(), slot: c.slot, shift: c.shift, mask: c.mask(), names: names[f.typ],
		})
		if last := &p.fields[i]; last.text[keyRoom] == 0 {
			last.textHow = showOther
		}
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

func (f *field) shown() uint8 {
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

// value returns the value of the field in e; its id's, for showID.
func (f *planField) value(e *Event) uint64 {
	if f.how == showID {
		return f.id(e)
	}
	return e.W[f.slot%NumWords] >> (f.shift & 63) & f.mask
}

func (f *planField) id(e *Event) uint64 {
	switch f.slot {
	case slotDom:
		return uint64(e.Dom)
	case slotServer:
		return uint64(e.Server)
	}
	return uint64(e.VCPU)
}

// saw says whether the payload of e was captured: unless a flag denies it.
func (p *plan) saw(e *Event) bool {
	return p.seen == noSeen || e.W[p.seen%NumWords]>>(p.shift&63)&1 != 0
}

// holds says whether the fields of the kind hold all of e.
func (p *plan) holds(e *Event) bool {
	var rest uint64
	for i, w := range e.W {
		rest |= w & p.free[i]
	}
	rest |= (uint64(e.Dom) ^ absent[slotDom]) & p.free[slotDom]
	rest |= (uint64(e.Server) ^ absent[slotServer]) & p.free[slotServer]
	return rest|(uint64(e.VCPU)^absent[slotVCPU])&p.free[slotVCPU] == 0
}
