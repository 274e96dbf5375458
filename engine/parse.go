package engine

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseRelease reads the release in a version of Xen: "4.17", "4.17.7", "4.20-rc1".
func ParseRelease(version string) (r Release, ok bool) {
	major, rest, _ := strings.Cut(version, ".")
	minor := rest
	if end := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
		minor = rest[:end]
	}
	x, err := strconv.ParseUint(major, 10, 8)
	if err != nil {
		return Release{}, false
	}
	y, err := strconv.ParseUint(minor, 10, 8)
	return Release{Major: uint8(x), Minor: uint8(y)}, err == nil
}

// ParsePaging reads what String returns.
func ParsePaging(s string) (p Paging, ok bool) {
	for _, p := range []Paging{NPT, EPT} {
		if s == p.String() {
			return p, true
		}
	}
	return 0, false
}

// ParseProfile reads what a profile's String returns, such as "xen-4.17/npt". Its
// error says what is wrong, or which releases have a profile.
func ParseProfile(s string) (Profile, error) {
	name, paging, _ := strings.Cut(s, "/")
	version, named := strings.CutPrefix(name, "xen-")
	r, isRelease := ParseRelease(version)
	p, isPaging := ParsePaging(paging)
	if !named || !isRelease || !isPaging || r.String() != version {
		return Profile{}, fmt.Errorf("want xen-MAJOR.MINOR/npt or /ept, got %q", s)
	}
	return ProfileFor(r, p)
}
