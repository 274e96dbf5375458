// Command iotrace records what passes between a Xen domain and its device
// models, and replays the record against a model of Xen.
//
// It converts flags, files and signals into calls of the packages below it; no
// logic of capture, format or model lives here.
package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns the process's exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return runWith(ctx, openSession, args, stdin, stdout, stderr)
}

// runWith does the same with another source for captures.
func runWith(ctx context.Context, open opener, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cmd := root(stdin, open)
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	return report(stderr, cmd.ExecuteContext(ctx))
}

func root(stdin io.Reader, open opener) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "iotrace",
		Short: "Record and replay what passes between a Xen domain and its device models",
		Long: `iotrace captures ioreqs, hypercalls and event-channel traffic in a live dom0
and replays the trace against a model of Xen, to say whether every request was
routed as Xen's rules demand and what the session cost.

Exit codes:

    0  done; a replay agrees
    1  a replay differs
    2  wrong usage
    3  an input cannot be read; check found damage
    4  a trace is incomplete (cut, or events lost), under --strict or found by
       check; or what was to be written could not be written whole
    5  this machine cannot be captured, or no capture runs on it`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		Version:       versionText(),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(flagError)
	cmd.SetVersionTemplate("{{.Version}}\n")
	cmd.AddCommand(
		recordCommand(open), markCommand(), topCommand(stdin, open),
		infoCommand(stdin), catCommand(stdin), asmCommand(stdin), replayCommand(stdin), explainCommand(stdin),
		checkCommand(stdin), repairCommand(), repackCommand(), splitCommand(), mergeCommand(), genCommand(),
		profilesCommand(), doctorCommand(), versionCommand(),
	)
	cmd.InitDefaultCompletionCmd()
	cmd.InitDefaultHelpCmd()
	for _, c := range cmd.Commands() {
		refuseUnknown(c)
	}
	asUsageErrors(cmd)
	completeWords(cmd)
	return cmd
}
