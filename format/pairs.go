package format

// A pairTable numbers the combinations of a section and the ids that shapes of
// it have, so that an event finds the last one of the section before with the
// same ids: an answer its request.
type pairTable struct {
	keys    [2 * maxShapes]uint64 // 0 for a free place
	numbers [2 * maxShapes]uint16
	count   uint16
}

// noPair is the number of a combination that no shape has.
const noPair = maxShapes

// reset forgets all combinations.
func (t *pairTable) reset() {
	clear(t.keys[:])
	t.count = 0
}

// add returns the number of a section, from 0, with some ids.
func (t *pairTable) add(section int, ids uint64) uint16 {
	at, key := t.find(section, ids)
	if t.keys[at] == 0 {
		t.keys[at], t.numbers[at] = key, t.count
		t.count++
	}
	return t.numbers[at]
}

// before returns the number of the section before with these ids, or noPair.
func (t *pairTable) before(section int, ids uint64) uint16 {
	if at, _ := t.find(section-1, ids); t.keys[at] != 0 {
		return t.numbers[at]
	}
	return noPair
}

// find returns where the combination is or belongs, and its key.
func (t *pairTable) find(section int, ids uint64) (at int, key uint64) {
	key = ids | uint64(section+1)<<(3*idBits)
	at = int(key * 0x9e3779b97f4a7c15 >> 55)
	for t.keys[at] != 0 && t.keys[at] != key {
		at = (at + 1) % len(t.keys)
	}
	return at, key
}
