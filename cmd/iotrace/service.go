package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/metrics"
	"github.com/iotrace-xen/iotrace/record"
)

// notify tells a service manager, if one has started this process, how the
// capture stands. Without one it does nothing.
func (c *capture) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		c.log.Warn(fmt.Sprintf("service manager: %v", err))
	}
}

// watchdog is how often the service manager wants a sign of life, 0 for never.
func watchdog() time.Duration {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0 // a variable of another process
	}
	return every / 2
}

// serveMetrics shows the capture's counters, if it was asked to. A capture goes
// on without.
func (c *capture) serveMetrics() {
	if c.flags.metrics == "" {
		return
	}
	start := time.Now()
	s, err := metrics.Listen(c.flags.metrics, func() metrics.Snapshot { return c.snapshot(start) })
	if err != nil {
		c.log.Warn(fmt.Sprintf("%v; this capture shows no metrics", err))
		return
	}
	c.metrics = s
	c.log.Info("metrics at "+s.Addr(), "metrics", s.Addr())
}

func (c *capture) snapshot(start time.Time) metrics.Snapshot {
	h := c.src.header
	c.mu.Lock()
	defer c.mu.Unlock()
	var box *metrics.Flight
	if f := c.flightStatus(); f != nil {
		box = &metrics.Flight{Dumps: uint64(f.Dumps), Failed: uint64(f.Failed), Suppressed: f.Suppressed, Bytes: f.Bytes, Span: time.Duration(f.SpanNS)}
	}
	return metrics.Snapshot{
		Flight: box,
		Events: c.w.Events(), Refused: c.w.Refused(), Bytes: c.w.Bytes(), Files: uint64(c.w.Parts()),
		Lag: c.lag, Start: start, Lost: namedLosses(c.losses()), Version: version, Tier: h.Tier, Xen: h.XenVersion,
	}
}

// losses are what the probes lost and what could not be written.
func (c *capture) losses() record.Stats {
	st := c.src.stats()
	if n := c.w.Refused(); n > 0 {
		st.Lost = append(st.Lost, record.Loss{Probe: format.ProbeWriter, Reason: format.ReasonNoSpace, Count: n})
	}
	return st
}

// namedLosses are losses as metrics name them.
func namedLosses(st record.Stats) []metrics.Loss {
	named := make([]metrics.Loss, len(st.Lost))
	for i, l := range st.Lost {
		named[i] = metrics.Loss{Probe: l.Probe.String(), Reason: l.Reason.String(), Count: l.Count}
	}
	return named
}

// measureLag notes how old the newest event is, if one came since the last time.
func (c *capture) measureLag() {
	n := c.w.Events()
	if n == c.measured {
		return
	}
	c.measured = n
	now := monotonic()
	c.lag = time.Duration(now - cmp.Or(min(c.newest, now), now))
}
