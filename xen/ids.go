package xen

import (
	"fmt"
	"strconv"
)

// DomID is a domain's number. Zero is dom0; values from 0x7ff0 are reserved.
type DomID uint16

// DomIDs with a meaning of their own (public/xen.h).
const (
	Dom0       DomID = 0
	DomSelf    DomID = 0x7ff0 // the calling domain
	DomInvalid DomID = 0x7ff4
)

// ServerID numbers an ioreq server within a domain. From Xen 4.11 it is 0..7,
// before it is a 16-bit counter that starts at 1.
type ServerID uint16

// NoServer stands where no ioreq server is known or none is meant.
const NoServer ServerID = 0xffff

// String returns the decimal id, or "?" for NoServer.
func (s ServerID) String() string {
	if s == NoServer {
		return "?"
	}
	return fmt.Sprintf("%d", uint16(s))
}

// MarshalJSON writes the id as a number, NoServer as null.
func (s ServerID) MarshalJSON() ([]byte, error) {
	if s == NoServer {
		return []byte("null"), nil
	}
	return strconv.AppendUint(nil, uint64(s), 10), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *ServerID) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*s = NoServer
		return nil
	}
	n, err := strconv.ParseUint(string(b), 10, 16)
	if err != nil {
		return fmt.Errorf("want null or the number of an ioreq server, got %.20q", b)
	}
	*s = ServerID(n)
	return nil
}

// VCPU is the index of a virtual CPU within a domain, 0..127.
type VCPU uint16

// NoVCPU stands where the vCPU is not known.
const NoVCPU VCPU = 0xffff

// GFN is a guest frame number: a guest physical address shifted right by
// PageShift.
type GFN uint64

// PageShift and PageSize describe Xen's 4 KiB base page.
const (
	PageShift = 12
	PageSize  = 1 << PageShift
)

// GFNOf returns the frame that holds guest physical address addr.
func GFNOf(addr uint64) GFN { return GFN(addr >> PageShift) }

// Addr returns the guest physical address of the frame's first byte.
func (g GFN) Addr() uint64 { return uint64(g) << PageShift }

// Port is an event-channel port, in the port space of whichever domain the
// context names.
type Port uint32

// SBDF is a PCI address as dm_op ranges carry it: segment<<16 | bus<<8 |
// device<<3 | function.
type SBDF uint32

// NewSBDF packs a PCI address. Device is 0..31 and function 0..7; higher bits
// are cut off.
func NewSBDF(seg uint16, bus, dev, fn uint8) SBDF {
	return SBDF(uint32(seg)<<16 | uint32(bus)<<8 | uint32(dev&31)<<3 | uint32(fn&7))
}

// String returns the form lspci prints, 0000:00:02.0.
func (s SBDF) String() string {
	return fmt.Sprintf("%04x:%02x:%02x.%x", uint32(s)>>16, uint8(s>>8), uint8(s)>>3, uint8(s)&7)
}
