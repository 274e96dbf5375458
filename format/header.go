package format

// Header is what a trace says about itself before its first event. Strings that
// could not be learned are empty.
type Header struct {
	Writer           string   `json:"writer"`             // tool name and version
	UUID             string   `json:"uuid"`               // of this file
	CaptureUUID      string   `json:"capture_uuid"`       // the same in all files of one capture
	Part             int      `json:"part,omitempty"`     // which of them this is, from 1; 0 if that has no meaning
	Provenance       []Step   `json:"provenance"`         // what made this file out of others, oldest first
	XenVersion       string   `json:"xen_version"`        // 4.17.7
	XenChangeset     string   `json:"xen_changeset"`      // as the hypervisor reports it
	Capabilities     string   `json:"capabilities"`       // guest types, as the hypervisor reports them
	Kernel           string   `json:"kernel"`             // dom0's release
	Dom0             string   `json:"dom0"`               // pv or pvh
	CPU              string   `json:"cpu"`                // model name
	CPUVendor        string   `json:"cpu_vendor"`         // AuthenticAMD, GenuineIntel
	Paging           string   `json:"paging"`             // npt or ept
	MonotonicNS      uint64   `json:"monotonic_ns"`       // CLOCK_MONOTONIC at the start, and
	WallNS           uint64   `json:"wall_ns"`            // CLOCK_REALTIME at the same moment
	TimeResolutionNS uint64   `json:"time_resolution_ns"` // times are multiples of it; 0 or 1: exact
	Tier             string   `json:"tier"`               // how it was captured: A (fentry), B or C (kprobe)
	TierWhy          string   `json:"tier_why,omitempty"` // what a better tier lacked, or that it was asked for
	Attached         []string `json:"attached"`           // probes, as record names them
	Data             string   `json:"data"`               // payloads kept: none, hash or full
	Partial          bool     `json:"partial"`            // domains existed before the capture
	Chosen           *Choice  `json:"chosen,omitempty"`   // what the capture was told to record, if not all
	Unhooked         []string `json:"unhooked,omitempty"` // drivers in the kernel that could not be hooked, and why: what they do is missing
	Synthetic        bool     `json:"synthetic"`          // not taken from a real Xen
}

// OpCat is the Op of a step that chose some of a trace's events for people to read, and
// left no sign of the others: behind it a trace tells less than what happened.
const OpCat = "cat"

// A Step is one tool's work on a trace: each tool that writes a trace from
// another adds one to those that it found.
type Step struct {
	Op          string   `json:"op"`           // repair, repack, split, merge, OpCat, ...
	Tool        string   `json:"tool"`         // name and version
	Args        []string `json:"args"`         // as given to it
	InputUUID   string   `json:"input_uuid"`   // Header.UUID of what it read
	InputSHA256 string   `json:"input_sha256"` // of that file; empty if it was not computed
	WallNS      uint64   `json:"wall_ns"`      // when, CLOCK_REALTIME
}
