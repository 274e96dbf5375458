package format

import "strconv"

// Probe says which part of the capture lost something.
type Probe uint8

// The probes of the recorder. ProbeRing is a buffered ring: its lost things are
// slots that the device model consumed and Xen reused before they were seen.
const (
	ProbeUnknown     Probe = 0
	ProbePrivcmd     Probe = 1 // hypercalls and other privcmd ioctls
	ProbeEvtchnIoctl Probe = 2 // bind, unbind, notify
	ProbeEvtchnRead  Probe = 3
	ProbeEvtchnWrite Probe = 4 // unmask
	ProbeInterrupt   Probe = 5
	ProbeIOReq       Probe = 6 // slots at read
	ProbeIOResp      Probe = 7 // slots at notify
	ProbeRing        Probe = 8
	ProbeProcess     Probe = 9 // process and descriptor ends
	ProbeWriter      Probe = 10
	ProbeFile        Probe = 11 // the trace file itself: a reader found it damaged here
)

var probeNames = []string{
	"unknown", "privcmd", "evtchn_ioctl", "evtchn_read", "evtchn_write", "interrupt", "ioreq", "ioresp",
	"ring", "process", "writer", "file",
}

// String returns the name that the text form prints.
func (p Probe) String() string { return enumName(probeNames, uint64(p)) }

// Reason says why it was lost.
type Reason uint8

// The reasons.
const (
	ReasonUnknown   Reason = 0
	ReasonNoSpace   Reason = 1  // the kernel-to-user buffer was full
	ReasonFault     Reason = 2  // the device model's memory could not be read
	ReasonNoEntry   Reason = 3  // a return without its entry (attached in between)
	ReasonMapFull   Reason = 4  // a table of the probes was full
	ReasonOverrun   Reason = 5  // ring slots were reused before they were seen
	ReasonMissed    Reason = 6  // the kernel skipped the probe
	ReasonTruncated Reason = 7  // more of one thing than a probe reads
	ReasonMalformed Reason = 8  // a record that the decoder refused
	ReasonDamaged   Reason = 9  // blocks of the file that could not be read
	ReasonShare     Reason = 10 // the domain had its share of the kernel-to-user buffer
)

var reasonNames = []string{
	"unknown", "no_space", "fault", "no_entry", "map_full", "overrun", "missed", "truncated", "malformed", "damaged", "share",
}

// String returns the name that the text form prints.
func (r Reason) String() string { return enumName(reasonNames, uint64(r)) }

// enumName returns names[v], or the number for a value without a name.
func enumName(names []string, v uint64) string {
	if v < uint64(len(names)) && names[v] != "" {
		return names[v]
	}
	return uitoa(v)
}

func uitoa(v uint64) string { return strconv.FormatUint(v, 10) }
