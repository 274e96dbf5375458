package engine

import "github.com/iotrace-xen/iotrace/xen"

// Type15 is what p2m type 15, P2MIOReqServer, means in a release.
type Type15 uint8

// The meanings.
const (
	Type15None    Type15 = iota // there is none
	Type15WriteDM               // not RAM: writes go by ranges, whoever claims
	Type15Claimed               // RAM: writes go to the server that holds the claim
)

// String returns the meaning in short.
func (t Type15) String() string {
	return [...]string{"none", "write_dm", "claimed"}[min(t, Type15Claimed)]
}

// MemTypeValue is a memory type that a release may be without.
type MemTypeValue struct {
	Known bool
	Type  xen.MemType
}

// String returns the type's name and number, or "none".
func (v MemTypeValue) String() string {
	switch {
	case !v.Known:
		return "none"
	case v.Type == xen.MemUnused:
		return "mmio_write_dm" // its name while it had a use
	}
	return v.Type.String()
}

func memType(t xen.MemType) MemTypeValue { return MemTypeValue{Known: true, Type: t} }

var p2mSwitches = []Switch{
	row("flush-per-write", func(p *Profile) *bool { return &p.FlushPerWrite },
		"every write of a present entry is followed by a flush; else one for each lock section", "§4.3, p2m-pt.c: e1604ea827",
		from(5, true).only(NPT), from(22, false)),
	row("whole-table", func(p *Profile) *bool { return &p.WholeTable },
		"resolving one marked 4K entry rewrites all of its table, and a split goes down to 4K at once", "§4.3, §4.7, p2m-ept.c: resolve_misconfig",
		from(5, true).only(EPT)),
	row("type-15", func(p *Profile) *Type15 { return &p.Type15 },
		"what p2m type 15 is: mmio_write_dm is no RAM and goes by ranges, ioreq_server goes to the holder of the claim", "§1.7: b4986813c5, ca2b511d3f",
		from(6, Type15WriteDM), from(9, Type15Claimed)),
	row("set-type-15", func(p *Profile) *MemTypeValue { return &p.Set15 },
		"the memory type by which set_mem_type asks for type 15", "§1.7, §4.1: c858e932c1, cb34624af5",
		from(6, memType(xen.MemUnused)), from(7, MemTypeValue{}), from(8, memType(xen.MemIOReqServer))),
	row("get-type-15", func(p *Profile) *MemTypeValue { return &p.Get15 },
		"the memory type that get_mem_type says for type 15", "§4.1",
		from(6, memType(xen.MemUnused)), from(7, memType(xen.MemRAMRO)), from(8, memType(xen.MemIOReqServer))),
	row("positive-release", func(p *Profile) *bool { return &p.PositiveRelease },
		"a release whose last frame changed an entry returns 1 instead of 0", "§4.4: fixed by 0c07431cf7",
		from(9, true).only(EPT), from(13, false)),
	row("lone-unmarked", func(p *Profile) *bool { return &p.LoneUnmarked },
		"frames that begin or cease to be log-dirty are not marked where it is only one, which keeps its type until it is written", "change_type_range, made for altp2m while 4.12 was developed, compares its ends with <; seen on 4.14 and 4.20",
		from(12, true)),
	row("track-logs", func(p *Profile) *bool { return &p.TrackLogs },
		"track_dirty_vram puts the domain in log-dirty mode, so that it can't be put there and can be taken out", "hap_track_dirty_vram called paging_log_dirty_enable; gone on 4.14 and 4.17 (seen)",
		from(5, true), from(14, false)),
}
