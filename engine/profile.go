package engine

import "fmt"

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
// model, as data.
type Profile struct {
	Release Release
	Paging  Paging
}

// String returns the form in which reports name a profile: "xen-4.17/npt".
func (p Profile) String() string { return "xen-" + p.Release.String() + "/" + p.Paging.String() }
