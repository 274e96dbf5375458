package format

// Most of a line says what many others say: of a request, all but its id, address
// and data. A run is fields of a kind that stand together; a memo keeps the texts
// of runs whose fields are narrow, by their values.

// A run is fields [first, end) of a plan.
type run struct {
	first, end int
	number     uint16            // of a run that may be kept, from 1 in all plans
	ids        uint64            // bits of the ids that the fields take
	lanes      [memoWords]uint8  // words that they take
	masks      [memoWords]uint64 // and bits of them
}

const (
	memoWords = 3
	memoRoom  = 80
	memoSize  = 512
)

// A memo is texts of runs, each at the place that its hash says.
type memo [memoSize]struct {
	ids    uint64 // what the fields of the run have
	words  [memoWords]uint64
	number uint16 // of the run, 0 for a free place
	size   uint8
	text   [memoRoom]byte
}

// put writes the text of e's fields at d[n:] and returns where it ends.
func (m *memo) put(d []byte, n int, p *plan, r *run, e *Event) int {
	ids := e.ids() & r.ids
	a, b := e.W[r.lanes[0]%NumWords]&r.masks[0], e.W[r.lanes[1]%NumWords]&r.masks[1]
	c := e.W[r.lanes[2]%NumWords] & r.masks[2]
	hash := (ids+uint64(r.number)<<48)*0x9e3779b97f4a7c15 + a*0xc2b2ae3d27d4eb4f + b*0x165667b19e3779f9 + c*0xd6e8feb86659fd93
	x := &m[(hash^hash>>32)*0x9e3779b97f4a7c15>>55]
	if x.number == r.number && x.ids == ids && x.words[0] == a && x.words[1] == b && x.words[2] == c {
		*(*[memoRoom]byte)(d[n:]) = x.text
		return n + int(x.size)
	}
	end := p.putFields(d, n, r, e)
	if end-n <= memoRoom {
		x.number, x.ids, x.words = r.number, ids, [memoWords]uint64{a, b, c}
		x.size = uint8(copy(x.text[:], d[n:end]))
	}
	return end
}

// narrow says whether a field has few values, so that its text is worth keeping.
func (f *planField) narrow() bool {
	switch f.textHow {
	case showDec, showFlag, showID, showName:
		return f.mask>>32 == 0
	}
	return false
}

// add extends the run by field i, unless it takes too many words.
func (r *run) add(f *planField, i int) bool {
	n, shift := column{slot: f.slot, shift: f.shift}.lane()
	bits := f.mask << shift
	if n == laneIDs {
		r.ids |= bits
		r.end = i + 1
		return true
	}
	for w := range r.masks {
		if r.masks[w] == 0 || r.lanes[w] == n {
			r.lanes[w], r.end = n, i+1
			r.masks[w] |= bits
			return true
		}
	}
	return false
}

// makeRuns cuts the fields into runs; numbered is how many were numbered before.
func (p *plan) makeRuns(numbered uint16) uint16 {
	for i := range p.fields {
		f := &p.fields[i]
		if last := len(p.runs) - 1; last >= 0 && f.narrow() && p.runs[last].number > 0 && p.runs[last].add(f, i) {
			continue
		}
		r := run{first: i, end: i + 1}
		if f.narrow() {
			numbered++
			r.number = numbered
			r.add(f, i)
		}
		p.runs = append(p.runs, r)
	}
	return numbered
}
