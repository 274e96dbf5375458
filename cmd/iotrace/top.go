package main

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/iotrace-xen/iotrace/analyze"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

// A topReport is what top prints as JSON. Keys are stable.
type topReport struct {
	Source string `json:"source"`  // what was measured
	FromNS uint64 `json:"from_ns"` // of a file: time of the first event, CLOCK_MONOTONIC of its host

	Chosen *format.Choice `json:"chosen,omitempty"` // what was recorded, if not all: the rest is not counted
	analyze.Load

	stretch bool // one of several of a file
}

type topFlags struct {
	format   outFormat
	once     bool
	attach   bool
	pid      int
	interval timeValue
	filter   filterValue
	span
}

// allRows is for reports that need not be short.
const allRows = 1 << 20

func topCommand(stdin io.Reader, open opener) *cobra.Command {
	flags := topFlags{format: formatText}
	cmd := &cobra.Command{
		Use:   "top [FILE]",
		Short: "Show what device models have to do, live or in a trace",
		Long: `top shows for each ioreq server how many requests it gets, how long its answers
take and which ports, pages and PCI functions are busiest, for each domain the calls
that are made about it, and what was lost.

Without FILE it looks every second (--interval) at the capture that runs on this
machine, through its control socket, or attaches probes of its own if none runs
(--attach: even if one does); Ctrl-C ends it. Of a FILE it shows the whole, the part
between --from and --to, or with --interval one stretch after the other. FILE may be
"-". --once measures one interval and ends.

--format json prints a report as an object, jsonl one report a line. Counts are those
of the interval, rates those of a second; answer times are in nanoseconds, from when
the device model took a request to its answer, and at most one part in 32 too high.
What a capture was told to leave out is in no number; the report says what was chosen.

` + filterHelp + `
The answers of such requests, and the returns of such calls, are measured with them.`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("interval") && flags.interval < timeValue(100*time.Millisecond) {
				return usagef("--interval: want at least 100ms, got %v", time.Duration(flags.interval))
			}
			if len(args) == 0 {
				return topLive(cmd, &flags, open)
			}
			if flags.attach || flags.pid != 0 {
				return usagef("--attach and --pid are for what runs, not for a FILE")
			}
			return topFile(cmd, &flags, args[0], stdin)
		},
	}
	f := cmd.Flags()
	f.Var(formatValue(&flags.format), "format", "how to print it")
	f.BoolVar(&flags.once, "once", false, "measure one interval and end")
	f.BoolVar(&flags.attach, "attach", false, "attach probes even if a capture runs")
	f.IntVar(&flags.pid, "pid", 0, "look at the capture of process `PID`")
	f.Var(&flags.interval, "interval", "how long to measure (default 1s, or all of FILE)")
	f.Var(&flags.filter, "filter", "measure only events for which this holds")
	flags.span.addFlags(cmd)
	return cmd
}

// topFile measures a trace.
func topFile(cmd *cobra.Command, flags *topFlags, name string, stdin io.Reader) error {
	in, err := openInput(name, stdin)
	if err != nil {
		return err
	}
	defer in.close()
	m := fileMeter{
		flags: flags, name: in.name, chosen: in.Header().Chosen, print: newTopPrinter(cmd.OutOrStdout(), flags.format),
		meter: filteredMeter{filter: flags.filter},
	}
	readErr, err := m.addAll(flags.span.events(in))
	if err := cmp.Or(err, flags.missed(in, readErr)); err != nil || m.ended {
		return err
	}
	if err := m.end(); err != nil {
		return err
	}
	return in.damage(readErr, false, cmd.ErrOrStderr())
}

// A fileMeter measures a trace, by intervals of event time if there are any.
type fileMeter struct {
	flags *topFlags
	name  string
	print *topPrinter
	meter filteredMeter
	begun bool
	ended bool   // no more is to be measured
	from  uint64 // time at which the interval began
	last  uint64 // the latest event's, whether it was measured or not

	chosen *format.Choice // as topReport has it
}

// addAll takes events as far as they are wanted. readErr is what ended reading early, err
// what ended printing.
func (m *fileMeter) addAll(events iter.Seq2[format.Event, error]) (readErr, err error) {
	for e, err := range events {
		if err != nil {
			return err, nil
		}
		at := m.flags.step(&e)
		if m.flags.ended {
			break
		}
		if err := m.add(&e, at); err != nil || m.ended {
			return nil, err
		}
	}
	return nil, nil
}

// add takes the next event. What is ahead of the selected part only tells what is
// in flight there.
func (m *fileMeter) add(e *format.Event, at position) error {
	if !e.Kind.InKeyFrame() {
		if at == ahead {
			m.meter.Add(e)
			return nil
		}
		if !m.begun {
			m.meter.Reset()
			m.begun, m.from = true, e.Time
		}
		m.last = max(m.last, e.Time)
		if err := m.turn(e.Time); err != nil || m.ended {
			return err
		}
	}
	m.meter.Add(e)
	return nil
}

// turn reports if an interval is over. Intervals in which nothing happened are
// passed over.
func (m *fileMeter) turn(now uint64) error {
	every := uint64(m.flags.interval)
	if every == 0 || now < m.from || now-m.from < every {
		return nil
	}
	err := m.report(every)
	m.ended = m.flags.once
	m.meter.Reset()
	m.from += (now - m.from) / every * every
	return err
}

func (m *fileMeter) report(span uint64) error {
	return m.print.report(topReport{Source: m.name, FromNS: m.from, Chosen: m.chosen, Load: m.meter.Load(span, allRows), stretch: m.flags.interval > 0})
}

// end reports what is left.
func (m *fileMeter) end() error {
	if !m.begun {
		m.meter.Reset() // nothing was selected
	}
	return m.report(m.last - min(m.from, m.last))
}

// topPrinter prints one report after the other.
type topPrinter struct {
	w      io.Writer
	format outFormat
	screen bool // each report overwrites the last
	some   bool
}

func newTopPrinter(w io.Writer, f outFormat) *topPrinter { return &topPrinter{w: w, format: f} }

func (p *topPrinter) report(r topReport) error {
	if p.format != formatText {
		return printJSON(p.w, r, p.format)
	}
	if p.screen {
		return p.redraw(r)
	}
	if p.some {
		if _, err := fmt.Fprintln(p.w); err != nil {
			return err
		}
	}
	p.some = true
	return r.writeText(p.w)
}
