package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/iotrace-xen/iotrace/record"
)

// catchSignals keeps signals from ending the process, from before the first
// probe is attached until the trace is closed.
func catchSignals() chan os.Signal {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
	return signals
}

// watch ends the session on the first interrupt or after a time, aborts the
// process on the second interrupt, and prints progress: on SIGUSR1, and every
// second where stderr is a terminal. The returned function ends the watching.
func watch(s *record.Session, limit time.Duration, stderr io.Writer, signals <-chan os.Signal) (stop func()) {
	done := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		watchLoop(s, limit, stderr, signals, done)
	}()
	return func() {
		close(done)
		<-finished
	}
}

func watchLoop(s *record.Session, limit time.Duration, stderr io.Writer, signals <-chan os.Signal, done <-chan struct{}) {
	var timeout, tick <-chan time.Time
	if limit > 0 {
		timeout = time.After(limit)
	}
	tty := isTerminal(stderr)
	if tty {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		tick = t.C
		defer fmt.Fprint(stderr, "\r\x1b[K")
	}
	stopping := false
	for {
		select {
		case <-done:
			return
		case <-timeout:
			s.Stop()
		case <-tick:
			fmt.Fprintf(stderr, "\r\x1b[K%s", progress(s.Stats()))
		case sig := <-signals:
			if sig == syscall.SIGUSR1 {
				fmt.Fprintln(stderr, progress(s.Stats()))
				continue
			}
			if stopping {
				fmt.Fprintln(stderr, "iotrace: aborted; the trace is not closed")
				os.Exit(exitIncomplete)
			}
			stopping = true
			s.Stop()
		}
	}
}

func progress(st record.Stats) string {
	return fmt.Sprintf("%d events, lost %d", st.Events, st.Total())
}
