package dom0

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/xentrace"
	"github.com/iotrace-xen/iotrace/xen"
)

// Where Xen's own trace of one script goes: it is of no use afterwards.
const (
	p2mTraceFile = "/lab/p2m.trace"
	p2mTraceLog  = "p2mtrace.log"
)

// noStep is the number of marks that belong to no step.
const noStep = ^uint32(0)

// startP2MTrace has xentrace record what Xen does to p2ms, and returns when it does:
// when a mark has come out.
func startP2MTrace(dom xen.DomID) (p *process, err error) {
	c, err := dm.Open(dom, 1, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	p, err = start(p2mTraceLog, "xentrace", "-D", "-e", fmt.Sprintf("%#x", xentrace.Mask), p2mTraceFile)
	if err != nil {
		return nil, err
	}
	return p, until("xentrace to write "+filepath.Base(p2mTraceFile), func() error {
		if err := c.Mark(xentrace.MarkEvent, noStep); err != nil {
			return err
		}
		info, err := os.Stat(p2mTraceFile)
		if err == nil && info.Size() == 0 {
			err = errors.New("it is empty")
		}
		return err
	})
}

// endP2MTrace ends xentrace and returns what it has recorded.
func endP2MTrace(p *process) ([]byte, error) {
	if err := p.interrupt(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(p2mTraceFile)
	return b, errors.Join(err, os.Remove(p2mTraceFile))
}
