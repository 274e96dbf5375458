package engine

import "slices"

// Clone returns an independent copy of d: what-if runs and searches for an
// order of overlapping calls step it without touching d. It costs a copy of the
// ranges; pages, layout and routes are shared until one of the two changes them.
func (d *Domain) Clone() *Domain {
	c := *d
	for i := range c.servers {
		for space := range c.servers[i].ranges {
			c.servers[i].ranges[space] = slices.Clone(d.servers[i].ranges[space])
		}
	}
	c.layout = d.layout.clone()
	d.pages.shared, c.pages.shared = true, true
	d.routes.shared, c.routes.shared = true, true
	c.allies = slices.Clone(d.allies)
	c.tables = slices.Clone(d.tables)
	c.tracked = slices.Clone(d.tracked)
	return &c
}
