package format

import "github.com/iotrace-xen/iotrace/xen"

// DomainFound is a domain that existed before the capture. What happened to it
// earlier is unknown unless other Found events say it. VCPUs is zero if that
// could not be learned.
type DomainFound struct {
	Dom   xen.DomID
	VCPUs uint32
}

// Event packs d.
func (d DomainFound) Event(t uint64) Event {
	e := blank(KindDomainFound, t)
	e.Dom, e.W[0] = d.Dom, uint64(d.VCPUs)
	return e
}

// DomainFound unpacks a KindDomainFound event.
func (e Event) DomainFound() DomainFound {
	if e.Kind != KindDomainFound {
		return DomainFound{}
	}
	return DomainFound{e.Dom, uint32(e.W[0])}
}

// ServerFound is an ioreq server that existed before the capture, as
// get_ioreq_server_info shows it. BufPort is zero for a server without a ring.
type ServerFound struct {
	Dom     xen.DomID
	Server  xen.ServerID
	BufPort xen.Port // in the domain's port space
}

// Event packs s.
func (s ServerFound) Event(t uint64) Event {
	e := blank(KindServerFound, t)
	e.Dom, e.Server, e.W[0] = s.Dom, s.Server, uint64(s.BufPort)
	return e
}

// ServerFound unpacks a KindServerFound event.
func (e Event) ServerFound() ServerFound {
	if e.Kind != KindServerFound {
		return ServerFound{}
	}
	return ServerFound{e.Dom, e.Server, xen.Port(uint32(e.W[0]))}
}

// PortFound is a dom0 port that was bound to a domain before the capture.
type PortFound struct {
	Dom         xen.DomID
	Local       xen.Port
	RemoteInDom xen.Port
}

// Event packs p.
func (p PortFound) Event(t uint64) Event {
	e := blank(KindPortFound, t)
	e.Dom, e.W[0] = p.Dom, pair(uint32(p.Local), uint32(p.RemoteInDom))
	return e
}

// PortFound unpacks a KindPortFound event.
func (e Event) PortFound() PortFound {
	if e.Kind != KindPortFound {
		return PortFound{}
	}
	return PortFound{e.Dom, xen.Port(uint32(e.W[0])), xen.Port(e.W[0] >> 32)}
}

// What names state that Xen and the kernel do not show to a late observer.
type What uint8

// The things that can stay unlearned.
const (
	WhatRanges       What = 1 // I/O ranges of a server
	WhatClaim        What = 2 // which server holds the mem type
	WhatEnabled      What = 3 // whether a server is enabled
	WhatPageTypes    What = 4 // types of the domain's pages
	WhatServerOfPage What = 5 // which server a device model's page belongs to
	WhatServers      What = 6 // whether there are servers at all
	WhatVCPUs        What = 7 // how many vCPUs the domain has
	WhatDriverPorts  What = 8 // which event channels a driver inside the kernel had bound: requests through them are not recorded
	WhatRing         What = 9 // where a device model has mapped a server's buffered ring: its entries are not recorded
)

var whatNames = []string{1: "ranges", "claim", "enabled", "page_types", "server_of_page", "servers", "vcpus", "driver_ports",
	"ring"}

// String returns the name that the text form prints.
func (w What) String() string { return enumName(whatNames, uint64(w)) }

// Unlearned says what could not be learned about a domain or one of its
// servers.
type Unlearned struct {
	Dom    xen.DomID
	Server xen.ServerID
	What   What
}

// Event packs u.
func (u Unlearned) Event(t uint64) Event {
	e := blank(KindUnlearned, t)
	e.Dom, e.Server, e.W[0] = u.Dom, u.Server, uint64(u.What)
	return e
}

// Unlearned unpacks a KindUnlearned event.
func (e Event) Unlearned() Unlearned {
	if e.Kind != KindUnlearned {
		return Unlearned{}
	}
	return Unlearned{e.Dom, e.Server, What(e.W[0])}
}
