package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// TestCommandLines tries command lines that boot nothing.
func TestCommandLines(t *testing.T) {
	for _, c := range []struct {
		line, says string
		code       int
	}{
		{"", "usage: xenlab COMMAND", 2},
		{"--help", "play one scenario", 0},
		{"frobnicate", `no command is called "frobnicate"`, 2},
		{"scenarios", "\nneighbours  two guests", 0},
		{"scenarios x", "want flags only", 2},
		{"build --help", "usage: xenlab build [FLAGS] [RELEASE...]", 0},
		{"build 3.0", `release "3.0": not known`, 2},
		{"run", "-o DIR is needed", 2},
		{"run -o out --scenario frob", `scenario "frob": not known`, 2},
		{"run -o out --scenario shell", "use xenlab shell", 2},
		{"run -o out x", `["x"]: want flags only`, 2},
		{"run --vcpus many", "invalid value", 2},
		{"diff --release 3.0", `release "3.0": not known`, 2},
		{"diff x.txt", "-o DIR is needed", 2},
		{"diff --help", `(default "none")`, 0}, // it needs no recorder
	} {
		var out bytes.Buffer
		err := dispatch(context.Background(), strings.Fields(c.line), &out, &out)
		if code := exitCode(err, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("xenlab %s: code %d, want %d with %q:\n%s", c.line, code, c.code, c.says, &out)
		}
	}
}
