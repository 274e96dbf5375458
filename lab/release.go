package lab

import (
	"fmt"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
)

// Release is one Xen release as Debian ships it.
type Release struct {
	Name   string // what users give: Xen's major.minor, of a variant with what is different
	Xen    string // Xen's major.minor
	Suite  string // the Debian suite it comes from
	qemu   string // the package with qemu-xen, renamed after bullseye
	kernel string // the suite that dom0's kernel comes from, if another
	units  bool   // dom0 can have systemd, which runs services
}

// The releases that the lab knows, oldest first. 4.14's dom0 kernel has no
// module BTF, so the recorder's kprobe fallback is what runs there.
var releases = []Release{
	{Name: "4.14", Xen: "4.14", Suite: "bullseye", qemu: "qemu-system-x86"},
	{Name: "4.17", Xen: "4.17", Suite: "bookworm", qemu: "qemu-system-xen", units: true},
	{Name: "4.20", Xen: "4.20", Suite: "trixie", qemu: "qemu-system-xen"},
}

// variants are further machines, which make test leaves out to stay quick.
var variants = []Release{
	// The newest kernel that Debian ships for a Xen of its own.
	{Name: "4.20-backports", Xen: "4.20", Suite: "trixie", qemu: "qemu-system-xen", kernel: "trixie-backports"},
}

// Releases returns all releases, oldest first, without variants.
func Releases() []Release { return append([]Release(nil), releases...) }

// Variants returns the further machines.
func Variants() []Release { return append([]Release(nil), variants...) }

// FindRelease returns the release or variant with that name.
func FindRelease(name string) (Release, error) {
	var known []string
	for _, r := range slices.Concat(releases, variants) {
		if r.Name == name {
			return r, nil
		}
		known = append(known, r.Name)
	}
	return Release{}, fmt.Errorf("release %q: not known to the lab, want one of %s", name, strings.Join(known, ", "))
}

// String returns the name and the suite, "4.17 (bookworm)".
func (r Release) String() string { return fmt.Sprintf("%s (%s)", r.Name, r.Suite) }

// EventFD reports whether the release's image has a xen-privcmd that can answer
// requests by itself.
func (r Release) EventFD() bool { return r.kernel != "" }

// Units reports whether the release's image has systemd.
func (r Release) Units() bool { return r.units }

// model returns the release as package engine names it.
func (r Release) model() (engine.Release, error) {
	m, ok := engine.ParseRelease(r.Xen)
	if !ok {
		return m, fmt.Errorf("%v: %q is no version of Xen", r, r.Xen)
	}
	return m, nil
}

// packages lists what the root image is made of, beyond Debian's essential set.
func (r Release) packages() []string {
	linux, headers := "linux-image-amd64", "linux-headers-amd64"
	var further []string
	if r.kernel != "" {
		linux += "/" + r.kernel
		headers += "/" + r.kernel
		further = []string{"binutils"} // which its headers no longer bring
	}
	if r.EventFD() {
		further = append(further, "linux-source/"+r.kernel)
	}
	if r.Units() {
		further = append(further, "systemd")
	}
	return append([]string{
		linux,
		"xen-hypervisor-" + r.Xen + "-amd64",
		"xen-utils-" + r.Xen,
		r.qemu,
		"busybox-static", // the initramfs
		"kmod",
		headers, "make", // for the lab's own module
	}, further...)
}

// suites are the suites of the mirror that the packages come from.
func (r Release) suites() []string {
	if r.kernel == "" {
		return []string{r.Suite}
	}
	return []string{r.Suite, r.kernel}
}
