package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/iotrace-xen/iotrace/control"
	"github.com/iotrace-xen/iotrace/format"
)

// What a running capture answers on its control socket. Keys are stable.
type (
	markArgs struct {
		Text string `json:"text"`
	}
	markResult struct {
		Seq    uint64 `json:"seq"` // the mark's first event
		Output string `json:"output"`
	}
	statusResult struct {
		PID    int      `json:"pid"`
		Writer string   `json:"writer"`
		Output string   `json:"output"`
		Files  []string `json:"files"` // finished ones of a ring
		Events uint64   `json:"events"`
		Lost   uint64   `json:"lost"`
	}
)

var errEnded = errors.New("the capture is ending")

// listen opens the control socket. A capture goes on without one.
func (c *capture) listen() {
	s, err := control.Listen(control.Dirs()[0], map[string]control.Verb{"mark": c.markVerb, "status": c.statusVerb})
	if err != nil {
		c.log.Warn(fmt.Sprintf("%v; 'iotrace mark' cannot reach this capture", err))
		return
	}
	c.socket = s
}

// markVerb puts a remark between two events, and on the disk.
func (c *capture) markVerb(args json.RawMessage) (any, error) {
	var a markArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return nil, fmt.Errorf("mark: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, errEnded
	}
	events, err := format.MarkEvents(a.Text, monotonic())
	if err != nil {
		return nil, err
	}
	result := markResult{Seq: c.w.Events(), Output: c.flags.output}
	for _, e := range events {
		if err := c.w.Write(e); err != nil {
			return nil, err
		}
	}
	return result, c.w.Flush()
}

func (c *capture) statusVerb(json.RawMessage) (any, error) {
	st := c.src.stats()
	c.mu.Lock()
	defer c.mu.Unlock()
	return statusResult{
		PID: os.Getpid(), Writer: "iotrace " + version, Output: c.flags.output, Files: c.w.Names(),
		Events: c.w.Events(), Lost: st.Total() + c.w.Refused(),
	}, nil
}
