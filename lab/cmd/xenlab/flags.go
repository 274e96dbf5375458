package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/iotrace-xen/iotrace/lab"
)

// A commandLine is the flags of a command.
type commandLine struct {
	*flag.FlagSet
	operands string // what it takes besides; empty for nothing
	release  string // of a machine
}

func newCommandLine(command, operands string, stderr io.Writer) *commandLine {
	c := &commandLine{FlagSet: flag.NewFlagSet(command, flag.ContinueOnError), operands: operands}
	c.SetOutput(stderr)
	c.Usage = func() {
		fmt.Fprintln(stderr, strings.TrimSpace("usage: xenlab "+command+" [FLAGS] "+operands))
		c.PrintDefaults()
	}
	return c
}

// machine adds what all machines have in common. What o has are the defaults.
func (c *commandLine) machine(o *lab.Options) {
	c.StringVar(&o.Recorder, "recorder", o.Recorder, "`FILE` of a static iotrace to use; by default it is built, \"none\" does without")
	c.StringVar(&c.release, "release", "4.17", "`RELEASE` of Xen")
	c.IntVar(&o.VCPUs, "vcpus", 2, "the guest has `N` vCPUs")
	c.IntVar(&o.CPUs, "cpus", lab.DefaultCPUs, "the machine and dom0 have `N` CPUs; more than one need an idle host with as many")
	c.BoolVar(&o.Counted, "counted", false, "the machine's clock counts its instructions, one a nanosecond: what is measured by it is the same on any host")
}

// parse reads the command line. It says itself what is wrong.
func (c *commandLine) parse(args []string) error {
	switch err := c.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case c.operands == "" && c.NArg() > 0:
		return c.bad(fmt.Errorf("%q: want flags only", c.Args()))
	}
	return nil
}

// parseFor is parse of a command that boots a machine.
func (c *commandLine) parseFor(o *lab.Options, args []string) (err error) {
	if err := c.parse(args); err != nil {
		return err
	}
	if o.Release, err = lab.FindRelease(c.release); err != nil {
		return c.bad(err)
	}
	return nil
}

// needsOut refuses a command line that says of no folder that the results go there.
func (c *commandLine) needsOut(o *lab.Options) error {
	if o.Out == "" {
		return c.bad(errors.New("-o DIR is needed"))
	}
	return nil
}

// bad says what is wrong with a command line.
func (c *commandLine) bad(err error) error {
	fmt.Fprintf(c.Output(), "xenlab %s: %v\n", c.Name(), err)
	return errUsage
}
