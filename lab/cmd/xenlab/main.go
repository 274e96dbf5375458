// Command xenlab boots a real Xen under QEMU, on a machine that has none.
//
//	xenlab doctor                       say what the host lacks
//	xenlab build [RELEASE...]           build images, all releases by default
//	xenlab scenarios                    list what run can play
//	xenlab run --scenario NAME -o DIR   play one scenario, keep its results
//	xenlab diff --steps N -o DIR        compare real Xen with the model, by scripts
//	xenlab shell                        a dom0 shell on this terminal
//
// Exit codes: 0 done, 1 it failed or differs, 2 usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(exitCode(err, os.Stderr))
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		for _, c := range commands {
			if c.name == args[0] {
				return c.run(ctx, args[1:], stdout, stderr)
			}
		}
	}
	switch {
	case len(args) == 0:
		usage(stderr)
	case args[0] == "-h" || args[0] == "--help" || args[0] == "help":
		usage(stdout)
		return nil
	default:
		fmt.Fprintf(stderr, "xenlab: no command is called %q; 'xenlab --help' lists all\n", args[0])
	}
	return errUsage
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "xenlab boots a real Xen under QEMU, on a machine that has none.")
	fmt.Fprintln(w, "\nusage: xenlab COMMAND [FLAGS]")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.help)
	}
	fmt.Fprintln(w, "\nxenlab COMMAND --help lists a command's flags.")
}

func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(stderr, "xenlab:", err)
	return 1
}
