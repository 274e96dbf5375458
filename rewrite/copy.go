package rewrite

import (
	"iter"

	"github.com/iotrace-xen/iotrace/format"
)

// A Sum stands for a sequence of events: equal ones have equal sums.
type Sum struct {
	Events    uint64 // those of key-frames not counted
	KeyFrames uint64
	hash      uint64
}

// Add counts one more event.
func (s *Sum) Add(e *format.Event) {
	switch {
	case e.Kind == format.KindKeyFrame:
		s.KeyFrames++
	case !e.Kind.InKeyFrame():
		s.Events++
	}
	h := s.hash
	for _, w := range [...]uint64{uint64(e.Kind), e.Seq, e.Time, uint64(e.Dom) | uint64(e.Server)<<16 | uint64(e.VCPU)<<32} {
		h = mix(h, w)
	}
	for _, w := range e.W {
		h = mix(h, w)
	}
	s.hash = h
}

func mix(h, w uint64) uint64 {
	h = (h ^ w) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// SumOf reads all events.
func SumOf(events iter.Seq2[format.Event, error]) (s Sum, err error) {
	for e, err := range events {
		if err != nil {
			return s, err
		}
		s.Add(&e)
	}
	return s, nil
}

// Copy writes the events and sums them up.
func Copy(w *format.Writer, events iter.Seq2[format.Event, error]) (s Sum, err error) {
	for e, err := range events {
		if err != nil {
			return s, err
		}
		if err := w.Put(e); err != nil {
			return s, err
		}
		s.Add(&e)
	}
	return s, nil
}
