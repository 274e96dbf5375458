package main

import (
	"bufio"
	"errors"
	"os"

	"github.com/iotrace-xen/iotrace/record"
	"github.com/spf13/pflag"
)

// addRawFlag adds --raw, which is for who works on iotrace.
func addRawFlag(f *pflag.FlagSet, name *string) {
	f.StringVar(name, "raw", "", "also write the probes' records to `FILE`, to measure and test iotrace with")
	_ = f.MarkHidden("raw") // fails for a flag that is not there
}

// keepRaw has the probes' records written to a file, for record.DecodeRaw, until
// done is called. Without a name it does nothing.
func keepRaw(opts *record.Options, name string) (done func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriter(f)
	opts.Raw = w
	return func() error { return errors.Join(w.Flush(), f.Close()) }, nil
}
