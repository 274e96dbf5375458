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

// Before says whether r is older than q.
func (r Release) Before(q Release) bool {
	return r.Major < q.Major || r.Major == q.Major && r.Minor < q.Minor
}

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
// has every fix that was backported there. What a field means, its values and
// where they come from is in the table that Switches returns.
type Profile struct {
	Release Release
	Paging  Paging

	// Calls.
	DMOp        bool
	LastOp      xen.DMOpCode
	NoBufs      Return
	PVTarget    xen.Errno
	BufModes    bool
	InfoFlags   bool
	RangeOrder  bool
	Acquire     bool
	FramesLimit uint32
	FramesError xen.Errno

	// Servers.
	Servers       uint8
	IDs           IDRule
	Default       DefaultRule
	OwnerOnly     bool
	PagesAtCreate bool
	LegacyGFNs    LegacyRule

	// Routing.
	DFMatch          bool
	Truncate         bool
	CF8              CF8Rule
	VGACache         bool
	VGAPointer       bool
	ConsoleReads     bool
	BroadcastEnabled bool
	BroadcastRings   bool
	TimeOffsetToAll  bool
	NullStale        bool

	// Slots.
	BadSlotCrash  bool
	BackwardCrash bool
	EarlyWrites   EarlyRule
	ResendRead    bool

	// The emulator.
	SplitPages     bool
	CopyHonours    bool
	ForwardMOV     bool
	ForwardRMW     bool
	ReadCache      bool
	CmpxchgSplits  bool
	OperandParts   uint8
	RemovalFlushes bool

	// The p2m.
	FlushPerWrite   bool
	WholeTable      bool
	Type15          Type15
	Set15, Get15    MemTypeValue
	PositiveRelease bool
	LoneUnmarked    bool
	TrackLogs       bool

	// Xen's own trace.
	TraceData64 bool
	TraceExit   TraceID
}

// String returns the form in which reports name a profile: "xen-4.17/npt".
func (p Profile) String() string { return "xen-" + p.Release.String() + "/" + p.Paging.String() }

// Return is a result that a release may leave undefined.
type Return struct {
	Known bool
	Errno xen.Errno
}

// String returns the name of the errno, or "undefined".
func (r Return) String() string {
	if !r.Known {
		return "undefined"
	}
	return r.Errno.String()
}

// IDRule says which ids new servers get, and in which order servers are asked.
type IDRule uint8

// The rules.
const (
	IDsCount   IDRule = iota // from 1, counting; the newest server is asked first
	IDsFromOne               // the lowest free of 1 to 7; the highest id is asked first
	IDsFromZero
)

// String returns the rule in short.
func (r IDRule) String() string { return [...]string{"counted", "1-7", "0-7"}[min(r, IDsFromZero)] }

// LegacyRule says what becomes of the gfns of params 5 and 6 once no other is left for
// a server's page.
type LegacyRule uint8

// The rules.
const (
	LegacyUnused   LegacyRule = iota
	LegacyInverted            // one that is free is marked as taken and passed over; one that is taken is handed out
	LegacySpare               // one that is free is handed out
)

// String returns the rule in short.
func (r LegacyRule) String() string {
	return [...]string{"unused", "inverted", "spare"}[min(r, LegacySpare)]
}

// DefaultRule says when a release makes a default server.
type DefaultRule uint8

// The rules.
const (
	DefaultNever    DefaultRule = iota
	DefaultBuilding             // when a parameter is read while the domain is built
	DefaultAlways               // when a parameter is read
)

// String returns the rule in short.
func (r DefaultRule) String() string {
	return [...]string{"no", "building", "always"}[min(r, DefaultAlways)]
}

// CF8Rule says for which AMD families CF8's bits 27:24 are part of a register
// number. Always is for every CPU; otherwise an MSR has a say as well.
type CF8Rule struct {
	Always      bool
	First, Last uint8
}

// String returns the families.
func (r CF8Rule) String() string {
	if r.Always {
		return "any CPU"
	}
	return fmt.Sprintf("%#x-%#x", r.First, r.Last)
}

// EarlyRule says which writes let their instruction complete before the answer.
type EarlyRule uint8

// The rules.
const (
	EarlyPointer EarlyRule = iota // those by pointer, like reads by pointer
	EarlyPIO                      // those and writes of ports
	EarlyAll
)

// String returns the rule in short.
func (r EarlyRule) String() string {
	return [...]string{"pointer", "pointer+pio", "all"}[min(r, EarlyAll)]
}

// TraceID is the number of an event of Xen's own trace.
type TraceID uint32

// String returns the number in hexadecimal.
func (id TraceID) String() string { return fmt.Sprintf("%#x", uint32(id)) }

// Releases returns the releases that have profiles, oldest first.
func Releases() []Release {
	var out []Release
	for _, minor := range [...]uint8{5, 6, 7, 8, 9, 11, 13, 14, 17, 20, 22} {
		out = append(out, Release{4, minor})
	}
	return out
}

// Profiles returns all profiles, by release and then NPT before EPT.
func Profiles() []Profile {
	var out []Profile
	for _, r := range Releases() {
		out = append(out, profileOf(r, NPT), profileOf(r, EPT))
	}
	return out
}

// ProfileFor returns the profile of a release on one kind of paging. Its error
// says which profiles there are. A release between two of them has none: it has
// some of what came with the later one, and the table does not say what.
func ProfileFor(r Release, p Paging) (Profile, error) {
	if p != NPT && p != EPT {
		return Profile{}, fmt.Errorf("paging %d has no profile: have npt and ept", p)
	}
	var names []string
	best, dist := Release{}, -1
	for _, q := range Releases() {
		if q == r {
			return profileOf(r, p), nil
		}
		names = append(names, q.String())
		n := int(q.Major)*256 + int(q.Minor) - int(r.Major)*256 - int(r.Minor)
		if n = max(n, -n); dist < 0 || n < dist {
			best, dist = q, n
		}
	}
	return Profile{}, fmt.Errorf("xen %v has no profile: have %s; try %v, the nearest", r, strings.Join(names, ", "), best)
}

func profileOf(r Release, on Paging) Profile {
	p := Profile{Release: r, Paging: on}
	for _, s := range switches {
		s.set(&p)
	}
	return p
}
