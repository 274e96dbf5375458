package flight

import (
	"time"

	"github.com/iotrace-xen/iotrace/format"
)

// A Ring holds the newest segments of a trace, as blocks in memory. It is what a
// format.Writer writes to: each Write is a whole block. What does not belong to a
// segment (the file's header, its indices, what stands before the first key-frame)
// is left out.
//
// Its memory is made of chunks that are used again. It takes Limits.Bytes at the
// most, and while a Snapshot is in use as much again for what the snapshot holds
// and the ring has dropped.
type Ring struct {
	limits   Limits
	chunk    int // size of one
	budget   int // how many there may be
	chunks   int // how many are in segments
	free     [][]byte
	segments []*segment // oldest first; the last one is being written
	held     int        // snapshots that are in use
}

// A segment is a key-frame with the blocks behind it.
type segment struct {
	chunks [][]byte // all full but the last
	size   int      // bytes
	blocks []int32  // sizes
	frame  int      // bytes of the key-frame

	events      uint64
	first, last uint64 // times of events outside the key-frame, once there are any
	firstSeq    uint64
}

// Segments are so much smaller than the ring, as long as key-frames are: what is
// lost when the oldest goes.
const fraction = 16

// NewRing returns an empty ring.
func NewRing(l Limits) *Ring {
	r := &Ring{limits: l, chunk: int(min(max(l.Bytes/256, 4<<10), 64<<10))}
	r.budget = int(l.Bytes) / r.chunk
	return r
}

// Write takes a block. It never fails.
func (r *Ring) Write(block []byte) (int, error) {
	b, ok := format.ParseBlock(block)
	if !ok {
		return len(block), nil
	}
	if b.Opens {
		r.segments = append(r.segments, &segment{})
	}
	if len(r.segments) == 0 {
		return len(block), nil
	}
	if r.makeRoom(len(block)) {
		s := r.segments[len(r.segments)-1]
		r.add(s, block)
		s.note(&b)
		r.expire(s.last)
	}
	return len(block), nil
}

// makeRoom drops segments until so many bytes fit; the one at hand, too, if it
// alone is larger than the ring. It is false then.
func (r *Ring) makeRoom(n int) bool {
	for len(r.segments) > 0 {
		s := r.segments[len(r.segments)-1]
		need := (s.size+n+r.chunk-1)/r.chunk - len(s.chunks)
		if r.chunks+need <= r.budget {
			return true
		}
		r.drop()
	}
	return false
}

// add appends a block to the segment's chunks.
func (r *Ring) add(s *segment, block []byte) {
	s.size += len(block)
	s.blocks = append(s.blocks, int32(len(block)))
	for len(block) > 0 {
		last := len(s.chunks) - 1
		if last < 0 || len(s.chunks[last]) == r.chunk {
			s.chunks = append(s.chunks, r.take())
			last++
		}
		c := s.chunks[last]
		n := min(len(block), r.chunk-len(c))
		s.chunks[last] = append(c, block[:n]...)
		block = block[n:]
	}
}

// take returns an empty chunk.
func (r *Ring) take() []byte {
	r.chunks++
	if n := len(r.free); n > 0 {
		c := r.free[n-1]
		r.free = r.free[:n-1]
		return c[:0]
	}
	return make([]byte, 0, r.chunk)
}

func (s *segment) note(b *format.Block) {
	if b.KeyFrame {
		s.frame += int(b.Size)
		return
	}
	if s.events == 0 {
		s.first, s.firstSeq = b.FirstTime, b.FirstSeq
	}
	s.events += uint64(b.Events)
	s.last = max(s.last, b.LastTime)
}

// expire drops the segments that the span does not need: what follows the oldest
// reaches back far enough.
func (r *Ring) expire(now uint64) {
	span := uint64(r.limits.Span)
	for span > 0 && len(r.segments) > 1 && r.segments[1].events > 0 && now > span && r.segments[1].first < now-span {
		r.drop()
	}
}

// drop removes the oldest segment. Its chunks are used again, unless a snapshot
// may still read them.
func (r *Ring) drop() {
	s := r.segments[0]
	r.segments[0] = nil
	r.segments = r.segments[1:]
	r.chunks -= len(s.chunks)
	if r.held == 0 {
		r.free = append(r.free, s.chunks...)
	}
}

// WantsKeyFrame says whether a key-frame should stand in front of an event of that
// time: the segment at hand has grown to its share of the ring, or there is none.
func (r *Ring) WantsKeyFrame(now uint64) bool {
	if len(r.segments) == 0 {
		return true
	}
	s := r.segments[len(r.segments)-1]
	share := min(max(int(r.limits.Bytes)/fraction, 2*s.frame), int(r.limits.Bytes)/4)
	span := uint64(r.limits.Span) / fraction
	return s.size >= share || span > 0 && s.events > 0 && now > s.first && now-s.first >= span
}

// State says what a ring or a snapshot holds.
type State struct {
	Events      uint64
	Bytes       uint64 // of blocks
	Segments    int
	FirstSeq    uint64        // of the events
	First, Last uint64        // their times
	Span        time.Duration // between them
}

// State returns what is in memory, without events that are in no block yet.
func (r *Ring) State() State { return stateOf(r.segments) }

func stateOf(segments []*segment) State {
	st := State{Segments: len(segments)}
	for _, s := range segments {
		if s.events > 0 && st.Events == 0 {
			st.First, st.FirstSeq = s.first, s.firstSeq
		}
		st.Events += s.events
		st.Bytes += uint64(s.size)
		st.Last = max(st.Last, s.last)
	}
	if st.Last > st.First {
		st.Span = time.Duration(st.Last - st.First)
	}
	return st
}
