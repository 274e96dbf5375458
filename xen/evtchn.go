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

// EventBindSize is sizeof(struct evtchn_bind_interdomain).
const EventBindSize = 12

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
