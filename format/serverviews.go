package format

import "github.com/iotrace-xen/iotrace/xen"

// StateServer is what a key-frame says of one ioreq server. Owner counts only
// if Owned; Closed says that its StateRanges are all that there are.
type StateServer struct {
	Dom                   xen.DomID
	Server                xen.ServerID
	Exists, Enabled, Ring Tri
	EPort                 Tri // the slots hold the server's event channels
	Pages                 PagesFrom
	Closed, Owned         bool
	Owner                 xen.DomID
}

// Event packs s.
func (s StateServer) Event(t uint64) Event {
	e := blank(KindStateServer, t)
	e.Dom, e.Server = s.Dom, s.Server
	e.W[0] = uint64(s.Exists) | uint64(s.Enabled)<<8 | uint64(s.Ring)<<16 | uint64(s.EPort)<<24 | uint64(s.Pages)<<32 |
		flag(s.Closed, 40) | flag(s.Owned, 41) | uint64(s.Owner)<<48
	return e
}

// StateServer unpacks a KindStateServer event.
func (e Event) StateServer() StateServer {
	if e.Kind != KindStateServer {
		return StateServer{}
	}
	w := e.W[0]
	return StateServer{
		Dom: e.Dom, Server: e.Server, Exists: Tri(w), Enabled: Tri(w >> 8), Ring: Tri(w >> 16), EPort: Tri(w >> 24),
		Pages: PagesFrom(w >> 32), Closed: has(w, 40), Owned: has(w, 41), Owner: xen.DomID(w >> 48),
	}
}

// StateServerInfo has the words in which get_ioreq_server_info answered, as far
// as Mask says.
type StateServerInfo struct {
	Dom         xen.DomID
	Server      xen.ServerID
	Words, Mask [3]uint64
}

// Event packs s.
func (s StateServerInfo) Event(t uint64) Event {
	e := blank(KindStateServerInfo, t)
	e.Dom, e.Server = s.Dom, s.Server
	copy(e.W[:], s.Words[:])
	copy(e.W[3:], s.Mask[:])
	return e
}

// StateServerInfo unpacks a KindStateServerInfo event.
func (e Event) StateServerInfo() StateServerInfo {
	if e.Kind != KindStateServerInfo {
		return StateServerInfo{}
	}
	return StateServerInfo{e.Dom, e.Server, [3]uint64(e.W[:3]), [3]uint64(e.W[3:6])}
}

// StateRange is one of a server's I/O ranges.
type StateRange struct {
	Dom    xen.DomID
	Server xen.ServerID
	Range  xen.Range
}

// Event packs s.
func (s StateRange) Event(t uint64) Event {
	e := blank(KindStateRange, t)
	e.Dom, e.Server = s.Dom, s.Server
	e.W[0], e.W[1], e.W[2] = uint64(s.Range.Space), s.Range.First, s.Range.Last
	return e
}

// StateRange unpacks a KindStateRange event.
func (e Event) StateRange() StateRange {
	if e.Kind != KindStateRange {
		return StateRange{}
	}
	return StateRange{e.Dom, e.Server, xen.Range{Space: xen.Space(e.W[0]), First: e.W[1], Last: e.W[2]}}
}

// StateSlot is a slot in which Xen saw READY or, if the device model has taken
// it up, INPROCESS, and whose answer is due.
type StateSlot struct {
	Dom    xen.DomID
	Server xen.ServerID
	VCPU   xen.VCPU
	State  xen.State
}

// Event packs s.
func (s StateSlot) Event(t uint64) Event {
	e := blank(KindStateSlot, t)
	e.Dom, e.Server, e.VCPU, e.W[0] = s.Dom, s.Server, s.VCPU, uint64(s.State&15)
	return e
}

// StateSlot unpacks a KindStateSlot event.
func (e Event) StateSlot() StateSlot {
	if e.Kind != KindStateSlot {
		return StateSlot{}
	}
	return StateSlot{e.Dom, e.Server, e.VCPU, xen.State(e.W[0])}
}

// StateDoomed is a server whose destruction has begun: its requests may be gone.
type StateDoomed struct {
	Dom    xen.DomID
	Server xen.ServerID
}

// Event packs s.
func (s StateDoomed) Event(t uint64) Event {
	e := blank(KindStateDoomed, t)
	e.Dom, e.Server = s.Dom, s.Server
	return e
}

// StateDoomed unpacks a KindStateDoomed event.
func (e Event) StateDoomed() StateDoomed {
	if e.Kind != KindStateDoomed {
		return StateDoomed{}
	}
	return StateDoomed{e.Dom, e.Server}
}
