package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/iotrace-xen/iotrace/control"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

func markCommand() *cobra.Command {
	pid, dump := 0, false
	cmd := &cobra.Command{
		Use:   "mark TEXT",
		Short: "Put a remark into the running captures",
		Long: `mark puts TEXT as a mark event into every capture that runs on this machine and
that the caller may control: root all of them, others their own. When it returns
the mark is in the file. With --dump each flight recorder (record --flight) also
writes what it has in memory, and mark returns when the dumps are whole.`,
		Example: "  iotrace mark 'guest begins to resume'\n  iotrace mark --dump 'the screen froze a minute ago'",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := format.MarkEvents(args[0], 0); err != nil {
				return usageError(cmd, err)
			}
			captures, err := chooseCaptures(pid)
			if err != nil {
				return err
			}
			say := mark
			var dumps atomic.Int64
			if dump {
				say = func(c control.Capture, text string) (string, error) { return markOrDump(c, text, &dumps) }
			}
			err = askAll(cmd.OutOrStdout(), captures, func(c control.Capture) (string, error) { return say(c, args[0]) })
			if err == nil && dump && dumps.Load() == 0 {
				err = exit(exitIncomplete, errors.New("nothing was dumped: of these captures none keeps events in memory, as record --flight does"))
			}
			return err
		},
	}
	cmd.Flags().IntVar(&pid, "pid", 0, "mark the capture of process `PID` only")
	cmd.Flags().BoolVar(&dump, "dump", false, "have flight recorders dump what they have in memory, too")
	return cmd
}

// chooseCaptures returns the running captures, or the one of process pid.
func chooseCaptures(pid int) ([]control.Capture, error) {
	all, denied := control.Running(control.Dirs())
	var chosen []control.Capture
	for _, c := range all {
		if pid == 0 || c.PID == pid {
			chosen = append(chosen, c)
		}
	}
	hint := ""
	if denied {
		hint = "; there may be some of other users: try as root"
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case len(all) == 0:
		return nil, exit(exitNoCapture, fmt.Errorf("no capture is running here%s", hint))
	}
	return nil, exit(exitNoCapture, fmt.Errorf("process %d runs no capture; %s does%s", pid, listed(processes(all)), hint))
}

// processes are the numbers of those that run captures.
func processes(all []control.Capture) []string {
	var pids []string
	for _, c := range all {
		pids = append(pids, strconv.Itoa(c.PID))
	}
	return pids
}

// askAll prints what each capture answers, in their order. None waits for another, which
// may be stopped.
func askAll(w io.Writer, captures []control.Capture, ask func(control.Capture) (string, error)) error {
	type answer struct {
		said string
		err  error
	}
	answers := make([]chan answer, len(captures))
	for i, c := range captures {
		answers[i] = make(chan answer, 1)
		go func() {
			said, err := ask(c)
			answers[i] <- answer{said, err}
		}()
	}
	var errs []error
	for i, c := range captures {
		a := <-answers[i]
		if a.err != nil {
			errs = append(errs, a.err)
			continue
		}
		fmt.Fprintf(w, "capture %d: %s\n", c.PID, a.said)
	}
	if len(errs) > 0 {
		return exit(exitIncomplete, errors.Join(errs...))
	}
	return nil
}

func mark(c control.Capture, text string) (string, error) {
	var r markResult
	err := c.Ask("mark", markArgs{text}, &r)
	return fmt.Sprintf("%s: marked at event %d", r.Output, r.Seq), err
}

// markOrDump has a flight recorder dump, and counts it; other captures it marks.
func markOrDump(c control.Capture, text string, dumps *atomic.Int64) (string, error) {
	var st statusResult
	if err := c.Ask("status", nil, &st); err != nil {
		return "", err
	}
	if st.Flight == nil {
		return mark(c, text)
	}
	dumps.Add(1)
	return dumpOf(c, text)
}

// dumpPatience is how long a dump may take: a gigabyte and a slow disk.
const dumpPatience = 10 * time.Minute

func dumpOf(c control.Capture, text string) (string, error) {
	var r dumpResult
	err := c.AskWithin(dumpPatience, "dump", markArgs{text}, &r)
	return fmt.Sprintf("%s: %d events of %v", r.File, r.Events, time.Duration(r.SpanNS).Round(time.Millisecond)), err
}
