package engine

import "slices"

// Clone returns an independent copy of d: what-if runs and searches for an
// order of overlapping calls step it without touching d. It costs a copy of the
// ranges; pages, layout and routes are shared until one of the two changes them.
func (d *Domain) Clone() *Domain {
	d.routes.share()
	d.pages.shared = true
	c := *d
	for i := range c.servers {
		for space := range c.servers[i].ranges {
			c.servers[i].ranges[space] = slices.Clone(d.servers[i].ranges[space])
		}
	}
	c.layout = d.layout.clone()
	c.allies = slices.Clone(d.allies)
	c.tables = slices.Clone(d.tables)
	c.tracked = slices.Clone(d.tracked)
	return &c
}
