package record

// A merger puts the records of several CPUs into one order. Those of one CPU keep
// theirs; of several CPUs the oldest goes first. It holds back what is newer than
// the last release, because another CPU may still send something older; what
// comes later than that goes out late, but goes out.
type merger struct {
	queues []*queue // by CPU
	limit  uint64   // time up to which records may go
	all    bool     // nothing will come any more
}

// A queue has the bytes of one CPU's records, back to back.
type queue struct {
	bytes []byte
	begin int     // of the next record
	head  rawHead // the next record's, if there is one
}

func newMerger() *merger { return &merger{} }

// add takes a sample, which is a batch of records.
func (m *merger) add(cpu int, batch []byte) {
	for len(m.queues) <= cpu {
		m.queues = append(m.queues, &queue{})
	}
	q := m.queues[cpu]
	if q.begin > 0 && q.begin*2 > len(q.bytes) {
		q.bytes = q.bytes[:copy(q.bytes, q.bytes[q.begin:])]
		q.begin = 0
	}
	wasEmpty := q.empty()
	for len(batch) >= rawHeadSize { // less is the kernel's padding
		batch = batch[q.append(batch):]
	}
	if wasEmpty && !q.empty() {
		q.look()
	}
}

// append takes the record at the start of b and returns its size. Of one that
// makes no sense it takes what would be the head, without a kind.
func (q *queue) append(b []byte) (size int) {
	if h, ok := parseHead(b); ok {
		q.bytes = append(q.bytes, b[:rawSizes[h.Kind]]...)
		return rawSizes[h.Kind]
	}
	q.bytes = append(q.bytes, b[:rawHeadSize]...)
	q.bytes[len(q.bytes)-rawHeadSize+rawKindAt] = 0
	return rawHeadSize
}

func (q *queue) empty() bool { return q.begin == len(q.bytes) }

func (q *queue) look() { q.head, _ = parseHead(q.bytes[q.begin:]) }

// take removes the next record.
func (q *queue) take() []byte {
	n := rawHeadSize
	if q.head.Kind > 0 && q.head.Kind < numRawKinds {
		n = rawSizes[q.head.Kind]
	}
	b := q.bytes[q.begin : q.begin+n]
	if q.begin += n; !q.empty() {
		q.look()
	}
	return b
}

// release lets records up to time t go.
func (m *merger) release(t uint64) { m.limit = max(m.limit, t) }

func (m *merger) empty() bool {
	for _, q := range m.queues {
		if !q.empty() {
			return false
		}
	}
	return true
}

// next returns the next record, valid until the next add, or nil if none may go.
func (m *merger) next() []byte {
	var first *queue
	for _, q := range m.queues {
		if !q.empty() && (first == nil || before(q.head, first.head)) {
			first = q
		}
	}
	if first == nil || !m.all && first.head.Time > m.limit {
		return nil
	}
	return first.take()
}

// before orders two records of different CPUs. The clock may give the same time
// to a request and to its answer on another CPU.
func before(a, b rawHead) bool {
	if a.Time != b.Time {
		return a.Time < b.Time
	}
	return !a.Kind.answers() && b.Kind.answers()
}
