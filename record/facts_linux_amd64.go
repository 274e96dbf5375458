package record

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
)

// facts fills in what this machine says about itself.
func facts(h *format.Header) {
	h.Writer = "iotrace"
	h.UUID = newUUID()
	const hv = "/sys/hypervisor/"
	if major := readLine(hv + "version/major"); major != "" {
		h.XenVersion = major + "." + readLine(hv+"version/minor") + readLine(hv+"version/extra")
	}
	h.XenChangeset = readLine(hv + "properties/changeset")
	h.Capabilities = readLine(hv + "properties/capabilities")
	h.Kernel = kernelRelease()
	h.CPU, h.CPUVendor = cpuinfo("model name"), cpuinfo("vendor_id")
	switch h.CPUVendor {
	case "AuthenticAMD", "HygonGenuine":
		h.Paging = "npt"
	case "GenuineIntel":
		h.Paging = "ept"
	}
}

// newUUID returns a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // does not fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// cpuinfo returns the first value of key in /proc/cpuinfo.
func cpuinfo(key string) string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// commOf returns the name of a process, "" if it is gone.
func commOf(pid uint32) string { return readLine(fmt.Sprintf("/proc/%d/comm", pid)) }
