package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/dom0"
)

type command struct {
	name, help string
	run        func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

var commands = []command{
	{"doctor", "say what the host lacks", doctor},
	{"build", "build images, of all releases or of those named", build},
	{"scenarios", "list what run can play", scenarios},
	{"run", "play one scenario and keep its results", run},
	{"diff", "compare real Xen with the model, by scripts", compare},
	{"shell", "a dom0 shell on this terminal", shell},
}

func doctor(_ context.Context, _ []string, stdout, _ io.Writer) error {
	if err := lab.CheckHost(); err != nil {
		return err
	}
	mirror, err := lab.Mirror()
	if err != nil {
		return err
	}
	dir, err := lab.CacheDir()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "host: all programs found\nmirror: %s\nimages: %s\n", mirror, dir)
	return nil
}

func build(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("build", flag.ContinueOnError)
	fs.SetOutput(stderr)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	todo := lab.Releases()
	if fs.NArg() > 0 {
		todo = nil
		for _, name := range fs.Args() {
			r, err := lab.FindRelease(name)
			if err != nil {
				return badUsage(stderr, "build", err)
			}
			todo = append(todo, r)
		}
	}
	for _, r := range todo {
		im, err := lab.Build(ctx, r, stderr)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "Xen %s: %s\n", r, im.Dir)
	}
	return nil
}

func scenarios(_ context.Context, _ []string, stdout, _ io.Writer) error {
	for _, s := range dom0.Scenarios() {
		fmt.Fprintf(stdout, "%-10s %s\n", s.Name, s.Doc)
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := lab.Options{Log: stderr}
	fs, release := releaseFlags("run", &o, stderr)
	fs.StringVar(&o.Scenario, "scenario", "mediator", "what to play; see xenlab scenarios")
	fs.StringVar(&o.Out, "o", "", "directory for the results")
	fs.DurationVar(&o.Timeout, "timeout", lab.DefaultTimeout, "kill the machine after this, not counting a soak")
	fs.DurationVar(&o.Soak, "soak", lab.DefaultSoak, "how long scenario soak is")
	recordArgs := fs.String("record", "", "arguments for iotrace record, with spaces between them, such as \"--tier C --data full\"")
	if err := parse(fs, args, release, &o); err != nil {
		return err
	}
	o.RecorderArgs = strings.Fields(*recordArgs)
	switch {
	case fs.NArg() > 0:
		return badUsage(stderr, "run", fmt.Errorf("%q: want flags only", fs.Args()))
	case o.Out == "":
		return badUsage(stderr, "run", errors.New("-o DIR is needed"))
	case o.Scenario == "shell":
		return badUsage(stderr, "run", errors.New("a shell needs a terminal: use xenlab shell"))
	}
	res, err := lab.Run(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "took %v; results in %s:\n", res.Took, res.Dir)
	for _, f := range res.Files {
		fmt.Fprintln(stdout, " ", f)
	}
	return nil
}

func shell(ctx context.Context, args []string, _, stderr io.Writer) error {
	o := lab.Options{Log: stderr}
	fs, release := releaseFlags("shell", &o, stderr)
	if err := parse(fs, args, release, &o); err != nil {
		return err
	}
	return lab.Shell(ctx, o)
}

// releaseFlags returns a flag set with what all machines have in common.
func releaseFlags(name string, o *lab.Options, stderr io.Writer) (fs *flag.FlagSet, release *string) {
	fs = flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.Recorder, "recorder", "", "a static iotrace to use; by default it is built, \"none\" does without")
	fs.IntVar(&o.VCPUs, "vcpus", 2, "vCPUs of the guest")
	fs.IntVar(&o.CPUs, "cpus", lab.DefaultCPUs, "CPUs of the machine and of dom0; more need an idle host with as many")
	fs.BoolVar(&o.Counted, "counted", false, "the machine's clock counts its instructions, one a nanosecond: what is measured by it is the same on any host")
	return fs, fs.String("release", "4.17", "Xen release")
}

func parse(fs *flag.FlagSet, args []string, release *string, o *lab.Options) (err error) {
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if o.Release, err = lab.FindRelease(*release); err != nil {
		return badUsage(fs.Output(), fs.Name(), err)
	}
	return nil
}

// parseFlags is fs.Parse, which says itself what is wrong.
func parseFlags(fs *flag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return errUsage
}

// badUsage says what is wrong with a command line.
func badUsage(stderr io.Writer, command string, err error) error {
	fmt.Fprintf(stderr, "xenlab %s: %v\n", command, err)
	return errUsage
}
