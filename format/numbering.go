package format

// A numbering numbers different values of some events.
type numbering struct {
	of     [sampleEvents]uint8  // of each event's value, from 0 in the order of their first
	values int                  // how many there are
	seen   [sampleEvents]uint64 // the values
	table  [1 << numberingBits]uint8
}

// numberingBits are those of the table's size: numbers by hashes of their values,
// plus one.
const numberingBits = 8

func (s *numbering) reset() {
	s.values, s.of = 0, [sampleEvents]uint8{}
	clear(s.table[:])
}

// add numbers the value v of the event at a place.
func (s *numbering) add(at int, v uint64) {
	place := v * 0x9e3779b97f4a7c15 >> (64 - numberingBits)
	for s.table[place] != 0 && s.seen[s.table[place]-1] != v {
		place = (place + 1) % uint64(len(s.table))
	}
	if s.table[place] == 0 {
		s.seen[s.values] = v
		s.values++
		s.table[place] = uint8(s.values)
	}
	s.of[at] = s.table[place] - 1
}
