package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manDir is where "make packages" wants the manual; the tests' own is thrown
// away. Only this test links what makes manuals, so the shipped program does not.
var manDir = flag.String("man", "", "keep the manual pages in this `folder`")

// TestManual makes a page for each command, and one for the format.
func TestManual(t *testing.T) {
	dir := *manDir
	if dir == "" {
		dir = t.TempDir()
	}
	cmd := root(strings.NewReader(""), openTestSource)
	h := &doc.GenManHeader{Source: "iotrace " + version, Manual: "iotrace"}
	cmd.DisableAutoGenTag = true
	if err := doc.GenManTree(cmd, h, dir); err != nil {
		t.Fatal(err)
	}
	spec, err := os.ReadFile("../../format/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	page := md2man.Render(append([]byte("iotrace 5 \"\" \"iotrace "+version+"\" \"iotrace\"\n=====\n\n"), spec...))
	if err := os.WriteFile(filepath.Join(dir, "iotrace.5"), page, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range append(cmd.Commands(), cmd) {
		hasPage(t, dir, c)
	}
	if !strings.Contains(string(page), ".SH") {
		t.Errorf("iotrace.5 has no sections")
	}
}

// hasPage checks that a command's page tells its flags.
func hasPage(t *testing.T, dir string, c *cobra.Command) {
	if !c.IsAvailableCommand() {
		return
	}
	b, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
	if err != nil {
		t.Error(err)
		return
	}
	if c.HasLocalFlags() && !strings.Contains(string(b), ".SH OPTIONS") {
		t.Errorf("%s: the page does not tell its flags", c.CommandPath())
	}
}
