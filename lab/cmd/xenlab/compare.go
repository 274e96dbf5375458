package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// errDiffers is that of a session that went well and found differences.
var errDiffers = errors.New("real Xen and the model differ")

// compare performs scripts on real Xen and on the model: generated ones, or those
// in the files that are named.
func compare(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := lab.Options{Log: stderr, Scenario: "differ", Recorder: lab.NoRecorder}
	c := newCommandLine("diff", "[SCRIPT...]", stderr)
	c.machine(&o)
	c.StringVar(&o.Out, "o", "", "`DIR` for the results: scripts that differ, and the named ones with their outcomes")
	c.IntVar(&o.Scripts.Steps, "steps", 0, "compare `N` steps in generated scripts; by default 20000, none if files are named")
	c.Uint64Var(&o.Scripts.Seed, "seed", 1, "`N` of the first generated script")
	c.IntVar(&o.Scripts.Tries, "tries", 40, "perform `N` scripts in search of a shorter one, for each that differs")
	c.BoolVar(&o.Scripts.Keep, "keep", false, "keep generated scripts with their outcomes, too")
	c.DurationVar(&o.Timeout, "timeout", lab.DefaultTimeout, "kill the machine after this; 100000 steps take ten minutes")
	if err := c.parseFor(&o, args); err != nil {
		return err
	}
	if err := c.needsOut(&o); err != nil {
		return err
	}
	o.Scripts.Files = c.Args()
	switch {
	case len(o.Scripts.Files) > 0:
		o.Scripts.Keep = true
	case o.Scripts.Steps == 0:
		o.Scripts.Steps = 20_000
	}
	res, err := lab.Run(ctx, o)
	if err != nil {
		return err
	}
	r, err := readReport(res.Dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Xen %s: %d scripts, %d steps compared in %v, %d of them unsure, %d scripts differ\n",
		o.Release, r.Scripts, r.Compared, res.Took, r.Unsure, len(r.Failed))
	for _, name := range r.Failed {
		fmt.Fprintln(stdout, " ", filepath.Join(res.Dir, name))
	}
	if len(r.Failed) > 0 {
		return errDiffers
	}
	return nil
}

func readReport(dir string) (r dom0.DifferReport, err error) {
	b, err := os.ReadFile(filepath.Join(dir, dom0.DifferFile))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(b, &r)
}
