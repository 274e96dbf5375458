package xen

// Ioctl is a command of dom0's privcmd or evtchn device.
type Ioctl uint32

// Commands of /dev/xen/privcmd.
const (
	PrivcmdHypercall    Ioctl = 0x305000
	PrivcmdMmap         Ioctl = 0x105002
	PrivcmdMmapBatch    Ioctl = 0x185003
	PrivcmdMmapBatchV2  Ioctl = 0x205004
	PrivcmdDMOp         Ioctl = 0x105005
	PrivcmdRestrict     Ioctl = 0x025006
	PrivcmdMmapResource Ioctl = 0x205007
	PrivcmdIRQFD        Ioctl = 0x40185008
	PrivcmdIOEventFD    Ioctl = 0x40305009
	PrivcmdGetGSI       Ioctl = 0x08500a
	PrivcmdUnimplProbe  Ioctl = 0x0050ff // libxenforeignmemory asks whether ENOTTY comes back
)

// Commands of /dev/xen/evtchn. BindInterdomain returns the local port.
const (
	EvtchnBindVIRQ        Ioctl = 0x044500
	EvtchnBindInterdomain Ioctl = 0x084501
	EvtchnBindUnbound     Ioctl = 0x044502
	EvtchnUnbind          Ioctl = 0x044503
	EvtchnNotify          Ioctl = 0x044504
	EvtchnReset           Ioctl = 0x004505
	EvtchnRestrictDomID   Ioctl = 0x024506
	EvtchnBindStatic      Ioctl = 0x044507
)

var ioctlNames = map[Ioctl]string{
	PrivcmdHypercall: "privcmd_hypercall", PrivcmdMmap: "privcmd_mmap",
	PrivcmdMmapBatch: "privcmd_mmapbatch", PrivcmdMmapBatchV2: "privcmd_mmapbatch_v2",
	PrivcmdDMOp: "privcmd_dm_op", PrivcmdRestrict: "privcmd_restrict",
	PrivcmdMmapResource: "privcmd_mmap_resource", PrivcmdIRQFD: "privcmd_irqfd",
	PrivcmdIOEventFD: "privcmd_ioeventfd", PrivcmdGetGSI: "privcmd_pcidev_get_gsi",
	PrivcmdUnimplProbe: "privcmd_unimplemented_probe",
	EvtchnBindVIRQ:     "evtchn_bind_virq", EvtchnBindInterdomain: "evtchn_bind_interdomain",
	EvtchnBindUnbound: "evtchn_bind_unbound_port", EvtchnUnbind: "evtchn_unbind",
	EvtchnNotify: "evtchn_notify", EvtchnReset: "evtchn_reset",
	EvtchnRestrictDomID: "evtchn_restrict_domid", EvtchnBindStatic: "evtchn_bind_static",
}

// String returns the name in Linux's uapi headers in lower case, or ioctlN.
func (i Ioctl) String() string {
	if s, ok := ioctlNames[i]; ok {
		return s
	}
	return nameOf(nil, uint64(i), "ioctl")
}

// MmapResource is struct privcmd_mmap_resource, the argument of
// PrivcmdMmapResource. Addr is the caller's mapping, an address in its memory.
type MmapResource struct {
	Dom   DomID
	Type  ResourceType
	ID    uint32
	Frame uint32
	Num   uint64
	Addr  uint64
}

// MmapResourceSize is sizeof(struct privcmd_mmap_resource).
const MmapResourceSize = 32

// Append appends the structure's 32 bytes to b.
func (m MmapResource) Append(b []byte) []byte {
	b = le.AppendUint32(b, uint32(m.Dom))
	b = le.AppendUint32(b, uint32(m.Type))
	b = le.AppendUint32(b, m.ID)
	b = le.AppendUint32(b, m.Frame)
	b = le.AppendUint64(b, m.Num)
	return le.AppendUint64(b, m.Addr)
}
