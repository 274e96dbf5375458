package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/iotrace-xen/iotrace/analyze"
	"github.com/iotrace-xen/iotrace/format"
)

// What the verb top takes and answers. Each client has a meter of its own, from
// its first request on; the answer is what that has measured since the last.
type (
	topArgs struct {
		Client     string `json:"client"` // any text that no other client has
		Filter     string `json:"filter"` // of the first request; empty for all events
		IntervalNS uint64 `json:"interval_ns"`
	}
	topResult struct {
		Output string         `json:"output"`
		Chosen *format.Choice `json:"chosen,omitempty"`
		analyze.Load
	}
)

// The limits of what clients can ask a capture to do for them.
const (
	maxClients  = 4
	topRows     = 40 // so that an answer fits control.MaxLine
	maxInterval = time.Hour
)

// A clientMeter measures for a client of the control socket.
type clientMeter struct {
	client string
	meter  filteredMeter
	since  time.Time // of the last answer
	until  time.Time // it is forgotten then
}

func (c *capture) topVerb(args json.RawMessage) (any, error) {
	var a topArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return nil, fmt.Errorf("top: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	m, err := c.meterOf(a, now)
	if err != nil {
		return nil, err
	}
	l := m.meter.Load(uint64(now.Sub(m.since)), topRows)
	m.meter.Reset()
	m.since, m.until = now, now.Add(10*time.Second+2*time.Duration(min(a.IntervalNS, uint64(maxInterval))))
	return topResult{c.target(), c.src.header.Chosen, l}, nil
}

// meterOf returns the client's meter, a new one if it has none.
func (c *capture) meterOf(a topArgs, now time.Time) (*clientMeter, error) {
	c.forgetMeters(now)
	for _, m := range c.meters {
		if m.client == a.Client {
			return m, nil
		}
	}
	if len(c.meters) == maxClients {
		return nil, errors.New("too many watch this capture; end another iotrace top")
	}
	m := &clientMeter{client: a.Client, since: now}
	if a.Filter != "" {
		if err := m.meter.filter.Set(a.Filter); err != nil {
			return nil, err
		}
	}
	c.meters = append(c.meters, m)
	return m, nil
}

// forgetMeters frees the meters of clients that ask no more.
func (c *capture) forgetMeters(now time.Time) {
	c.meters = slices.DeleteFunc(c.meters, func(m *clientMeter) bool { return now.After(m.until) && !m.until.IsZero() })
}
