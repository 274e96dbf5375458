package replay

import (
	"errors"
	"fmt"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
)

// Where a profile came from, as Report.ProfileSource says it.
const (
	fromHeader  = "header"
	fromOptions = "options"
)

// ErrProfile is in the error about a header that implies no profile. Options.Profile
// helps.
var ErrProfile = errors.New("profile")

// choose returns the profile to replay under and where it came from.
func choose(h format.Header, opts Options) (engine.Profile, string, error) {
	if opts.Profile != (engine.Profile{}) {
		return opts.Profile, fromOptions, nil
	}
	p, err := profileOf(h)
	if err != nil {
		return engine.Profile{}, "", fmt.Errorf("%w: %w", ErrProfile, err)
	}
	return p, fromHeader, nil
}

func profileOf(h format.Header) (engine.Profile, error) {
	rel, ok := engine.ParseRelease(h.XenVersion)
	if !ok {
		return engine.Profile{}, fmt.Errorf("the trace's Xen version is %q, not a release", h.XenVersion)
	}
	paging, err := pagingOf(h)
	if err != nil {
		return engine.Profile{}, err
	}
	return engine.ProfileFor(rel, paging)
}

// pagingOf takes the recorded kind, or what the CPU's vendor implies: each
// vendor has one.
func pagingOf(h format.Header) (engine.Paging, error) {
	if p, ok := engine.ParsePaging(h.Paging); ok {
		return p, nil
	}
	switch {
	case h.Paging == "" && h.CPUVendor == "AuthenticAMD":
		return engine.NPT, nil
	case h.Paging == "" && h.CPUVendor == "GenuineIntel":
		return engine.EPT, nil
	}
	return 0, fmt.Errorf("the trace names neither npt nor ept: paging %q, CPU vendor %q", h.Paging, h.CPUVendor)
}
