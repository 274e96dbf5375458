package format

// BlockHead is how many bytes of a block ParseBlock looks at.
const BlockHead = blockHead

// ParseBlock describes a block, at offset 0, by its first BlockHead bytes. It is
// false for what has no events: the header of a file, its index, its trailer.
func ParseBlock(b []byte) (Block, bool) {
	if len(b) < blockHead {
		return Block{}, false
	}
	h, err := parseBlockHeader(b[:blockHead])
	if err != nil || !h.hasEvents() {
		return Block{}, false
	}
	return blockOf(0, &h), true
}

// An Adopter copies blocks of one trace into another without encoding them
// again.
type Adopter struct {
	w      *Writer
	reader *blockReader
	events []Event
}

// NewAdopter returns one that writes to w, which may have events already.
func NewAdopter(w *Writer) (*Adopter, error) {
	x, err := newBlockReader()
	if err != nil {
		return nil, err
	}
	return &Adopter{w: w, reader: x}, nil
}

// Add verifies a block that another Writer handed to its underlying writer, and
// writes it as it is, but for what its header counts before it. Its events must
// be such as may follow, as for Writer.Put; the trace may begin in the middle of
// the other one, with a key-frame or without. A block without events is left out.
func (a *Adopter) Add(block []byte) error {
	if len(block) < blockHead {
		return ErrTruncated
	}
	h, err := parseBlockHeader(block[:blockHead])
	switch {
	case err != nil:
		return err
	case h.size() != int64(len(block)):
		return malformed("a block of %d bytes in %d", h.size(), len(block))
	case !h.hasEvents():
		return nil
	case h.firstSeq < a.w.next:
		return ErrSequence
	}
	if err := a.reader.open(&h, block[blockHead:]); err != nil {
		return err
	}
	a.events = resize(a.events, int(h.count))
	if _, err := a.reader.read(a.events); err != nil {
		return err
	}
	return a.w.adopt(visit{h: &h, raw: block, events: a.events})
}
