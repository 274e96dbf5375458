package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/iotrace-xen/iotrace/record"
)

// signals are those that end a capture, two of which wait until they are seen to, and
// those that ask it for something, which may be too many to wait.
type signals struct{ end, ask chan os.Signal }

// catchSignals keeps signals from ending the process, from before the first
// probe is attached until the trace is closed. A hang-up stays ignored if it was,
// as nohup has it: the capture is to outlive its terminal.
func catchSignals() signals {
	s := signals{make(chan os.Signal, 2), make(chan os.Signal, 2)}
	signal.Notify(s.end, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(s.end, syscall.SIGHUP)
	}
	signal.Notify(s.ask, syscall.SIGUSR1, syscall.SIGUSR2)
	return s
}

func (s signals) release() {
	signal.Stop(s.end)
	signal.Stop(s.ask)
}

// watch ends the capture on the first interrupt or after a time, aborts the process
// on the second, dumps on SIGUSR2, and prints progress on SIGUSR1 and every second
// where stderr is a terminal. The returned function ends the watching.
func (c *capture) watch(s signals) (stop func()) {
	done := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		c.watchLoop(s, done)
	}()
	return func() {
		close(done)
		<-finished
	}
}

// flushTick is how often store.Writer wants its Tick.
const flushTick = 200 * time.Millisecond

func (c *capture) watchLoop(s signals, done <-chan struct{}) {
	var timeout, show <-chan time.Time
	if c.flags.duration > 0 {
		timeout = time.After(time.Duration(c.flags.duration))
	}
	if isTerminal(c.status) {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		show = t.C
		defer fmt.Fprint(c.status, "\r\x1b[K")
	}
	stopping := false
	for {
		select {
		case <-done:
			return
		case <-timeout:
			c.src.stop()
		case <-show:
			fmt.Fprintf(c.status, "\r\x1b[K%s", progress(c.src.stats()))
		case sig := <-s.ask:
			if sig == syscall.SIGUSR1 {
				c.log.Info(progress(c.src.stats()))
			} else {
				go c.signalled() // waits for the disk
			}
		case <-s.end:
			if stopping {
				c.abort()
			}
			stopping = true
			c.src.stop()
		}
	}
}

// flushLoop is apart from watchLoop, since writing may have to wait for a reader
// and signals may not. For the same reason the service manager's watchdog is fed
// here: a capture whose writes hang is not alive.
func (c *capture) flushLoop(done <-chan struct{}) {
	t := time.NewTicker(flushTick)
	defer t.Stop()
	var alive time.Time
	every := watchdog()
	for {
		select {
		case <-done:
			return
		case now := <-t.C:
			c.tick(now)
			if every > 0 && now.Sub(alive) >= every {
				c.notify(daemon.SdNotifyWatchdog)
				alive = now
			}
		}
	}
}

func progress(st record.Stats) string {
	return fmt.Sprintf("%d events, lost %d", st.Events, st.Total())
}
