package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes. They are documented in the root command's help and README.
const (
	exitOK         = 0
	exitDiffer     = 1
	exitUsage      = 2
	exitUnreadable = 3
	exitIncomplete = 4
	exitNoCapture  = 5
)

// An exitError is an error that knows the exit code it asks for. Err may be nil
// where the command has already printed what there is to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func exit(code int, err error) error { return &exitError{code, err} }

func usagef(format string, args ...any) error {
	return exit(exitUsage, fmt.Errorf(format, args...))
}

func usageError(cmd *cobra.Command, err error) error {
	return usagef("%w\ntry '%s --help'", err, cmd.CommandPath())
}

// asUsageErrors makes every complaint about arguments exit with exitUsage.
func asUsageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError(c, err)
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		asUsageErrors(sub)
	}
}

// report prints err and returns the exit code it asks for. An error without a
// code comes from standard output: a reader that has seen enough is no error,
// anything else leaves the output incomplete. What cobra's own parsing refuses
// is wrong usage.
func report(stderr io.Writer, err error) int {
	var e *exitError
	var p *fs.PathError
	code := exitUsage
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		code, err = e.code, e.err
	case errors.Is(err, syscall.EPIPE):
		return exitOK
	case errors.As(err, &p):
		code = exitIncomplete
	}
	if err != nil {
		fmt.Fprintf(stderr, "iotrace: %s\n", err)
	}
	return code
}

// unreadable says that an input could not be read.
func unreadable(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return exit(exitUnreadable, err)
	}
	return exit(exitUnreadable, fmt.Errorf("%s: %w", name, err))
}
