package lab

import (
	"fmt"
	"strings"
)

// Release is one Xen release as Debian ships it.
type Release struct {
	Xen   string // Xen's major.minor, the name users give
	Suite string // the Debian suite it comes from
	qemu  string // the package with qemu-xen, renamed after bullseye
}

// The releases that the lab knows, oldest first. 4.14's dom0 kernel has no
// module BTF, so the recorder's kprobe fallback is what runs there.
var releases = []Release{
	{Xen: "4.14", Suite: "bullseye", qemu: "qemu-system-x86"},
	{Xen: "4.17", Suite: "bookworm", qemu: "qemu-system-xen"},
	{Xen: "4.20", Suite: "trixie", qemu: "qemu-system-xen"},
}

// Releases returns all known releases, oldest first.
func Releases() []Release { return append([]Release(nil), releases...) }

// FindRelease returns the release with that Xen version.
func FindRelease(xen string) (Release, error) {
	var known []string
	for _, r := range releases {
		if r.Xen == xen {
			return r, nil
		}
		known = append(known, r.Xen)
	}
	return Release{}, fmt.Errorf("release %q: not known to the lab, want one of %s", xen, strings.Join(known, ", "))
}

// String returns the Xen version and the suite, "4.17 (bookworm)".
func (r Release) String() string { return fmt.Sprintf("%s (%s)", r.Xen, r.Suite) }

// packages lists what the root image is made of, beyond Debian's essential set.
func (r Release) packages() []string {
	return []string{
		"linux-image-amd64",
		"xen-hypervisor-" + r.Xen + "-amd64",
		"xen-utils-" + r.Xen,
		r.qemu,
		"busybox-static", // the initramfs
		"kmod",
	}
}
