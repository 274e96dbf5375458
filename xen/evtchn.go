package xen

// EventOp is the number of an event_channel_op sub-operation (EVTCHNOP_*).
type EventOp uint32

// The sub-operations that device models and iotrace use.
const (
	EventBindInterdomain EventOp = 0
	EventBindVIRQ        EventOp = 1
	EventClose           EventOp = 3
	EventSend            EventOp = 4
	EventStatus          EventOp = 5
	EventAllocUnbound    EventOp = 6
	EventUnmask          EventOp = 9
	EventReset           EventOp = 10
)

var eventOpNames = []string{
	0: "bind_interdomain", 1: "bind_virq", 2: "bind_pirq", 3: "close", 4: "send", 5: "status",
	6: "alloc_unbound", 7: "bind_ipi", 8: "bind_vcpu", 9: "unmask", 10: "reset",
}

// String returns the name in Xen's header in lower case, or event_channel_opN.
func (e EventOp) String() string { return nameOf(eventOpNames, uint64(e), "event_channel_op") }

// EventBind is struct evtchn_bind_interdomain. LocalPort is an output.
type EventBind struct {
	RemoteDom  DomID
	RemotePort Port
	LocalPort  Port
}

// EventBindSize is sizeof(struct evtchn_bind_interdomain).
const EventBindSize = 12

// DecodeEventBind decodes the structure's 12 bytes.
func DecodeEventBind(b []byte) (EventBind, error) {
	if err := checkSize("evtchn_bind_interdomain", b, EventBindSize); err != nil {
		return EventBind{}, err
	}
	return EventBind{
		RemoteDom: DomID(le.Uint16(b)), RemotePort: Port(le.Uint32(b[4:])), LocalPort: Port(le.Uint32(b[8:])),
	}, nil
}

// Append appends the structure's 12 bytes to b.
func (x EventBind) Append(b []byte) []byte {
	b = le.AppendUint32(b, uint32(x.RemoteDom))
	b = le.AppendUint32(b, uint32(x.RemotePort))
	return le.AppendUint32(b, uint32(x.LocalPort))
}

// PortStatus is the state of an event channel (EVTCHNSTAT_*).
type PortStatus uint32

// The states of public/event_channel.h.
const (
	PortClosed      PortStatus = 0
	PortUnbound     PortStatus = 1
	PortInterdomain PortStatus = 2
	PortPIRQ        PortStatus = 3
	PortVIRQ        PortStatus = 4
	PortIPI         PortStatus = 5
)

// EventStatusReply is struct evtchn_status. Remote fields are meaningful for
// unbound (domain only) and interdomain ports.
type EventStatusReply struct {
	Dom        DomID // input
	Port       Port  // input
	Status     PortStatus
	VCPU       uint32
	RemoteDom  DomID
	RemotePort Port
}

// EventStatusSize is sizeof(struct evtchn_status).
const EventStatusSize = 24

// DecodeEventStatus decodes the structure's 24 bytes.
func DecodeEventStatus(b []byte) (EventStatusReply, error) {
	if err := checkSize("evtchn_status", b, EventStatusSize); err != nil {
		return EventStatusReply{}, err
	}
	return EventStatusReply{
		Dom: DomID(le.Uint16(b)), Port: Port(le.Uint32(b[4:])), Status: PortStatus(le.Uint32(b[8:])),
		VCPU: le.Uint32(b[12:]), RemoteDom: DomID(le.Uint16(b[16:])), RemotePort: Port(le.Uint32(b[20:])),
	}, nil
}

// Append appends the structure's 24 bytes to b.
func (x EventStatusReply) Append(b []byte) []byte {
	b = le.AppendUint32(b, uint32(x.Dom))
	b = le.AppendUint32(b, uint32(x.Port))
	b = le.AppendUint32(b, uint32(x.Status))
	b = le.AppendUint32(b, x.VCPU)
	b = le.AppendUint32(b, uint32(x.RemoteDom))
	return le.AppendUint32(b, uint32(x.RemotePort))
}
