package engine

import (
	"errors"

	"github.com/iotrace-xen/iotrace/xen"
)

// Config describes a domain before its first step.
type Config struct {
	Dom     xen.DomID
	Profile Profile
	// Complete says that the domain's first ioreq server will be created by an
	// Op: no server, claim, typed page or latched CF8 value predates the trace.
	// Types of pages (RAM or hole) are unknown all the same until an Op shows
	// them; only ioreq_server is then excluded.
	Complete bool
}

// ErrUnknownOp reports an Op whose Kind this package does not know.
var ErrUnknownOp = errors.New("engine: unknown kind of operation")

// Seen is what a recording shows of an Op: what real Xen did.
type Seen struct {
	Errno    xen.Errno
	Words    [3]uint64    // dm_op union after the call
	OutKnown bool         // Words were captured
	Server   xen.ServerID // receiver of an access, NoServer if unknown
	Type     xen.IOReqType
	Addr     uint64 // of an access as delivered
}
