package format

import (
	"iter"

	"github.com/iotrace-xen/iotrace/xen"
)

// NumWords is how many words an event has room for.
const NumWords = 8

// An Event is one thing that was seen, in the order in which it was seen. It is
// a plain value without pointers: keep it, copy it, compare it with ==.
//
// What the words mean depends on Kind; the specs table says it, and each kind
// has a view (IOReq, DMOpEnter, ...) that packs and unpacks them. Words that a
// kind does not use are zero.
type Event struct {
	Seq    uint64       // position in the trace, from 0; the order of events
	Time   uint64       // ns of the recording host's CLOCK_MONOTONIC; an attribute, not the order
	Dom    xen.DomID    // the domain it is about, xen.DomInvalid if none is known
	Server xen.ServerID // ioreq server, xen.NoServer if none is meant or known
	VCPU   xen.VCPU     // vCPU whose slot it is, xen.NoVCPU if none
	Kind   Kind
	W      [NumWords]uint64
}

// ID is what the events of one request or one call have in common: IOReq, IOResp and
// BufIOReq, a call's entry, its return and its further buffers.
func (e *Event) ID() uint64 { return e.W[0] }

// blank returns an event of kind k at time t that is about nothing yet.
func blank(k Kind, t uint64) Event {
	return Event{Time: t, Kind: k, Dom: xen.DomInvalid, Server: xen.NoServer, VCPU: xen.NoVCPU}
}

// set copies x word by word. Where x was written just before, as an argument is, its
// words can be read at once, but not pieces of two of them, as a plain copy does.
func (e *Event) set(x *Event) {
	e.Seq, e.Time, e.Dom, e.Server, e.VCPU, e.Kind = x.Seq, x.Time, x.Dom, x.Server, x.VCPU, x.Kind
	e.W[0], e.W[1], e.W[2], e.W[3] = x.W[0], x.W[1], x.W[2], x.W[3]
	e.W[4], e.W[5], e.W[6], e.W[7] = x.W[4], x.W[5], x.W[6], x.W[7]
}

// Kind says what an event is. The numbers are part of the format.
type Kind uint8

// The kinds. Calls are two events, entry and return, joined by an id that is
// unique in the trace, so that the last call before a crash is there.
const (
	KindInvalid           Kind = 0
	KindClock             Kind = 1  // a reading of the host's clocks at one moment
	KindLost              Kind = 2  // events are missing here
	KindProcess           Kind = 3  // a process that makes captured calls, with its name
	KindProcessExit       Kind = 4  // it ended; its descriptors and mappings are gone
	KindDomainFound       Kind = 5  // a domain that existed when the capture began
	KindServerFound       Kind = 6  // an ioreq server that existed when the capture began
	KindPortFound         Kind = 7  // a dom0 event channel bound before the capture began
	KindUnlearned         Kind = 8  // what the kernel would not tell about older state
	KindDMOpEnter         Kind = 9  // a dm_op as the caller passed it
	KindDMOpBuf           Kind = 10 // 16 bytes of one of its further buffers
	KindDMOpReturn        Kind = 11 // its result, and buffer 0 as Xen left it
	KindHypercallEnter    Kind = 12 // any other hypercall through privcmd
	KindHypercallReturn   Kind = 13
	KindMmapResourceEnter Kind = 14 // IOCTL_PRIVCMD_MMAP_RESOURCE
	KindIoctlEnter        Kind = 15 // any other ioctl of privcmd or evtchn
	KindIoctlReturn       Kind = 16 // the return of either
	KindEvtchnInterrupt   Kind = 17 // the event arrived in the dom0 kernel
	KindEvtchnRead        Kind = 18 // the device model took it
	KindEvtchnUnmask      Kind = 19 // the device model let it come again
	KindIOReq             Kind = 20 // a synchronous slot when the device model had taken the event
	KindIOResp            Kind = 21 // the slot when the device model answered
	KindBufIOReq          Kind = 22 // a request in the buffered ring
	KindRingCount         Kind = 23 // conservation of one buffered ring, when its account closes
	KindMark              Kind = 24 // a text that somebody put into the running capture
	KindLeftOut           Kind = 25 // how many events of one kind sampling has left out since the last such event
)

// Kinds from KindState on occur in key-frames only: they are state, not things
// that happened. KindOpen+k is an event of kind k that happened before the
// key-frame and still matters, with its own Seq and Time.
const (
	KindState Kind = 64
	KindOpen  Kind = 128
)

// InKeyFrame says whether events of kind k belong to a key-frame.
func (k Kind) InKeyFrame() bool { return k >= KindState }

// Kinds iterates over the kinds that have a name, in order of their numbers.
func Kinds() iter.Seq[Kind] {
	return func(yield func(Kind) bool) {
		for k := range specs {
			if specs[k].name != "" && !yield(Kind(k)) {
				return
			}
		}
	}
}

// String returns the kind's name as the text form prints it, or kindN.
func (k Kind) String() string {
	if specs[k].name != "" {
		return specs[k].name
	}
	return "kind" + uitoa(uint64(k))
}

// KindByName returns the kind that String names, KindInvalid if there is none.
func KindByName(name string) Kind {
	for k := range Kinds() {
		if specs[k].name == name {
			return k
		}
	}
	return KindInvalid
}
