package engine

import (
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// layoutModes are the three ways of paging that count differently.
var layoutModes = []struct {
	name string
	Profile
}{
	{"ept", profileOf(Release{4, 17}, EPT)},
	{"npt flushing per write", profileOf(Release{4, 17}, NPT)},
	{"npt flushing per lock", profileOf(Release{4, 22}, NPT)},
}

// laid returns a domain with a claim of server 0 and the given memory.
func laid(tb testing.TB, mode int, cfg Config, ms ...Mapping) *Domain {
	tb.Helper()
	cfg.Dom, cfg.Complete = 1, true
	cfg.Profile = layoutModes[mode].Profile
	d := New(cfg)
	d.servers[0].become(0, xen.BufOff)
	d.claim = claim{held: Yes, holder: 0}
	if err := d.LayOut(ms); err != nil {
		tb.Fatal(err)
	}
	return d
}

func typeOp(t xen.MemType, first xen.GFN, nr uint32) Op {
	return call(xen.SetMemType{Type: t, First: first, Nr: nr})
}

func releaseOp(opaque uint64) Op {
	return call(xen.MapMemType{Type: xen.MemIOReqServer, Opaque: opaque})
}

// TestReferenceFigures is the table at the end of §4.7 of the specification:
// what set_mem_type and the release cost.
func TestReferenceFigures(t *testing.T) {
	big, small := Mapping{Last: 0x3ffff, Order: 9}, Mapping{Last: 0x3ffff}
	for _, c := range []struct {
		name           string
		memory         Mapping
		first          xen.GFN
		nr             uint32
		pw, ta         uint64
		fl             [3]uint64 // by mode
		out            uint64    // PW of the release
		outFL, batches [3]uint64
	}{
		{"one page", big, 0x100, 1, 2, 1, [3]uint64{1, 2, 1}, 1541, [3]uint64{1, 1542, 4}, [3]uint64{1, 2, 2}},
		{"one table", big, 0, 512, 513, 1, [3]uint64{512, 513, 512}, 1541, [3]uint64{1, 1542, 4}, [3]uint64{1, 2, 2}},
		{"the highest page", big, 0x3ffff, 1, 2, 1, [3]uint64{1, 2, 1}, 2052, [3]uint64{1, 2053, 515}, [3]uint64{1023, 1024, 1024}},
		{"all 4K", small, 0x3ffff, 1, 1, 0, [3]uint64{1, 1, 1}, 525316, [3]uint64{1, 525317, 1026}, [3]uint64{1023, 1024, 1024}},
		{"4 GiB", Mapping{Last: 0xfffff, Order: 9}, 0xfffff, 1, 2, 1, [3]uint64{1, 2, 1}, 5130, [3]uint64{1, 5131, 2051}, [3]uint64{4095, 4096, 4096}},
	} {
		for mode := range layoutModes {
			d := laid(t, mode, Config{}, c.memory)
			name := c.name + ", " + layoutModes[mode].name
			in := step(t, d, typeOp(xen.MemIOReqServer, c.first, c.nr)).Cost
			if want := (Cost{PW: c.pw, TA: c.ta, FL: c.fl[mode], LK: uint64(c.nr), HC: 1}); in != want {
				t.Errorf("%s: typing costs %+v, want %+v", name, in, want)
			}
			out := step(t, d, releaseOp(0)).Cost
			if want := (Cost{PW: c.out, FL: c.outFL[mode], LK: c.batches[mode] + 1, HC: 1}); out != want {
				t.Errorf("%s: the release costs %+v, want %+v", name, out, want)
			}
		}
	}
}
