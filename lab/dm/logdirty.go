package dm

import (
	"encoding/binary"
	"runtime"

	"github.com/iotrace-xen/iotrace/xen"
)

// LogDirtyOp is an operation on a domain's log-dirty mode (XEN_DOMCTL_SHADOW_OP_*).
type LogDirtyOp uint32

// The operations of a toolstack that migrates a domain.
const (
	LogDirtyOff    LogDirtyOp = 0
	LogDirtyEnable LogDirtyOp = 2  // ENABLE_LOGDIRTY
	LogDirtyClean  LogDirtyOp = 11 // hand out what is dirty, and begin anew
	LogDirtyPeek   LogDirtyOp = 12 // hand out only
)

// The domctl's head and shadow_op's structure behind it, alike in 4.11 to 4.20.
const (
	domctlSize    = 16 + 128
	domctlVersion = 4
	domctlDomain  = 8
	shadowOp      = 16
	shadowBitmap  = shadowOp + 16
	shadowPages   = shadowOp + 24
)

// Domctls have a version that changes from release to release, and refuse others.
const (
	firstDomctlVersion = 0x10
	lastDomctlVersion  = 0x30
)

// LogDirty makes a shadow_op. Clean and Peek fill the bitmap, which has a bit for
// each frame from 0 on.
func (c *Conn) LogDirty(op LogDirtyOp, bitmap []byte) xen.Errno {
	if c.domctl == 0 {
		c.domctl = firstDomctlVersion
	}
	for {
		errno := c.shadowOp(op, bitmap)
		if errno != xen.EAcces || c.domctl == lastDomctlVersion {
			return errno
		}
		c.domctl++
	}
}

func (c *Conn) shadowOp(op LogDirtyOp, bitmap []byte) xen.Errno {
	arg := make([]byte, domctlSize)
	binary.LittleEndian.PutUint32(arg, uint32(xen.DomctlShadowOp))
	binary.LittleEndian.PutUint32(arg[domctlVersion:], c.domctl)
	binary.LittleEndian.PutUint16(arg[domctlDomain:], uint16(c.Dom))
	binary.LittleEndian.PutUint32(arg[shadowOp:], uint32(op))
	var pin runtime.Pinner
	defer pin.Unpin()
	for i := range bitmap { // the kernel does not fault in what Xen writes to
		bitmap[i] = 0xff
	}
	if len(bitmap) > 0 {
		pin.Pin(&bitmap[0])
		binary.LittleEndian.PutUint64(arg[shadowBitmap:], address(&bitmap[0]))
		binary.LittleEndian.PutUint64(arg[shadowPages:], 8*uint64(len(bitmap)))
	}
	pin.Pin(&arg[0])
	return hypercall(c.privcmd, xen.HyperDomctl, address(&arg[0]), 0)
}
