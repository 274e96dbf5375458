package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run the command as "iotrace", and as "fakexen" with
// openTestSource instead of a dom0.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"iotrace": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"fakexen": func() {
			os.Exit(runWith(context.Background(), openTestSource, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs each script in testdata/script: one behaviour of a command
// a file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode":   exitCode,
			"eventually": eventuallyExec,
			"recorded":   recorded,
		},
		Condition: func(cond string) (bool, error) {
			if cond != "dom0" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			_, err := os.Stat("/proc/xen/capabilities")
			return err == nil, nil
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("SAMPLES", samplesDir(t))
			e.Setenv("IOTRACE_RUNTIME_DIR", shortDir(e.Defer))
			return nil
		},
	})
}
