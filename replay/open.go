package replay

import (
	"cmp"
	"slices"
)

// openCalls are the calls in flight, by id. Ids count up and calls are short, so
// what is looked for stands near the end.
type openCalls []openCall

// An openCall has its call's id beside it, so that looking for one touches no others.
type openCall struct {
	id uint64
	*call
}

// find returns where the call of an id stands, or would.
func (o openCalls) find(id uint64) (i int, found bool) {
	i = len(o)
	for i > 0 && o[i-1].id >= id {
		i--
	}
	return i, i < len(o) && o[i].id == id
}

// at returns the call of an id, nil if none is open.
func (o openCalls) at(id uint64) *call {
	if i, found := o.find(id); found {
		return o[i].call
	}
	return nil
}

// put makes c the open call of its id.
func (o *openCalls) put(c *call) {
	switch i, found := o.find(c.id); {
	case found:
		(*o)[i].call = c
	case i == len(*o):
		*o = append(*o, openCall{c.id, c})
	default:
		*o = slices.Insert(*o, i, openCall{c.id, c})
	}
}

// drop takes out the call of an id, if there is one.
func (o *openCalls) drop(id uint64) {
	if i, found := o.find(id); found {
		last := len(*o) - 1
		copy((*o)[i:], (*o)[i+1:])
		(*o)[last] = openCall{}
		*o = (*o)[:last]
	}
}

// byEntry returns them in order of entry.
func (o openCalls) byEntry() []*call {
	out := make([]*call, len(o))
	for i := range o {
		out[i] = o[i].call
	}
	slices.SortStableFunc(out, func(a, b *call) int { return cmp.Compare(a.seq, b.seq) })
	return out
}
