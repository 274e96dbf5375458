package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// ErrState reports a State that no Domain can be in.
var ErrState = errors.New("engine: impossible state")

// badState names the part of a State that is impossible, and why.
func badState(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrState, fmt.Sprintf(format, args...))
}

// Restore returns the domain that cfg describes in state s, with which it
// shares no memory. Config.Complete has no effect: s says what is known. An
// impossible state is ErrState; no state makes Restore or a later Step panic.
func Restore(cfg Config, s State) (*Domain, error) {
	d := &Domain{
		cfg:    cfg,
		claim:  claim{s.Claim.Held, s.Claim.Holder},
		latch:  latch{s.Latch.Known, s.Latch.Value, s.Latch.Extended},
		last:   last{created: xen.NoServer},
		mapped: s.Mapped.GFN, anyMapped: s.Mapped.Known,
		marks: s.Marks, logDirty: s.LogDirty, hap: s.HAP,
		allies: slices.Clone(s.Allies),
	}
	d.built, d.down, d.dying = s.Life.Built, s.Life.Down, s.Life.Dying
	d.vga = vgaCache{s.Life.VGAOff, s.Life.VGALost}
	d.routes.outdate()
	if err := d.restoreParts(&s); err != nil {
		return nil, err
	}
	if err := d.fits(&s); err != nil {
		return nil, err
	}
	return d, nil
}

// restoreParts restores what has a state of its own.
func (d *Domain) restoreParts(s *State) error {
	if err := d.restoreServers(s); err != nil {
		return err
	}
	if err := d.pool.restore(&s.Pool); err != nil {
		return err
	}
	if err := d.pages.restore(s.Rest, s.Pages); err != nil {
		return err
	}
	var err error
	if d.layout, err = restoreLayout(&d.cfg, s.Layout); err != nil {
		return err
	}
	if err := d.restoreSlots(s.Slots); err != nil {
		return err
	}
	var ok [2]bool
	d.tables, ok[0] = restoreSpans(s.Tables)
	d.tracked, ok[1] = restoreSpans(s.Tracked)
	if !ok[0] || !ok[1] {
		return badState("tables or tracked frames out of order")
	}
	return nil
}

// fits refuses what parts of s say of each other, or of the domain, that cannot be.
func (d *Domain) fits(s *State) error {
	switch {
	case !s.Life.Built.valid():
		return badState("built %d", s.Life.Built)
	case !s.Claim.Held.valid() || !s.Latch.Extended.valid():
		return badState("claim held %d, CF8 extended %d", s.Claim.Held, s.Latch.Extended)
	case !s.HAP.valid(), s.HAP == No && s.Layout != nil:
		return badState("HAP %d", s.HAP)
	case s.Layout != nil && s.Claim.Held == Maybe:
		return badState("a layout whose claim is not known")
	case s.Claim.Holder == DefaultServer, s.Claim.Holder != xen.NoServer && !d.counts() && d.place(s.Claim.Holder) == noPlace:
		return badState("claim held by server %v", s.Claim.Holder)
	case !s.Mapped.Known && s.Mapped.GFN != 0:
		return badState("a highest frame that is not known")
	}
	for i, a := range s.Allies {
		if a == xen.Dom0 || a == d.cfg.Dom || slices.Contains(s.Allies[:i], a) {
			return badState("ally dom%d", a)
		}
	}
	return nil
}

// restoreServers restores the servers, the default one, and the order of ids.
func (d *Domain) restoreServers(s *State) error {
	for i := range s.Servers {
		if err := d.servers[i].restore(&s.Servers[i]); err != nil {
			return fmt.Errorf("%w of server %d", err, i)
		}
	}
	d.servers[placeDefault], d.others = absent, No
	if d.cfg.Profile.Default != DefaultNever {
		if err := d.servers[placeDefault].restore(&s.Legacy.Default); err != nil {
			return fmt.Errorf("%w of the default server", err)
		}
	}
	if !d.counts() {
		return nil
	}
	d.lastID, d.idsKnown, d.others = s.Legacy.LastID.ID, s.Legacy.LastID.Known, s.Legacy.Others
	n := d.listed()
	for i := range maxServers {
		switch v := &d.servers[i]; {
		case i >= n && v.exists != No:
			return badState("a gap before server %d", i)
		case i < n && v.exists != Yes, i < n && d.place(v.id) != place(i):
			return badState("server %v in place %d", v.id, i)
		}
	}
	if !d.others.valid() {
		return badState("others %d", d.others)
	}
	return nil
}

func (p *pool) restore(x *PoolState) error {
	if x.Size > maxPoolPages || x.Size < maxPoolPages && x.Free>>x.Size != 0 {
		return badState("a pool of %d frames, of which %#x are free", x.Size, x.Free)
	}
	*p = pool{sized: x.Size != 0, size: x.Size, based: x.Base.Known, base: x.Base.GFN, free: x.Free}
	for i, l := range x.Legacy {
		p.legacy[i] = legacyGFN{l.Set, l.Free, l.GFN}
	}
	return nil
}

func (t Tri) valid() bool { return t <= Yes }

func (s *server) restore(x *ServerState) error {
	if !x.Exists.valid() || !x.Enabled.valid() || !x.Ring.valid() || !x.EPort.valid() || x.Pages > PagesFreed || !x.Owned && x.Owner != 0 {
		return badState("flags")
	}
	*s = server{
		exists: x.Exists, enabled: x.Enabled, ring: x.Ring, eport: x.EPort, pages: pageState(x.Pages),
		id: x.ID, taken: taken{x.Taken, x.TakenLegacy},
		pointers: ring{x.Pointers.Ring.Known, x.Pointers.Mode, x.Pointers.Ring.Read, x.Pointers.Ring.Write},
		owned:    x.Owned, owner: x.Owner, closed: x.Closed, info: x.Info, infoMask: x.InfoMask,
	}
	for i, spans := range x.Ranges {
		var ok bool
		if s.ranges[i], ok = restoreSpans(spans); !ok {
			return badState("ranges out of order in space %d", i)
		}
		if s.exists == No && len(spans) > 0 {
			return badState("ranges in an empty slot")
		}
	}
	if s.exists == No {
		s.gone()
	}
	return nil
}

// restoreSpans reports whether spans are sorted and no two of them meet or
// touch.
func restoreSpans(spans []Span) (rangeset, bool) {
	set := make(rangeset, 0, len(spans))
	for i, s := range spans {
		if s.First > s.Last || i > 0 && (spans[i-1].Last == math.MaxUint64 || spans[i-1].Last+1 >= s.First) {
			return nil, false
		}
		set = append(set, span{s.First, s.Last})
	}
	return set, true
}

func (p *p2m) restore(rest P2MTypes, runs []PageRun) error {
	*p = p2m{rest: rest, runs: make([]run, 0, len(runs))}
	for i, r := range runs {
		switch {
		case r.First > r.Last || i > 0 && runs[i-1].Last >= r.First:
			return badState("pages %#x-%#x out of order", uint64(r.First), uint64(r.Last))
		case r.Types == rest, i > 0 && runs[i-1].Last+1 == r.First && runs[i-1].Types == r.Types:
			return badState("pages %#x-%#x are like those beside them", uint64(r.First), uint64(r.Last))
		}
		is := run{r.First, r.Last, r.Types}
		p.runs = append(p.runs, is)
		p.count(is, true)
	}
	return nil
}

func (d *Domain) restoreSlots(slots []SlotState) error {
	places := xen.ServerID(maxServers)
	if d.cfg.Profile.Default != DefaultNever {
		places++
	}
	for i, s := range slots {
		if s.Server >= places || s.VCPU >= xen.SlotsPerPage {
			return badState("no slot of server %v, vcpu %d", s.Server, s.VCPU)
		}
		if i > 0 && (slots[i-1].Server > s.Server || slots[i-1].Server == s.Server && slots[i-1].VCPU >= s.VCPU) {
			return badState("slot of server %v, vcpu %d out of order", s.Server, s.VCPU)
		}
		d.slots[s.Server][s.VCPU] = slotReady
		if s.InProcess {
			d.slots[s.Server][s.VCPU] = slotInProcess
		}
	}
	return nil
}
