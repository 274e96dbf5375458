package main

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
	commandPages(t, dir, root(strings.NewReader(""), openTestSource))
	writePage(t, dir, "iotrace", 5, readText(t, "../../format/FORMAT.md"))
	writePage(t, dir, "iotrace-driver", 5, driverForm(t))
	// Lines of a table stay lines.
	for name, table := range map[string]string{"iotrace-record.1": "slow-call:TIME ", "iotrace-top.1": "!(type==pio", "iotrace.1": "5  this machine", "iotrace-driver.5": "request xengt_io_req_handler "} {
		if page := readText(t, filepath.Join(dir, name)); !regexp.MustCompile(`(?m)^\.EX(\n[^.].*|\n)*\n *` + regexp.QuoteMeta(table)).MatchString(page) {
			t.Errorf("%s: want %q in a block that is not filled", name, table)
		}
	}
}

// writePage makes a page out of markdown.
func writePage(t *testing.T, dir, name string, section int, markdown string) {
	t.Helper()
	head := fmt.Sprintf("%s %d \"\" \"iotrace %s\" \"iotrace\"\n=====\n\n", strings.ToUpper(name), section, version)
	page := md2man.Render([]byte(head + markdown))
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s.%d", name, section)), page, 0o644); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), ".SH") {
		t.Errorf("%s(%d) has no sections", name, section)
	}
}

// commandPages makes the pages of a command and of those below it.
func commandPages(t *testing.T, dir string, c *cobra.Command) {
	writePage(t, dir, pageName(c), 1, commandPage(t, c))
	for _, sub := range subcommands(c) {
		commandPages(t, dir, sub)
	}
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// subcommands are those that the program's help lists.
func subcommands(c *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(c.Commands()), func(c *cobra.Command) bool { return !c.IsAvailableCommand() || c.Name() == "help" })
}

// commandPage says of a command what its help does.
func commandPage(t *testing.T, c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# NAME\n%s \\- %s\n\n# SYNOPSIS\n**%s**\n\n# DESCRIPTION\n%s\n\n# OPTIONS\n", pageName(c), c.Short, c.UseLine(), cmp.Or(c.Long, c.Short))
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			b.WriteString(option(t, c, f))
		}
	})
	if c.Example != "" {
		fmt.Fprintf(&b, "# EXAMPLES\n```\n%s\n```\n\n", c.Example)
	}
	b.WriteString("# SEE ALSO\n")
	var others []string
	if c.HasParent() {
		others = append(others, pageName(c.Parent()))
	}
	for _, sub := range subcommands(c) {
		others = append(others, pageName(sub))
	}
	return b.String() + "**" + strings.Join(others, "**(1), **") + "**(1)\n"
}

// option tells a flag, and what it takes if it takes something. That must not be called
// string or int, as pflag calls it.
func option(t *testing.T, c *cobra.Command, f *pflag.Flag) string {
	t.Helper()
	takes, usage := pflag.UnquoteUsage(f)
	theirs := strings.Contains(fmt.Sprintf("%T", f.Value), "pflag.")
	if theirs && f.Value.Type() != "bool" && !strings.Contains(f.Usage, "`") {
		t.Errorf("%s --%s takes %q: name it in backquotes in its usage", c.CommandPath(), f.Name, takes)
	}
	names := "**--" + f.Name + "**"
	if f.Shorthand != "" {
		names = "**-" + f.Shorthand + "**, " + names
	}
	if takes != "" {
		names += " *" + takes + "*"
	}
	if value := f.DefValue; !strings.Contains(usage, "(default") && !slices.Contains([]string{"", "0", "false", "[]"}, value) {
		usage += " (default " + value + ")"
	}
	return names + "\n: " + usage + "\n\n"
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
