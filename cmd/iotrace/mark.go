package main

import (
	"errors"
	"fmt"

	"github.com/iotrace-xen/iotrace/control"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
)

func markCommand() *cobra.Command {
	pid := 0
	cmd := &cobra.Command{
		Use:   "mark TEXT",
		Short: "Put a remark into the running captures",
		Long: `mark puts TEXT as a mark event into every capture that runs on this machine and
that the caller may control: root all of them, others their own. When it returns
the mark is in the file.`,
		Example: "  iotrace mark 'guest begins to resume'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := format.MarkEvents(args[0], 0); err != nil {
				return usageError(cmd, err)
			}
			captures, err := chooseCaptures(pid)
			if err != nil {
				return err
			}
			return markAll(cmd, captures, args[0])
		},
	}
	cmd.Flags().IntVar(&pid, "pid", 0, "mark the capture of this process only")
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
	return nil, exit(exitNoCapture, fmt.Errorf("process %d runs no capture; %s%s", pid, running(all), hint))
}

func running(all []control.Capture) string {
	s := "there are"
	for _, c := range all {
		s += fmt.Sprintf(" %d", c.PID)
	}
	return s
}

func markAll(cmd *cobra.Command, captures []control.Capture, text string) error {
	var errs []error
	for _, c := range captures {
		var r markResult
		if err := c.Ask("mark", markArgs{text}, &r); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "capture %d: %s: marked at event %d\n", c.PID, r.Output, r.Seq)
	}
	if len(errs) > 0 {
		return exit(exitIncomplete, errors.Join(errs...))
	}
	return nil
}
