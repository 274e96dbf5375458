package analyze

import "iter"

// maxInFlight is how many things an InFlight holds. A dom0 has as many calls in
// flight as threads and as many requests as vCPUs; where there are more, the ends
// of most were lost.
const maxInFlight = 4096

// An InFlight holds what has begun and not ended: calls without their return,
// requests without their answer. Ids are unique, as those of events are. It takes
// bounded memory and, once that has grown to what the trace needs, allocates
// nothing. The zero value is empty.
type InFlight[T any] struct {
	at    map[uint64]int32 // places in items
	items []flying[T]
	free  int32 // a list of unused items, by next
	first int32 // the oldest
	last  int32
}

// flying is one thing in flight. Places in items are counted from 1; 0 is none.
type flying[T any] struct {
	id         uint64
	x          T
	prev, next int32
}

// Begin takes note that x has begun. If there is no room the oldest is forgotten,
// and so is one that had the same id.
func (f *InFlight[T]) Begin(id uint64, x T) {
	if f.at == nil {
		f.at = make(map[uint64]int32)
	}
	if i, ok := f.at[id]; ok {
		f.remove(i)
	}
	if len(f.at) == maxInFlight {
		f.remove(f.first)
	}
	i := f.free
	if i == 0 {
		f.items = append(f.items, flying[T]{})
		i = int32(len(f.items))
	} else {
		f.free = f.items[i-1].next
	}
	f.items[i-1] = flying[T]{id: id, x: x, prev: f.last}
	if f.last == 0 {
		f.first = i
	} else {
		f.items[f.last-1].next = i
	}
	f.last = i
	f.at[id] = i
}

// End returns what had begun with that id, and forgets it; false if it is not
// known.
func (f *InFlight[T]) End(id uint64) (x T, ok bool) {
	i, ok := f.at[id]
	if ok {
		x = f.items[i-1].x
		f.remove(i)
	}
	return x, ok
}

// Has says whether something with that id has begun.
func (f *InFlight[T]) Has(id uint64) bool {
	_, ok := f.at[id]
	return ok
}

// Oldest returns what has been in flight longest; nil if nothing is.
func (f *InFlight[T]) Oldest() (id uint64, x *T) {
	if f.first == 0 {
		return 0, nil
	}
	i := &f.items[f.first-1]
	return i.id, &i.x
}

// All iterates over what is in flight, the oldest first. What it yields may be
// ended before the next one.
func (f *InFlight[T]) All() iter.Seq2[uint64, T] {
	return func(yield func(uint64, T) bool) {
		for i := f.first; i != 0; {
			item := f.items[i-1]
			if !yield(item.id, item.x) {
				return
			}
			i = item.next
		}
	}
}

// Len returns how many there are.
func (f *InFlight[T]) Len() int { return len(f.at) }

func (f *InFlight[T]) remove(i int32) {
	item := &f.items[i-1]
	delete(f.at, item.id)
	if item.prev == 0 {
		f.first = item.next
	} else {
		f.items[item.prev-1].next = item.next
	}
	if item.next == 0 {
		f.last = item.prev
	} else {
		f.items[item.next-1].prev = item.prev
	}
	*item = flying[T]{next: f.free}
	f.free = i
}
