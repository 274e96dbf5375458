package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

// health is what check finds. Keys are stable.
type health struct {
	File      string `json:"file"`
	State     string `json:"state"`      // whole, damaged or cut
	Offset    int64  `json:"offset"`     // of the first bad block, or -1
	Events    uint64 `json:"events"`     // that can be read
	KeyFrames uint64 `json:"key_frames"` // that can be read
	Missing   uint64 `json:"missing"`    // events that damage is known to cost
	Indexed   bool   `json:"indexed"`    // a binary file has an index, and it is right
	Faults    int    `json:"faults"`     // places that are wrong
	Why       string `json:"why"`        // the first error
	binary    bool   // and can have an index
	open      bool   // it has no good end
}

const (
	stateWhole   = "whole"
	stateDamaged = "damaged"
	stateCut     = "cut"
)

func checkCommand(stdin io.Reader) *cobra.Command {
	out := formatText
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Verify that traces are whole",
		Long: `check reads all of a trace, verifies every checksum and everything that its
parts say about each other, and names the first place that is wrong. It ends
with 0 if all is whole, 3 if a trace is damaged, 4 if one is only cut: not closed
by its recorder, or its end is missing. A file without an index is whole, but
slower to read. Behind one that is no trace it goes on with the others, and ends with
3. FILE may be "-".`,
		Args: takes(1, anyNumber),
		RunE: func(cmd *cobra.Command, args []string) error {
			worst := exitOK
			for _, name := range args {
				h, err := examine(name, stdin)
				if err != nil {
					worst = worse(worst, report(cmd.ErrOrStderr(), err))
					continue
				}
				if err := h.print(cmd.OutOrStdout(), out); err != nil {
					return err
				}
				worst = worse(worst, h.code())
			}
			if worst != exitOK {
				return exit(worst, nil)
			}
			return nil
		},
	}
	cmd.Flags().Var(formatValue(&out), "format", "how to print it")
	return cmd
}

// worse returns the code that says more: damage weighs more than a cut.
func worse(a, b int) int {
	if a == exitUnreadable || b == exitUnreadable {
		return exitUnreadable
	}
	return max(a, b)
}

func (h health) code() int {
	switch h.State {
	case stateDamaged:
		return exitUnreadable
	case stateCut:
		return exitIncomplete
	}
	return exitOK
}

func (h health) print(w io.Writer, f outFormat) error {
	if f != formatText {
		return printJSON(w, h, f)
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", h.File, h.text())
	return err
}

func (h health) text() string {
	var b strings.Builder
	b.WriteString(h.State)
	if h.State == stateWhole {
		fmt.Fprintf(&b, ", %d events and %d key-frames", h.Events, h.KeyFrames)
		if h.binary && !h.Indexed {
			b.WriteString(", without an index; 'iotrace repair' makes one")
		}
		return b.String()
	}
	fmt.Fprintf(&b, ": %s; ", h.Why)
	if h.Faults > 1 {
		fmt.Fprintf(&b, "%d places are wrong; ", h.Faults)
	}
	fmt.Fprintf(&b, "%d events and %d key-frames can be read, %d events are known to be missing", h.Events, h.KeyFrames, h.Missing)
	return b.String()
}

// examine reads a trace to its end, past all damage.
func examine(name string, stdin io.Reader) (health, error) {
	h := health{File: name, State: stateWhole, Offset: -1}
	in, err := openDamaged(name, stdin)
	if in == nil {
		return h, err
	}
	defer in.close()
	h.File = in.name
	if f, size := in.regular(); f != nil {
		r, err := format.Check(f, size)
		if err != nil {
			return h, unreadable(in.name, err)
		}
		h.take(&r)
		return h, nil
	}
	h.note(err)
	s := salvage{in: in, resumed: err != nil, event: func(format.Event) error { return nil }, damage: h.note}
	if err := s.run(); err != nil {
		return h, unreadable(in.name, err)
	}
	h.Events, h.KeyFrames, h.Missing = s.events, s.keyFrames, s.missing
	return h, nil
}

// take tells what a reading of a file found.
func (h *health) take(r *format.CheckReport) {
	for _, f := range r.Faults {
		h.note(f)
	}
	h.State = r.Condition().String()
	h.Events, h.KeyFrames, h.Missing, h.Indexed, h.binary = r.Events, r.KeyFrames, r.Missing, r.Indexed, true
}

// note takes in the next error of a trace. Damage outweighs a cut, and the first
// place is the one that is told.
func (h *health) note(err error) {
	if err == nil {
		return
	}
	h.Faults++
	state := stateDamaged
	if errors.Is(err, format.ErrTruncated) {
		state = stateCut
	}
	if h.State != stateDamaged && h.State != state {
		h.State = state
	}
	if h.Why != "" {
		return
	}
	h.Why = err.Error()
	var c *format.CorruptError
	if errors.As(err, &c) {
		h.Offset = c.Offset
	}
}
