package main

import (
	"flag"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	cobradoc "github.com/spf13/cobra/doc"
)

// manDir is where "make packages" wants the manual; the tests' own is thrown
// away. Only this test links what makes manuals, so the shipped program does not.
var manDir = flag.String("man", "", "keep the manual pages in this `folder`")

// TestManual makes a page for each command, and one for each form of file.
func TestManual(t *testing.T) {
	dir := *manDir
	if dir == "" {
		dir = t.TempDir()
	}
	cmd := root(strings.NewReader(""), openTestSource)
	h := &cobradoc.GenManHeader{Source: "iotrace " + version, Manual: "iotrace"}
	cmd.DisableAutoGenTag = true
	if err := cobradoc.GenManTree(cmd, h, dir); err != nil {
		t.Fatal(err)
	}
	formPage(t, dir, "iotrace", readText(t, "../../format/FORMAT.md"))
	formPage(t, dir, "iotrace-driver", driverForm(t))
	for _, c := range append(cmd.Commands(), cmd) {
		hasPage(t, dir, c)
	}
	// Lines of a table stay lines.
	for name, table := range map[string]string{"iotrace-record.1": "slow-call:TIME ", "iotrace-top.1": "!(type==pio", "iotrace-driver.5": "request xengt_io_req_handler "} {
		if page := readText(t, filepath.Join(dir, name)); !regexp.MustCompile(`(?m)^\.EX(\n[^.].*|\n)*\n *` + regexp.QuoteMeta(table)).MatchString(page) {
			t.Errorf("%s: want %q in a block that is not filled", name, table)
		}
	}
}

// formPage makes the page of a file's form.
func formPage(t *testing.T, dir, name, markdown string) {
	t.Helper()
	page := md2man.Render([]byte(name + " 5 \"\" \"iotrace " + version + "\" \"iotrace\"\n=====\n\n" + markdown))
	if err := os.WriteFile(filepath.Join(dir, name+".5"), page, 0o644); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), ".SH") {
		t.Errorf("%s.5 has no sections", name)
	}
}

// driverForm is the form of driver profiles, as their package tells it, with XenGT's as
// the example.
func driverForm(t *testing.T) string {
	const dir = "../../record/driver/"
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, dir+"doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := doc.NewFromFiles(files, []*ast.File{f}, "record/driver")
	if err != nil {
		t.Fatal(err)
	}
	p := pkg.Printer()
	p.HeadingLevel, p.HeadingID = 1, func(*comment.Heading) string { return "" }
	example := readText(t, dir+"xengt.profile")
	return "# Driver profiles\n\n" + string(p.Markdown(pkg.Parser().Parse(pkg.Doc))) + "\n# Example\n\nWhat iotrace knows itself:\n\n\t" +
		strings.ReplaceAll(strings.TrimSpace(example), "\n", "\n\t") + "\n"
}

func readText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
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
