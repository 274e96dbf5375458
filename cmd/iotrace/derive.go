package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// derived returns the header of a trace that a command makes out of another: an
// identity of its own, and one more step behind what made the other.
func derived(cmd *cobra.Command, args []string, name string, h format.Header) (format.Header, error) {
	sum, err := fileSum(name)
	if err != nil {
		return h, err
	}
	step := stepOf(cmd, args, h)
	step.InputSHA256, step.WallNS = sum, uint64(time.Now().UnixNano())
	h.Provenance = append(slices.Clone(h.Provenance), step)
	if h.CaptureUUID == "" {
		h.CaptureUUID = h.UUID
	}
	h.Writer, h.UUID = "iotrace "+version, newUUID()
	return h, nil
}

// stepOf is what a command makes of the trace with header h.
func stepOf(cmd *cobra.Command, args []string, h format.Header) format.Step {
	return format.Step{Op: cmd.Name(), Tool: "iotrace " + version, Args: givenArgs(cmd, args), InputUUID: h.UUID}
}

func fileSum(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", unreadable(name, err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", unreadable(name, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// givenArgs returns the flags and arguments of a command line. Of the names of
// files it keeps the last part: the folders they are in concern nobody whom the
// trace is given to.
func givenArgs(cmd *cobra.Command, args []string) (given []string) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		if f.Name == "output" {
			value = filepath.Base(value)
		}
		given = append(given, "--"+f.Name+"="+value)
	})
	for _, name := range args {
		given = append(given, filepath.Base(name))
	}
	return given
}

// openFile opens a trace that a command reads more than once.
func openFile(name string) (*input, error) {
	if name == "-" {
		return nil, usagef("standard input can be read only once; give a file")
	}
	return openInput(name, nil)
}

// needWhole is the error about a trace that is cut or damaged.
func needWhole(name string, err error) error {
	code := exitUnreadable
	if errors.Is(err, format.ErrTruncated) {
		code = exitIncomplete
	}
	return exit(code, fmt.Errorf("%s: %w", name, repairable(name, err)))
}

// repairable adds to what is wrong with a trace what helps.
func repairable(name string, err error) error {
	return fmt.Errorf("%w; 'iotrace repair %s -o NEW' saves what is whole", err, name)
}

// notWritten is the error about an output that could not be written.
func notWritten(name string, err error) error {
	return exit(exitIncomplete, fmt.Errorf("%s: %w", outputName(name), err))
}

// A writeError marks which side of a copy failed.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// A failing writer's errors are told from the reader's by their type.
type markedWriter struct{ io.Writer }

func (w markedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = writeError{err}
	}
	return n, err
}

// copyError sorts the error of a copy from one trace to another.
func copyError(from, to string, err error) error {
	var w writeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &w), errors.Is(err, format.ErrSequence), errors.Is(err, format.ErrInvalidKind):
		return notWritten(to, err)
	}
	return needWhole(from, err)
}
