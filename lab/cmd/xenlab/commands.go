package main

import (
	"context"
	"errors"
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

func doctor(_ context.Context, args []string, stdout, stderr io.Writer) error {
	if err := newCommandLine("doctor", "", stderr).parse(args); err != nil {
		return err
	}
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
	c := newCommandLine("build", "[RELEASE...]", stderr)
	if err := c.parse(args); err != nil {
		return err
	}
	todo := lab.Releases()
	if c.NArg() > 0 {
		todo = nil
		for _, name := range c.Args() {
			r, err := lab.FindRelease(name)
			if err != nil {
				return c.bad(err)
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

func scenarios(_ context.Context, args []string, stdout, stderr io.Writer) error {
	if err := newCommandLine("scenarios", "", stderr).parse(args); err != nil {
		return err
	}
	for _, s := range dom0.Scenarios() {
		fmt.Fprintf(stdout, "%-11s %s\n", s.Name, s.Doc)
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := lab.Options{Log: stderr}
	c := newCommandLine("run", "", stderr)
	c.machine(&o)
	c.StringVar(&o.Scenario, "scenario", "mediator", "play the scenario called `NAME`; see xenlab scenarios")
	c.StringVar(&o.Out, "o", "", "`DIR` for the results")
	c.DurationVar(&o.Timeout, "timeout", lab.DefaultTimeout, "kill the machine after this, not counting a soak")
	c.DurationVar(&o.Soak, "soak", lab.DefaultSoak, "how long scenario soak is")
	recordArgs := c.String("record", "", "`ARGUMENTS` for iotrace record, with spaces between them, such as \"--tier C --data full\"")
	if err := c.parseFor(&o, args); err != nil {
		return err
	}
	o.RecorderArgs = strings.Fields(*recordArgs)
	if err := c.needsOut(&o); err != nil {
		return err
	}
	if _, err := dom0.FindScenario(o.Scenario); err != nil {
		return c.bad(err)
	}
	if o.Scenario == "shell" {
		return c.bad(errors.New("a shell needs a terminal: use xenlab shell"))
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
	c := newCommandLine("shell", "", stderr)
	c.machine(&o)
	if err := c.parseFor(&o, args); err != nil {
		return err
	}
	return lab.Shell(ctx, o)
}
