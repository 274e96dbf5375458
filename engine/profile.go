package engine

import (
	"fmt"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// Release is a Xen release, such as {4, 17}.
type Release struct{ Major, Minor uint8 }

// String returns "4.17".
func (r Release) String() string { return fmt.Sprintf("%d.%d", r.Major, r.Minor) }

// Paging is the kind of hardware-assisted paging a domain runs on.
type Paging uint8

// The two kinds: AMD's nested page tables and Intel's extended page tables.
const (
	NPT Paging = iota + 1
	EPT
)

// String returns "npt" or "ept".
func (p Paging) String() string {
	if p == EPT {
		return "ept"
	}
	return "npt"
}

// Profile is a Xen release on one kind of paging: the version switches of the
// model, as data. It stands for the head of the release's stable branch, so it
// has every fix that was backported there.
type Profile struct {
	Release Release
	Paging  Paging

	// LastOp is the highest dm_op number that dm_op's size table knows; a
	// higher one is refused before its buffer is read.
	LastOp xen.DMOpCode
	// NoBufs is what a dm_op without buffers returns. Not Known: Xen looks at
	// an uninitialised buffer, so anything (before XSA-506).
	NoBufs Switch
	// PVTarget is what a dm_op on a domain that is not HVM returns.
	PVTarget xen.Errno
	// FramesLimit is how many frames one acquire_resource may ask for, and
	// FramesError what more of them return.
	FramesLimit uint32
	FramesError xen.Errno
	// VGACache says that Xen may answer reads of the VGA window itself
	// (stdvga's cache).
	VGACache bool
	// ExtendedCF8 says whether CF8's bits 27:24 are part of a register number:
	// never on Intel; on AMD it hangs on the guest's family and a host MSR.
	ExtendedCF8 Tri
	// FlushPerWrite says that every write of a present p2m entry is followed
	// by a flush; otherwise there is one for each lock section.
	FlushPerWrite bool
	// WholeTable says that resolving one marked 4K entry rewrites all of its
	// table.
	WholeTable bool
}

// Switch is a result that a release may leave undefined.
type Switch struct {
	Known bool
	Errno xen.Errno
}

// String returns the form in which reports name a profile: "xen-4.17/npt".
func (p Profile) String() string { return "xen-" + p.Release.String() + "/" + p.Paging.String() }

// releases are the switches that hang on the release alone, oldest first.
var releases = []Profile{
	{
		Release:     Release{4, 14},
		LastOp:      xen.OpPinMemoryCacheAttr, // x86/hvm/dm.c: op_size; nr_vcpus came with 4.15
		NoBufs:      Switch{},                 // do_dm_op: no check, XSA-506 was not backported so far
		PVTarget:    xen.EInval,               // dm_op: the fix of 4.15 was backported
		FramesLimit: 32,                       // acquire_resource: mfn_list[32]
		FramesError: xen.E2Big,
		VGACache:    true, // stdvga.c: the cache went with 4.20, backported to 4.16
	},
	{
		Release:     Release{4, 17},
		LastOp:      xen.OpNrVCPUs,
		NoBufs:      Switch{Known: true, Errno: xen.ENoData}, // XSA-506
		PVTarget:    xen.EInval,
		FramesLimit: 1<<26 - 1, // acquire_resource: UINT_MAX >> MEMOP_EXTENT_SHIFT
		FramesError: xen.EInval,
	},
	{
		Release:     Release{4, 20},
		LastOp:      xen.OpNrVCPUs,
		NoBufs:      Switch{Known: true, Errno: xen.ENoData}, // XSA-506
		PVTarget:    xen.EInval,
		FramesLimit: 1<<26 - 1,
		FramesError: xen.EInval,
	},
}

// pagings are the switches that hang on the kind of paging alone.
var pagings = map[Paging]Profile{
	NPT: {
		FlushPerWrite: true,  // p2m-pt.c: write hook; one a lock section from 4.22 (e1604ea827)
		ExtendedCF8:   Maybe, // hvm/io.c: family 0x10..0x16 and MSR 0xc001001f bit 46
	},
	EPT: {
		WholeTable:  true, // p2m-ept.c: resolve_misconfig
		ExtendedCF8: No,   // hvm/io.c: vendor AMD only
	},
}

// ProfileFor returns the profile of a release on one kind of paging. Its error
// says which profiles there are.
func ProfileFor(r Release, p Paging) (Profile, error) {
	how, ok := pagings[p]
	if !ok {
		return Profile{}, fmt.Errorf("paging %d has no profile: have npt and ept", p)
	}
	var names []string
	for _, q := range releases {
		if q.Release == r {
			q.Paging = p
			q.FlushPerWrite, q.WholeTable, q.ExtendedCF8 = how.FlushPerWrite, how.WholeTable, how.ExtendedCF8
			return q, nil
		}
		names = append(names, q.Release.String())
	}
	return Profile{}, fmt.Errorf("xen %v has no profile: have %s; try %v, the nearest",
		r, strings.Join(names, ", "), nearest(r))
}

// nearest returns the release of the table that is closest to r, the older of
// two that are equally close.
func nearest(r Release) Release {
	best, dist := releases[0].Release, -1
	for _, q := range releases {
		n := int(q.Release.Major)*256 + int(q.Release.Minor) - int(r.Major)*256 - int(r.Minor)
		if n = max(n, -n); dist < 0 || n < dist {
			best, dist = q.Release, n
		}
	}
	return best
}
