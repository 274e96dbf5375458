package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/iotrace-xen/iotrace/record"
	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	out := formatText
	var drivers []string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say whether this machine can be captured, and what to do if not",
		Long: `doctor says what a capture needs and whether it is there, and for each driver
profile, those that record knows and those of --driver-profile, whether the driver
is there and which of its functions would be hooked.`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			given, err := readProfiles(drivers)
			if err != nil {
				return err
			}
			checks := record.Checks(given)
			dropAdvice(checks)
			if err := printChecks(cmd.OutOrStdout(), checks, out); err != nil {
				return err
			}
			for _, c := range checks {
				if !c.OK && !c.Optional {
					return exit(exitNoCapture, nil)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&drivers, driverFlag, nil, driverHelp)
	cmd.Flags().Var(formatValue(&out), "format", "how to print it")
	return cmd
}

// dropAdvice leaves what to do with the checks that did not pass.
func dropAdvice(checks []record.Check) {
	for i := range checks {
		if checks[i].OK {
			checks[i].Try = ""
		}
	}
}

func printChecks(w io.Writer, checks []record.Check, f outFormat) error {
	if f == formatJSON {
		return printJSON(w, checks, f)
	}
	if f == formatJSONL {
		for _, c := range checks {
			if err := printJSON(w, c, f); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range checks {
		fmt.Fprintf(t, "%s\t%s\t%s\n", checkWord(c), c.Name, c.Found)
		if c.Try != "" {
			fmt.Fprintf(t, "\t\ttry: %s\n", c.Try)
		}
	}
	return t.Flush()
}

func checkWord(c record.Check) string {
	switch {
	case c.OK:
		return "ok"
	case c.Optional:
		return "no"
	}
	return "FAIL"
}
