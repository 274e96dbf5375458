package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/control"
	"github.com/rogpeppe/go-internal/testscript"
)

// exitCode runs a program and fails unless it ends with the given code:
// "exitcode 1 iotrace replay x.txt". Its output is checked with stdout and
// stderr as after exec.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE PROGRAM [ARG ...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var e *exec.ExitError
	switch {
	case errors.As(err, &e):
		got = e.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// patience bounds every wait for what must come, on the slowest machine.
const patience = 5 * time.Minute

// eventuallyExec runs a program until it succeeds: "eventually exec iotrace mark
// hello", for what waits for a program in the background.
func eventuallyExec(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || args[0] != "exec" {
		ts.Fatalf("usage: eventually exec PROGRAM [ARG ...]")
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("in vain: %v", err)
		}
	}
}

// recorded waits until the script's one capture has written so many events: "recorded 3".
func recorded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: recorded EVENTS")
	}
	want, err := strconv.ParseUint(args[0], 10, 64)
	ts.Check(err)
	dirs := []string{ts.Getenv("IOTRACE_RUNTIME_DIR")}
	var st statusResult
	for end := time.Now().Add(patience); st.Events < want; time.Sleep(20 * time.Millisecond) {
		if running, _ := control.Running(dirs); len(running) == 1 {
			err = running[0].Ask("status", nil, &st)
		}
		if time.Now().After(end) {
			ts.Fatalf("in vain: %d events, want %d: %v", st.Events, want, err)
		}
	}
}

func samplesDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../samples")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// shortDir makes a directory for sockets, whose paths must be short.
func shortDir(cleanup func(func())) string {
	dir, err := os.MkdirTemp("", "iot")
	if err != nil {
		panic(err)
	}
	cleanup(func() { os.RemoveAll(dir) })
	return dir
}
