package analyze

import (
	"cmp"
	"slices"
)

// maxFrequent is how many keys a Frequent counts at a time.
const maxFrequent = 32

// A Frequent finds the keys that come most often, in bounded memory: the
// space-saving algorithm of Metwally, Agrawal and El Abbadi. A key that makes up
// more than a thirty-second of all is never missed. The zero value is empty.
type Frequent struct {
	keys   [maxFrequent]uint64
	counts [maxFrequent]uint64
	over   [maxFrequent]uint64 // how much of a count may be other keys'
	n      int
	recent int // place of the key that came last
}

// Add counts a key once.
func (f *Frequent) Add(key uint64) {
	if f.n > 0 && f.keys[f.recent] == key {
		f.counts[f.recent]++
		return
	}
	for i, k := range f.keys[:f.n] {
		if k == key {
			f.counts[i]++
			f.recent = i
			return
		}
	}
	i := f.n
	if i < maxFrequent {
		f.n++
	} else {
		i = f.rarest()
		f.over[i] = f.counts[i]
	}
	f.keys[i] = key
	f.counts[i]++
	f.recent = i
}

func (f *Frequent) rarest() (at int) {
	for i, c := range f.counts {
		if c < f.counts[at] {
			at = i
		}
	}
	return at
}

// A Count is how often a key came: at most Count times, and Over less at least.
type Count struct{ Key, Count, Over uint64 }

// Top returns the n keys that came most often, as far as they are known, the most
// frequent first.
func (f *Frequent) Top(n int) []Count {
	all := make([]Count, f.n)
	for i := range all {
		all[i] = Count{f.keys[i], f.counts[i], f.over[i]}
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key)) })
	return all[:min(n, len(all))]
}

// sure is Top without keys of whose count the larger part may be others'.
func (f *Frequent) sure(n int) []Count {
	all := slices.DeleteFunc(f.Top(maxFrequent), func(c Count) bool { return 2*c.Over > c.Count })
	return all[:min(n, len(all))]
}

// Reset empties it.
func (f *Frequent) Reset() { *f = Frequent{} }
