package engine

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/xen"
)

// A layout is a p2m of which everything is known: its tables with every entry's
// type and mark, and what decides what a marked entry becomes. Where a domain
// has one, it alone says what type a page has: Domain.pages and the fields that
// bound costs (mapped, tables, marks, tracked, logDirty) are not used. Where
// something of it becomes unknown, it is dropped and what lookups said goes on
// in Domain.pages.
type layout struct {
	own   *owner
	top   *table
	near  *lowTable // the table of 4K entries that was last looked up, if reached by no mark, and changed in place
	at0   xen.GFN   // its first frame
	paged paging

	max    xen.GFN // max_mapped_pfn: the highest frame that was ever mapped
	mapped bool    // any was
	typed  uint64  // ioreq.entry_count
	sets   uint64  // see Domain.SetEntries
	// claimed says that a server holds the claim, which keeps pages typed when
	// they are recalculated. Domain.exact keeps it.
	claimed bool
	dirty   logDirty
}

// paging are the switches by which passes over tables differ.
type paging struct {
	whole    bool // EPT: a split goes down to 4K at once, a marked table is resolved as a whole
	perWrite bool // NPT up to 4.21: each write of a present entry flushes
	ram15    bool // type 15 is RAM, and recalculated
	dma      bool // an IOMMU has tables of its own
	lone     bool // p2m_change_type_range does not mark a single frame
	logs     bool // track_dirty_vram puts the domain in log-dirty mode
}

// IOMMU says how devices that are assigned to a domain reach its memory.
type IOMMU uint8

// The kinds.
const (
	NoIOMMU       IOMMU = iota
	SeparateIOMMU       // through tables of the IOMMU's own, changed along with the p2m
	SharedIOMMU         // through the p2m itself
)

// Mapping is a stretch of a domain's memory of one type, mapped by pages of
// 1<<Order frames: order 0, 9 or 18.
type Mapping struct {
	First, Last xen.GFN
	Order       uint8
	Type        P2MType
}

// A LayoutError reports a Mapping that no p2m can hold.
type LayoutError struct {
	Mapping Mapping
	Why     string
}

func (e *LayoutError) Error() string {
	m := e.Mapping
	return fmt.Sprintf("engine: %#x-%#x order %d %v: %s", uint64(m.First), uint64(m.Last), m.Order, m.Type, e.Why)
}

// LayOut makes the domain's p2m known: it holds what ms say, later ones over
// earlier ones, and nothing else. It replaces whatever was known of pages before.
// The domain must be known from its beginning (Config.Complete), and has
// hardware-assisted paging. An error changes nothing.
func (d *Domain) LayOut(ms []Mapping) error {
	l := newLayout(&d.cfg)
	for _, m := range ms {
		why := m.wrong()
		switch {
		case why != "":
		case !d.cfg.Complete:
			why = "the domain is older than what is known of it"
		case d.hap == No:
			why = whyNoHAP
		}
		if why != "" {
			return &LayoutError{m, why}
		}
		p := pass{l: l, write: true, to: leaf(m.Type), level: int(m.Order)/tableBits + 1}
		l.apply(&p, m.First, m.Last)
		l.noteMapped(m.Last)
	}
	l.sets = 0
	d.layout, d.hap = l, Yes
	d.pages = p2m{rest: setMMIODM}
	return nil
}

// Dirty says whether a frame is dirty in the domain's log-dirty bitmap, which CLEAN and
// PEEK hand out. It is not known without a layout.
func (d *Domain) Dirty(g xen.GFN) Tri {
	if d.layout == nil {
		return Maybe
	}
	return triOf(d.layout.dirty.marked.contains(uint64(g), uint64(g)))
}

// SetEntries returns how often p2m_set_entry was called since LayOut, zero without a
// layout. Each such call writes one entry of those in Cost.PW, for a page or a
// superpage; what splits, marks and recalculations write is not among them. On NPT
// xentrace has a record for each (SET_P2M_ENTRY, in p2m_pt_set_entry), and for no
// other write. A State does not carry it.
func (d *Domain) SetEntries() uint64 {
	if d.layout == nil {
		return 0
	}
	return d.layout.sets
}

// wrong returns what is wrong with m, "" if nothing is.
func (m Mapping) wrong() string {
	mask := xen.GFN(1)<<m.Order - 1
	switch {
	case m.Order != 0 && m.Order != tableBits && m.Order != 2*tableBits:
		return "the order must be 0, 9 or 18"
	case m.First > m.Last || m.Last > maxFrame:
		return "the frames must be in order and below 2^36"
	case m.First&mask != 0 || (m.Last+1)&mask != 0:
		return "the frames must fill pages of that order"
	case m.Type >= numEntryTypes || m.Type == P2MSpecial:
		return "no entry has that type"
	case m.Type == P2MIOReqServer && m.Order != 0:
		return "ioreq_server exists as 4K entries only"
	}
	return ""
}

func newLayout(cfg *Config) *layout {
	l := &layout{own: new(owner), paged: paging{
		whole:    cfg.Profile.WholeTable,
		perWrite: cfg.Profile.FlushPerWrite,
		ram15:    cfg.Profile.Type15 == Type15Claimed,
		dma:      cfg.IOMMU == SeparateIOMMU,
		lone:     cfg.Profile.LoneUnmarked,
		logs:     cfg.Profile.TrackLogs,
	}}
	l.top = &table{own: l.own, slots: []slot{{}}}
	return l
}

// clone returns a copy that shares all tables.
func (l *layout) clone() *layout {
	if l == nil {
		return nil
	}
	l.near = nil
	c := *l
	c.own, l.own = new(owner), new(owner)
	c.dirty = l.dirty.clone()
	return &c
}

func (l *layout) noteMapped(g xen.GFN) { l.max, l.mapped = max(l.max, g), true }

// exact returns the layout, nil if it is not known.
func (d *Domain) exact() *layout {
	if d.layout != nil {
		d.layout.claimed = d.claim.held == Yes
	}
	return d.layout
}

// blur drops the layout and keeps what lookups said of each page: something of
// it has become unknown.
func (d *Domain) blur() {
	l := d.exact()
	if l == nil {
		return
	}
	d.pages = p2m{rest: setMMIODM}
	for g := xen.GFN(0); l.mapped && g <= l.max; {
		end, t := l.stretch(g, l.max)
		d.pages.push(run{g, end, t.Set()})
		g = end + 1
	}
	d.mapped, d.anyMapped, d.marks = l.max, l.mapped, 0
	d.tables = d.tables[:0]
	d.tracked, d.logDirty = l.dirty.ranges, l.dirty.global
	d.layout = nil
}
