package flight

import (
	"io"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
)

// A Snapshot is what a Ring held at one moment.
type Snapshot struct {
	segments []*segment
}

// Snapshot returns what the ring holds; flush the writer before. Release must be
// called once it is used no more. ErrEmpty says that there is nothing.
func (r *Ring) Snapshot() (*Snapshot, error) {
	s := &Snapshot{}
	for _, x := range r.segments {
		c := *x
		c.chunks, c.blocks = slices.Clone(x.chunks), x.blocks[:len(x.blocks):len(x.blocks)]
		s.segments = append(s.segments, &c)
	}
	if s.State().Events == 0 {
		return nil, ErrEmpty
	}
	r.held++
	return s, nil
}

// Release says that a snapshot of r is used no more.
func (r *Ring) Release() { r.held-- }

// State says what the snapshot holds.
func (s *Snapshot) State() State { return stateOf(s.segments) }

// WriteTrace writes it as a whole trace with that header. It may run while the
// ring goes on.
func (s *Snapshot) WriteTrace(w io.Writer, h format.Header) error {
	out, err := format.NewWriter(w, h, format.WriterOptions{})
	if err != nil {
		return err
	}
	to, err := format.NewAdopter(out)
	if err != nil {
		return err
	}
	for _, x := range s.segments {
		if err := x.each(to.Add); err != nil {
			return err
		}
	}
	return out.Close()
}

// each calls f for each block. The bytes are valid during the call.
func (s *segment) each(f func(block []byte) error) error {
	var buf []byte
	chunks, at := s.chunks, 0
	for _, size := range s.blocks {
		buf = buf[:0]
		for rest := int(size); rest > 0; {
			if at == len(chunks[0]) {
				chunks, at = chunks[1:], 0
			}
			n := min(rest, len(chunks[0])-at)
			buf = append(buf, chunks[0][at:at+n]...)
			at, rest = at+n, rest-n
		}
		if err := f(buf); err != nil {
			return err
		}
	}
	return nil
}
