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
		Files  []string `json:"files"` // finished ones of a ring, or dumps
		Events uint64   `json:"events"`
		Lost   uint64   `json:"lost"`

		Flight *flightStatus `json:"flight,omitempty"`
	}
	dumpResult struct {
		File   string `json:"file"`
		Events uint64 `json:"events"`
		SpanNS uint64 `json:"span_ns"`
	}
)

var errEnded = errors.New("the capture is ending")

// listen opens the control socket. A capture goes on without one.
func (c *capture) listen() {
	s, err := control.Listen(control.Dirs()[0], c.verbs())
	if err != nil {
		c.log.Warn(fmt.Sprintf("%v; 'iotrace mark' cannot reach this capture", err))
		return
	}
	c.socket = s
}

func (c *capture) verbs() map[string]control.Verb {
	return map[string]control.Verb{"mark": c.markVerb, "dump": c.dumpVerb, "status": c.statusVerb, "top": c.topVerb}
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
	seq, err := c.mark(a.Text, monotonic())
	if err != nil {
		return nil, err
	}
	return markResult{Seq: seq, Output: c.target()}, c.w.Flush()
}

// mark puts a remark behind the events so far, and returns its number. The lock is
// held.
func (c *capture) mark(text string, now uint64) (seq uint64, err error) {
	events, err := format.MarkEvents(text, now)
	if err != nil {
		return 0, err
	}
	seq = c.w.Events()
	for _, e := range events {
		if err := c.w.Write(e); err != nil {
			return seq, err
		}
	}
	return seq, nil
}

// dumpVerb puts a remark into a flight recorder and has it dumped.
func (c *capture) dumpVerb(args json.RawMessage) (any, error) {
	var a markArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return nil, fmt.Errorf("dump: %w", err)
	}
	d, err := c.askDump(a.Text)
	if err != nil {
		return nil, err
	}
	return dumpResult{d.name, d.state.Events, uint64(d.state.Span)}, nil
}

func (c *capture) statusVerb(json.RawMessage) (any, error) {
	st := c.src.stats()
	c.mu.Lock()
	defer c.mu.Unlock()
	result := statusResult{
		PID: os.Getpid(), Writer: "iotrace " + version, Output: c.flags.output, Files: c.w.Names(),
		Events: c.w.Events(), Lost: st.Total() + c.w.Refused(), Flight: c.flightStatus(),
	}
	if c.box != nil {
		result.Files = c.box.names
	}
	return result, nil
}
