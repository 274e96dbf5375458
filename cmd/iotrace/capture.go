package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/iotrace-xen/iotrace/control"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/metrics"
	"github.com/iotrace-xen/iotrace/record"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/iotrace-xen/iotrace/store"
)

// A capture is one run of record, from the attached probes to the closed file.
// Events come from the source, marks from the control socket, and the clock
// flushes: hence the lock.
type capture struct {
	src    source
	flags  recordFlags
	log    *slog.Logger
	status io.Writer // where progress goes, if it is a terminal

	socket  *control.Server // nil if there is none
	metrics *metrics.Server // nil if there is none

	mu       sync.Mutex
	w        *store.Writer
	box      *blackBox // nil if w does not write to memory
	meters   []*clientMeter
	ended    bool          // w takes no more
	newest   uint64        // time of the newest event
	measured uint64        // how many events there were at the last look
	lag      time.Duration // how old the newest was then
}

// open creates the files.
func (c *capture) open(stdout io.Writer) (err error) {
	id := newUUID()
	opts := c.flags.storeOptions()
	opts.Header = func(part int) format.Header {
		h := c.src.header
		h.Writer, h.UUID, h.CaptureUUID, h.Part = "iotrace "+version, newUUID(), id, part
		return h
	}
	if m, err := replay.NewMirror(c.src.header); err == nil {
		opts.Mirror = m
	} else {
		c.log.Warn(fmt.Sprintf("no key-frames in this trace: %v", err))
	}
	if c.flags.flight.on() {
		return c.openFlight(opts)
	}
	if c.flags.output != "-" {
		if c.w, err = store.Open(c.flags.output, opts); err != nil {
			return outputError(err)
		}
		return nil
	}
	if c.w, err = store.Stream(stdout, opts); err != nil {
		return exit(exitIncomplete, c.writeError(err))
	}
	return nil
}

func (c *capture) run(s signals) error {
	c.listen()
	c.serveMetrics()
	h := c.src.header
	c.log.Info(fmt.Sprintf("recording to %s: Xen %s, Linux %s, tier %s, data %s, %d probes (%s)",
		c.target(), h.XenVersion, h.Kernel, h.Tier, h.Data, len(h.Attached), strings.Join(h.Attached, " ")),
		"output", c.flags.output, "xen", h.XenVersion, "kernel", h.Kernel, "tier", h.Tier, "probes", len(h.Attached))
	for _, w := range c.src.warn {
		c.log.Warn(w)
	}
	c.notify(daemon.SdNotifyReady)
	stop := c.watch(s)
	defer stop()
	done := make(chan struct{})
	go c.flushLoop(done)
	writeErr, captureErr := c.copy()
	close(done)
	c.notify(daemon.SdNotifyStopping)
	if c.socket != nil {
		c.socket.Close()
	}
	if c.metrics != nil {
		c.metrics.Close()
	}
	dumpErr := c.endFlight()
	return cmp.Or(c.end(writeErr, captureErr), dumpErr)
}

// target says where events go.
func (c *capture) target() string {
	if c.box == nil {
		return c.flags.output
	}
	ext := filepath.Ext(c.flags.output)
	return fmt.Sprintf("memory (%v) with dumps to %s.*%s", c.flags.flight.limits.Limits, strings.TrimSuffix(c.flags.output, ext), ext)
}

// copy writes the source's events. When no more can be written it ends the
// source, and goes on to the source's end so that what is refused is counted.
func (c *capture) copy() (writeErr, captureErr error) {
	var n uint64
	for batch, err := range c.src.events {
		if err != nil {
			return writeErr, err
		}
		if err := c.put(batch); err != nil && writeErr == nil {
			writeErr = err
			c.src.stop()
		}
		before := n
		if n += uint64(len(batch)); before < c.flags.events && c.flags.events <= n {
			c.src.stop()
		}
	}
	return writeErr, nil
}

// put writes events, and shows them to who looks on.
func (c *capture) put(batch []format.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest = batch[len(batch)-1].Time
	if err := c.write(batch); err != nil {
		return err
	}
	for _, m := range c.meters {
		for i := range batch {
			m.meter.Add(&batch[i])
		}
	}
	return nil
}

// write writes events. A flight recorder's triggers see each behind those before it.
func (c *capture) write(batch []format.Event) (err error) {
	if c.box == nil {
		return c.w.WriteAll(batch)
	}
	for i := range batch {
		e := &batch[i]
		e.Seq = c.w.Events()
		writeErr := c.w.Write(*e) // which counts what it refuses
		if writeErr == nil {
			more := i+1 < len(batch) && batch[i+1].Kind == format.KindLost
			writeErr = c.watchFor(*e, more)
		}
		err = cmp.Or(err, writeErr)
	}
	return err
}

// tick flushes. An error comes back from the next put.
func (c *capture) tick(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.w.Tick(now)
		c.forgetMeters(now)
		c.measureLag()
	}
}

// end closes the trace, or leaves it incomplete if the capture itself failed,
// and says how it went.
func (c *capture) end(writeErr, captureErr error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	var closeErr error
	if captureErr == nil {
		closeErr = c.w.Close()
	} else {
		closeErr = c.w.Abandon()
	}
	lossErr := c.summary()
	switch {
	case captureErr != nil:
		return exit(exitIncomplete, fmt.Errorf("capture: %w%s", captureErr, c.hint()))
	case writeErr != nil && closeErr == nil:
		return exit(exitIncomplete, fmt.Errorf("%w; the capture ended there: the trace is whole up to that point, %d later events are counted at its end as lost",
			writeErr, c.w.Refused()))
	case writeErr != nil:
		return exit(exitIncomplete, fmt.Errorf("%w; %d events were not written%s", c.writeError(writeErr), c.w.Refused(), c.hint()))
	case closeErr != nil:
		return exit(exitIncomplete, fmt.Errorf("%w%s", c.writeError(closeErr), c.hint()))
	}
	return lossErr
}

func (c *capture) writeError(err error) error {
	if c.flags.output != "-" {
		return err
	}
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return errors.New("standard output: its reader is gone, which ended the capture")
	}
	return fmt.Errorf("standard output: %w", err)
}

// hint says what to do with a file that was not closed.
func (c *capture) hint() string {
	left := c.w.Left()
	if left == "" {
		return ""
	}
	if _, err := os.Lstat(left); errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("\n%s is gone, and with it what was written", left)
	}
	return fmt.Sprintf("\nwhat was written is in %s; 'iotrace repair %s -o %s' makes a whole trace of it",
		left, left, strings.TrimSuffix(left, store.Suffix))
}

// abort ends the process at once.
func (c *capture) abort() {
	said, st := "aborted; the trace is not closed", c.src.stats()
	if c.mu.TryLock() { // held by a write that may never end
		said += c.hint()
		st = c.losses()
	}
	c.log.Error(said)
	sayLosses(c.log, "captured at most %d events, lost at least %d%s", st.Events, st)
	if c.socket != nil {
		c.socket.Close()
	}
	os.Exit(exitIncomplete)
}

// summary prints how long the probes took, if that was measured, and what was lost.
func (c *capture) summary() error {
	st := c.losses()
	for _, p := range st.Probes {
		c.log.Info(fmt.Sprintf("probe %s: %d runs, %v each", p.Name, p.Runs, p.Time/time.Duration(max(1, p.Runs))),
			"probe", p.Name, "runs", p.Runs, "total", p.Time)
	}
	sayLosses(c.log, lossLine, c.w.Events(), st, "bytes", c.w.Bytes())
	if c.flags.strict && st.Total() > 0 {
		return exit(exitIncomplete, nil)
	}
	return nil
}

const lossLine = "captured %d events, lost %d%s"

// sayLosses prints the line that ends every capture, whatever ended it.
func sayLosses(log *slog.Logger, line string, events uint64, st record.Stats, more ...any) {
	log.Info(fmt.Sprintf(line, events, st.Total(), lostDetail(st)), append([]any{"events", events, "lost", st.Total()}, more...)...)
}

func lostDetail(st record.Stats) string {
	if len(st.Lost) == 0 {
		return ""
	}
	var parts []string
	for _, l := range st.Lost {
		parts = append(parts, fmt.Sprintf("%d %s/%s", l.Count, l.Probe, l.Reason))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
