package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/iotrace-xen/iotrace/analyze"
	"github.com/iotrace-xen/iotrace/format"
	"golang.org/x/term"
)

// writeText prints a report for people.
func (r *topReport) writeText(w io.Writer) error {
	from, more := "", ""
	if r.stretch {
		from = " from " + format.FormatSeconds(r.FromNS) + " s"
	}
	if r.Cut {
		more = ", only the busiest are shown"
	}
	fmt.Fprintf(w, "%s%s: %v, %.0f events/s, lost %d%s\n", r.Source, from, lengthOf(r.SpanNS).Round(time.Millisecond), r.EventsPerS, r.Lost, more)
	if r.Chosen != nil {
		fmt.Fprintf(w, "counted is what was recorded only: %s\n", printable(r.Chosen.String()))
	}
	t := tabwriter.NewWriter(w, 4, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "DOM\tSERVER\tREQ/S\tBUF/S\tP50\tP99\tMAX\tOPEN\t BUSIEST")
	for _, s := range r.Servers {
		fmt.Fprintf(t, "%d\t%v\t%.1f\t%.1f\t%s\t%s\t%s\t%d\t %s\n", s.Dom, s.Server, s.RequestsPerS, s.BufferedPerS,
			answerTime(&s, s.AnswerP50NS), answerTime(&s, s.AnswerP99NS), answerTime(&s, s.AnswerMaxNS), s.Unanswered, places(&s))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(w, 4, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "DOM\tCALLS/S\tERRORS\tLOST\t BUSIEST")
	for _, d := range r.Domains {
		fmt.Fprintf(t, "%s\t%.1f\t%d\t%d\t %s\n", domName(&d), d.CallsPerS, d.Errors, d.Lost, calls(&d))
	}
	return t.Flush()
}

// answerTime prints a time with three digits, "-" where there were no answers.
func answerTime(s *analyze.ServerLoad, ns uint64) string {
	if s.Answers == 0 {
		return "-"
	}
	d := lengthOf(ns)
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}

func domName(d *analyze.DomainLoad) string {
	if d.Dom == nil {
		return "-"
	}
	return fmt.Sprint(*d.Dom)
}

func places(s *analyze.ServerLoad) string {
	var all []string
	for _, p := range s.Busiest {
		all = append(all, fmt.Sprintf("%s %s %s", p.Space, p.Addr, share(p.Requests, s.Requests+s.Buffered)))
	}
	return strings.Join(all, ", ")
}

func calls(d *analyze.DomainLoad) string {
	var all []string
	for _, c := range d.Busiest {
		all = append(all, fmt.Sprintf("%s %s", c.Call, share(c.Calls, d.Calls)))
	}
	return strings.Join(all, ", ")
}

func share(n, of uint64) string { return fmt.Sprintf("%d%%", 100*n/max(of, 1)) }

// redraw replaces what is on the terminal.
func (p *topPrinter) redraw(r topReport) error {
	var text bytes.Buffer
	if err := r.writeText(&text); err != nil {
		return err
	}
	width, height := 80, 24
	if f, ok := p.w.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil {
			width, height = w, h
		}
	}
	_, err := p.w.Write(screen(text.String(), width, height))
	return err
}

// screen is what draws the text at the top left of a terminal of that size. Lines
// that do not fit are cut.
func screen(text string, width, height int) []byte {
	out := []byte("\x1b[H")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines[:min(len(lines), max(height-1, 1))] {
		if i > 0 {
			out = append(out, "\r\n"...)
		}
		if r := []rune(line); len(r) > width {
			line = string(r[:width])
		}
		out = append(append(out, line...), "\x1b[K"...)
	}
	return append(out, "\x1b[J"...)
}
