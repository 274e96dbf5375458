package record

import (
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A decoder turns raw records into events. It holds nothing of the kernel and
// reads no clock: whatever bytes it gets, it appends to events what they mean,
// and a Lost event for what it cannot read. It is not safe for concurrent use.
type decoder struct {
	full    bool               // keep the data of all requests
	hashed  *pseudonym         // what stands for their data, if not nil
	domains map[xen.DomID]bool // the only ones wanted, if not empty
	choice  choice
	comm    func(pid uint32) string
	mapped  func(pid uint32) // a process has mapped a buffered ring
	ended   func(pid uint32) // it has nothing mapped any more

	// skipsCounted says that each return of privcmd that was not shown is counted.
	skipsCounted bool

	events   []format.Event // decoded, until the caller takes them
	lastID   uint64
	known    map[uint32]bool // processes named, by pid
	latest   int64           // the one of them that was seen last, -1 if none is
	calls    map[uint32]call // between entry and return, by tid
	requests map[slotKey]*asked
	forgot   int              // how often requests were forgotten
	ports    map[uint32]*port // by number, of domains
	rings    map[ringName]*ring
	order    []*ring         // in order of their first look
	followed map[uint32]bool // processes that mapped was told of
	late     late
	drivers  drivers
	received perCPU // records
	gaps     int64  // sequence numbers below those that did not come
}

func newDecoder() *decoder {
	return &decoder{
		comm: func(uint32) string { return "" }, mapped: func(uint32) {}, ended: func(uint32) {},
		known: map[uint32]bool{}, calls: map[uint32]call{}, requests: map[slotKey]*asked{}, ports: map[uint32]*port{},
		rings: map[ringName]*ring{}, followed: map[uint32]bool{}, latest: -1, late: newLate(), drivers: newDrivers(),
	}
}

// batch is how many events are decoded before they are taken, unless there are no more
// records yet.
const batch = 512

// take returns the events decoded since the last call. They are valid until the
// next call of decode.
func (d *decoder) take() []format.Event {
	ev := d.events
	d.events = d.events[:0]
	return ev
}

func (d *decoder) emit(e format.Event) {
	*d.next() = e
	d.choose()
}

// next returns the place of the next event, which is packed there before choose is
// called.
func (d *decoder) next() *format.Event {
	n := len(d.events)
	if n == cap(d.events) {
		d.events = slices.Grow(d.events, batch)
	}
	d.events = d.events[:n+1]
	return &d.events[n]
}

// choose drops the last event if it is not to be kept.
func (d *decoder) choose() {
	if n := len(d.events) - 1; d.choice.some && !d.choice.wants(&d.events[n]) {
		d.events = d.events[:n]
	}
}

func (d *decoder) lose(t uint64, p format.Probe, r format.Reason, cpu uint16, n uint64) {
	d.emit(format.Lost{
		Dom: xen.DomInvalid, Server: xen.NoServer, Probe: p, Reason: r, CPU: int64(cpu), Count: n,
	}.Event(t))
}

// missed emits a loss of one thing that the kernel did not let a probe see.
func (d *decoder) missed(t uint64, p format.Probe) {
	d.emit(format.Lost{
		Dom: xen.DomInvalid, Server: xen.NoServer, Probe: p, Reason: format.ReasonMissed, CPU: noCPU, Count: 1,
	}.Event(t))
}

func (d *decoder) newID() uint64 {
	d.lastID++
	return d.lastID
}

// wanted reports whether events about dom are to be kept.
func (d *decoder) wanted(dom xen.DomID) bool { return len(d.domains) == 0 || d.domains[dom] }

// decode decodes one raw record. b may be reused afterwards.
func (d *decoder) decode(b []byte) {
	h, ok := parseHead(b)
	if !ok {
		d.lose(h.Time, format.ProbeUnknown, format.ReasonMalformed, h.CPU, 1)
		return
	}
	d.count(h.CPU, h.Probe, h.Seq)
	switch h.Kind {
	case rawProcess:
		d.process(h, commIn(b))
	case rawExec:
		d.exec(h, commIn(b))
	case rawExit:
		d.exit(h)
	case rawInterrupt, rawRead, rawUnmask:
		d.portEvent(h, parsePort(b))
	case rawSlotIn, rawSlotOut:
		d.anySlot(&h, b)
	case rawRing, rawPage:
		d.ring(h, parseRing(b), b[rawRingHeadSize:])
	case rawIoctl:
		d.ioctl(h, parseIoctl(b), nil)
	case rawEventFD:
		d.eventFD(h, parseEventFD(b))
	case rawMmap:
		d.mmap(h, parseMmap(b))
	case rawDMOp, rawDMOpBuf:
		d.dmOp(h, parseDMOp(b, h.Kind))
	case rawHyper:
		d.hypercall(h, parseHyper(b))
	case rawIoctlRet, rawDMOpRet, rawHyperRet:
		d.callReturn(h, parseRet(b))
	case rawIRQFD:
		d.irqFD(h, parseRet(b))
	case rawHook, rawHookRet:
		d.hook(h, parseHook(b))
	}
}

// count counts a record, and by its number those that are missing before it.
func (d *decoder) count(cpu uint16, p format.Probe, seq uint64) {
	r := d.received.at(cpu)
	r.by[min(p, lossProbes-1)]++
	d.gaps--
	if next := seq + 1; next > r.next {
		d.gaps += int64(next - r.next)
		r.next = next
	}
}

func (h *rawHead) caller() format.Caller { return format.Caller{PID: h.PID, TID: h.TID} }
