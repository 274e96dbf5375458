package engine

import "slices"

// Clone returns an independent copy of d: what-if runs and searches for an
// order of overlapping calls step it without touching d. It costs one copy of
// the ranges and of the runs of pages.
func (d *Domain) Clone() *Domain {
	c := *d
	for i := range c.servers {
		for space := range c.servers[i].ranges {
			c.servers[i].ranges[space] = slices.Clone(d.servers[i].ranges[space])
		}
	}
	c.layout = d.layout.clone()
	c.pages.runs = slices.Clone(d.pages.runs)
	c.allies = slices.Clone(d.allies)
	c.tables = slices.Clone(d.tables)
	c.tracked = slices.Clone(d.tracked)
	c.routes = routes{stale: true} // derived; rebuilt on the first access
	return &c
}
