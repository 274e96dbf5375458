package engine

// Clone returns an independent copy of d: what-if runs and searches for an
// order of overlapping calls step it without touching d. Ranges, pages, layout and
// routes are shared until one of the two changes them.
func (d *Domain) Clone() *Domain {
	d.pages.shared = true
	c := &Domain{pages: d.pages}
	for i := range d.servers {
		d.servers[i].shared = true
		c.servers[i].stored = d.servers[i].stored
	}
	d.copyTo(c)
	return c
}

// CopyTo makes c what Clone returns, in c's own memory, so that copies that are
// made again and again allocate nothing. Nobody else may use c.
func (d *Domain) CopyTo(c *Domain) {
	c.pages.assign(&d.pages)
	for i := range d.servers {
		c.servers[i].assign(&d.servers[i].stored)
	}
	d.copyTo(c)
}

// copyTo copies all but pages and ranges.
func (d *Domain) copyTo(c *Domain) {
	d.routes.share()
	was := *c
	*c = *d
	c.pages = was.pages
	for i := range c.servers {
		c.servers[i].stored = was.servers[i].stored
	}
	c.layout = d.layout.clone()
	c.allies = append(was.allies[:0], d.allies...)
	c.tables = append(was.tables[:0], d.tables...)
	c.tracked = append(was.tracked[:0], d.tracked...)
}

// assign makes p a copy of q in p's own memory.
func (p *p2m) assign(q *p2m) {
	runs := p.runs[:0]
	if p.shared {
		runs = nil
	}
	*p = *q
	p.runs, p.shared = append(runs, q.runs...), false
}
