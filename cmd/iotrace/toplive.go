package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/iotrace-xen/iotrace/analyze"
	"github.com/iotrace-xen/iotrace/control"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
	"github.com/spf13/cobra"
)

// A liveMeter measures what happens now.
type liveMeter interface {
	// load returns what was measured since the last call, and begins anew.
	load() (analyze.Load, error)
	name() string
	chosen() *format.Choice // as topReport has it
	close() error
}

// topLive shows what a running capture, or probes of its own, measure.
func topLive(cmd *cobra.Command, flags *topFlags, open opener) error {
	if !flags.span.all() {
		return usagef("--from and --to are for a FILE")
	}
	if flags.interval == 0 {
		flags.interval = timeValue(time.Second)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	m, err := flags.liveMeter(open)
	if err != nil {
		return err
	}
	p := newTopPrinter(cmd.OutOrStdout(), flags.format)
	p.screen = !flags.once && isTerminal(cmd.OutOrStdout())
	ticks := time.NewTicker(time.Duration(flags.interval))
	defer ticks.Stop()
	for {
		select {
		case <-signals:
			return m.close()
		case <-ticks.C:
		}
		l, err := m.load()
		if err == nil {
			err = p.report(topReport{Source: m.name(), Chosen: m.chosen(), Load: l})
		}
		if err != nil || flags.once {
			return errors.Join(err, m.close())
		}
	}
}

func (f *topFlags) liveMeter(open opener) (liveMeter, error) {
	if !f.attach {
		all, _ := control.Running(control.Dirs())
		if len(all) > 1 && f.pid == 0 {
			return nil, usagef("several captures run here; choose one with --pid: %s", listed(processes(all)))
		}
		if len(all) > 0 || f.pid != 0 {
			chosen, err := chooseCaptures(f.pid)
			if err != nil {
				return nil, err
			}
			return askFor(chosen[0], f)
		}
	}
	return attach(open, f.filter)
}

// An askedMeter is one that a running capture keeps for this process.
type askedMeter struct {
	capture control.Capture
	args    topArgs
	last    topResult // without what was measured
}

func askFor(c control.Capture, f *topFlags) (*askedMeter, error) {
	m := &askedMeter{capture: c, args: topArgs{Client: newUUID(), Filter: f.filter.String(), IntervalNS: uint64(f.interval)}}
	_, err := m.load()
	return m, err
}

func (m *askedMeter) load() (analyze.Load, error) {
	var r topResult
	if err := m.capture.Ask("top", m.args, &r); err != nil {
		return r.Load, exit(exitNoCapture, err)
	}
	m.last = topResult{Output: r.Output, Chosen: r.Chosen}
	return r.Load, nil
}

func (m *askedMeter) name() string {
	return fmt.Sprintf("capture %d, %s", m.capture.PID, m.last.Output)
}
func (m *askedMeter) chosen() *format.Choice { return m.last.Chosen }
func (m *askedMeter) close() error           { return nil }

// An attachedMeter has probes of its own.
type attachedMeter struct {
	src   source
	ended chan struct{}

	mu    sync.Mutex
	meter filteredMeter
	since time.Time
	err   error // what ended the events
}

func attach(open opener, f filterValue) (*attachedMeter, error) {
	src, err := open(record.Options{})
	if err != nil {
		return nil, cannotCapture(err)
	}
	m := &attachedMeter{src: src, ended: make(chan struct{}), meter: filteredMeter{filter: f}, since: time.Now()}
	go m.follow()
	return m, nil
}

func (m *attachedMeter) follow() {
	defer close(m.ended)
	for batch, err := range m.src.events {
		if !m.add(batch, err) {
			return
		}
	}
}

// add measures events. It is false where there are no more.
func (m *attachedMeter) add(batch []format.Event, err error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
	for i := range batch {
		m.meter.Add(&batch[i])
	}
	return err == nil
}

func (m *attachedMeter) load() (analyze.Load, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	l := m.meter.Load(uint64(now.Sub(m.since)), allRows)
	m.meter.Reset()
	m.since = now
	if m.err != nil {
		return l, exit(exitIncomplete, fmt.Errorf("capture: %w", m.err))
	}
	return l, nil
}

func (m *attachedMeter) name() string           { return "probes of its own" }
func (m *attachedMeter) chosen() *format.Choice { return nil }

func (m *attachedMeter) close() error {
	m.src.stop()
	<-m.ended
	return m.src.close()
}
