package main

import (
	"errors"
	"fmt"
	"io"
	"os"

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
	Why       string `json:"why"`        // the first error
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
by its recorder, or its end is missing. FILE may be "-".`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			worst := exitOK
			for _, name := range args {
				h, err := examine(name, stdin)
				if err != nil {
					return err
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
	cmd.Flags().Var(&out, "format", "how to print it")
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
	if h.State == stateWhole {
		_, err := fmt.Fprintf(w, "%s: whole, %d events and %d key-frames\n", h.File, h.Events, h.KeyFrames)
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %s: %s; %d events and %d key-frames can be read, %d events are known to be missing\n", h.File, h.State, h.Why, h.Events, h.KeyFrames, h.Missing)
	return err
}

// examine reads a trace to its end, past all damage. AT MERGE: format.Check, if
// it does more.
func examine(name string, stdin io.Reader) (health, error) {
	h := health{File: name, State: stateWhole, Offset: -1}
	in, err := openDamaged(name, stdin)
	if in == nil {
		return h, err
	}
	defer in.close()
	h.File = in.name
	h.note(err)
	s := salvage{in: in, resumed: err != nil, event: func(format.Event) error { return nil }, damage: h.note}
	if err := s.run(); err != nil {
		return h, unreadable(in.name, err)
	}
	h.Events, h.KeyFrames, h.Missing = s.events, s.keyFrames, s.missing
	if h.State == stateWhole && name != "-" && in.Form() == format.FormBinary {
		return h, h.examineIndex()
	}
	return h, nil
}

// examineIndex looks at a whole trace as one that reads it by its index does.
func (h *health) examineIndex() error {
	f, err := os.Open(h.File)
	if err != nil {
		return unreadable(h.File, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return unreadable(h.File, err)
	}
	trace, err := format.NewFile(f, st.Size())
	if err != nil {
		return unreadable(h.File, err)
	}
	if trace.Scanned() {
		h.note(errors.New("the index does not agree with the blocks"))
	}
	return nil
}

// note takes in the next error of a trace. Damage outweighs a cut, and the first
// place is the one that is told.
func (h *health) note(err error) {
	if err == nil {
		return
	}
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
