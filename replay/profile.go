package replay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
)

// Where a profile came from, as Report.ProfileSource says it.
const (
	fromHeader  = "header"
	fromOptions = "options"
)

// choose returns the profile to replay under and where it came from.
func choose(h format.Header, opts Options) (engine.Profile, string, error) {
	if opts.Profile != (engine.Profile{}) {
		return opts.Profile, fromOptions, nil
	}
	p, err := profileOf(h)
	if err != nil {
		return engine.Profile{}, "", fmt.Errorf("profile: %w, or name one", err)
	}
	return p, fromHeader, nil
}

func profileOf(h format.Header) (engine.Profile, error) {
	rel, err := releaseOf(h.XenVersion)
	if err != nil {
		return engine.Profile{}, err
	}
	paging, err := pagingOf(h)
	if err != nil {
		return engine.Profile{}, err
	}
	return engine.ProfileFor(rel, paging)
}

// releaseOf reads the first two numbers of a version such as "4.17.7" or
// "4.20-rc1".
func releaseOf(version string) (engine.Release, error) {
	bad := fmt.Errorf("the trace's Xen version is %q, not a release: name one", version)
	major, rest, ok := strings.Cut(version, ".")
	if !ok {
		return engine.Release{}, bad
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	x, err := strconv.ParseUint(major, 10, 8)
	if err != nil {
		return engine.Release{}, bad
	}
	y, err := strconv.ParseUint(rest[:end], 10, 8)
	if err != nil {
		return engine.Release{}, bad
	}
	return engine.Release{Major: uint8(x), Minor: uint8(y)}, nil
}

// pagingOf takes the recorded kind, or what the CPU's vendor implies: each
// vendor has one.
func pagingOf(h format.Header) (engine.Paging, error) {
	switch {
	case h.Paging == engine.NPT.String(), h.Paging == "" && h.CPUVendor == "AuthenticAMD":
		return engine.NPT, nil
	case h.Paging == engine.EPT.String(), h.Paging == "" && h.CPUVendor == "GenuineIntel":
		return engine.EPT, nil
	}
	return 0, fmt.Errorf("the trace names neither npt nor ept: paging %q, CPU vendor %q", h.Paging, h.CPUVendor)
}
