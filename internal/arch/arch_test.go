package arch

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/iotrace-xen/iotrace"

// A rule says what one folder, and all below it, may import. Own packages are
// named by their folder, outside modules by their path's beginning.
type rule struct {
	dir     string
	own     []string // packages of this module
	tests   []string // and those that only its tests import
	outside []string // modules of others
	deny    []string // packages of the standard library
	instead string
}

var impure = []string{"io", "os", "time", "log", "net", "sync", "syscall", "unsafe", "math/rand", "context"}

// rules is the house. The longest matching dir governs a package.
var rules = []rule{
	{dir: "xen", deny: impure, instead: "xen is Xen's ABI as values: put I/O where the bytes come from"},
	{dir: "format", own: []string{"xen"}, outside: []string{"github.com/klauspost/compress"}, deny: []string{"os", "time", "log", "net", "syscall"},
		instead: "format takes readers and writers: files and clocks belong to cmd and record"},
	{dir: "engine", own: []string{"xen"}, deny: impure,
		instead: "the model takes operations, not files or clocks: put the driver in replay"},
	{dir: "replay", own: []string{"engine", "format", "xen"}, deny: []string{"os", "time", "log", "net", "syscall"},
		instead: "replay takes events: opening files and printing progress belong to cmd"},
	{dir: "gen", own: []string{"engine", "format", "xen"}, tests: []string{"replay"}, deny: impure,
		instead: "gen makes events out of a seed: files belong to cmd, and chance comes from its own dice"},
	{dir: "analyze", own: []string{"format", "xen"}, deny: []string{"os", "time", "log", "net", "syscall"},
		instead: "analyze takes events: opening files and printing belong to cmd; judging belongs to replay"},
	{dir: "filter", own: []string{"format", "xen"}, deny: impure,
		instead: "filter judges one event by its fields: files, flags and printing belong to cmd"},
	{dir: "flight", own: []string{"analyze", "filter", "store", "format", "xen"}, tests: []string{"replay"},
		deny:    []string{"os", "log", "net", "syscall", "sync"},
		instead: "flight says what is kept and when it is dumped: files, clocks and signals belong to store and cmd"},
	{dir: "record", own: []string{"engine", "format", "record", "xen"}, outside: []string{"github.com/cilium/ebpf", "golang.org/x/sys", "kernel.org/pub/linux/libs/security/libcap/cap"},
		deny: []string{"log", "net"}, instead: "record turns a live dom0 into events: files, flags and printing belong to cmd"},
	{dir: "record/driver", own: []string{"xen"}, deny: []string{"os", "time", "log", "net", "sync", "syscall", "unsafe"},
		instead: "profiles are data: files belong to cmd, the kernel to record"},
	{dir: "store", own: []string{"format", "xen"}, outside: []string{"golang.org/x/sys"}, deny: []string{"log", "net"},
		instead: "store keeps the files of a capture: where events come from and what is said about them belong to cmd"},
	{dir: "rewrite", own: []string{"format", "xen"}, deny: []string{"os", "time", "log", "net", "syscall"},
		instead: "rewrite takes and gives events: files, clocks and headers' facts belong to cmd"},
	{dir: "control", outside: []string{"golang.org/x/sys"}, deny: []string{"log"},
		instead: "control carries requests to a running capture: what they mean belongs to cmd"},
	{dir: "metrics", outside: []string{"golang.org/x/sys"}, deny: []string{"log"},
		instead: "metrics shows numbers that it is given: where they come from belongs to cmd"},
	{dir: "cmd/iotrace", own: []string{"record", "replay", "analyze", "filter", "flight", "gen", "store", "control", "metrics", "rewrite", "format", "engine", "xen"},
		outside: []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/BurntSushi/toml",
			"github.com/coreos/go-systemd/v22/daemon", "github.com/cpuguy83/go-md2man/v2/md2man", "golang.org/x/sys", "golang.org/x/term"},
		instead: "cmd/iotrace converts flags and files: put logic in the package whose noun it is"},
	{dir: "lab", own: []string{"lab", "format", "replay", "engine", "xen"}, outside: []string{"golang.org/x/sys"},
		instead: "lab runs the shipped binary in a real dom0: it links nothing of record or cmd"},
	{dir: "samples", own: []string{"format", "replay", "engine", "xen"}, instead: "samples holds traces and the test that replays them"},
	{dir: "internal/arch", instead: "the architecture test reads source files and nothing else"},
}

const (
	maxFunc  = 60
	maxTable = 100 // functions that are one table or one dispatcher
	maxFile  = 400
	maxMain  = 120
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatalf("no go.mod in %s: the test must run inside the module", dir)
	}
	return dir
}

// goFiles calls f for every Go file that a person writes.
func goFiles(t *testing.T, f func(rel, path string)) {
	t.Helper()
	top := root(t)
	n := 0
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != top && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || generated(path) {
			return nil
		}
		rel, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		n++
		f(filepath.ToSlash(rel), path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatal("found no Go file to check")
	}
}

func generated(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	return strings.Contains(line, "Code generated") && strings.Contains(line, "DO NOT EDIT")
}

func governing(rel string) *rule {
	var best *rule
	for i := range rules {
		d := rules[i].dir
		if strings.HasPrefix(rel, d+"/") && (best == nil || len(d) > len(best.dir)) {
			best = &rules[i]
		}
	}
	return best
}

func TestImports(t *testing.T) {
	goFiles(t, func(rel, path string) {
		r := governing(rel)
		if r == nil {
			t.Errorf("%s: no rule for this folder; add one to internal/arch and say in ARCHITECTURE.md why the house needs the room", rel)
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			return
		}
		for _, imp := range f.Imports {
			name := strings.Trim(imp.Path.Value, `"`)
			if why := r.refuses(rel, name); why != "" {
				t.Errorf("%s imports %s: %s; %s", rel, name, why, r.instead)
			}
		}
	})
}

// testInputs makes what tests and benchmarks of any package read.
const testInputs = "gen"

// refuses returns why the file may not import name, "" if it may. Tests may use
// all of the standard library, the test libraries, and what makes their inputs.
func (r *rule) refuses(rel, name string) string {
	test := strings.HasSuffix(rel, "_test.go")
	if own, ok := strings.CutPrefix(name, module+"/"); ok {
		if test && (own == testInputs || slices.Contains(r.tests, own)) {
			return ""
		}
		return r.refusesOwn(own)
	}
	if strings.Contains(strings.SplitN(name, "/", 2)[0], ".") {
		if test && isTestLibrary(name) {
			return ""
		}
		for _, m := range r.outside {
			if name == m || strings.HasPrefix(name, m+"/") {
				return ""
			}
		}
		return "that module is not for " + r.dir
	}
	if test {
		return ""
	}
	for _, d := range r.deny {
		if name == d || strings.HasPrefix(name, d+"/") && d != "io" {
			return r.dir + " must stay free of it"
		}
	}
	return ""
}

func (r *rule) refusesOwn(own string) string {
	for _, o := range append([]string{r.dir}, r.own...) {
		if own == o || strings.HasPrefix(own, o+"/") {
			return ""
		}
	}
	return "imports point down only"
}

func isTestLibrary(name string) bool {
	for _, m := range []string{"github.com/rogpeppe/go-internal", "github.com/cockroachdb/datadriven", "go.yaml.in/yaml"} {
		if strings.HasPrefix(name, m) {
			return true
		}
	}
	return false
}

func TestSizes(t *testing.T) {
	goFiles(t, func(rel, path string) {
		if strings.HasSuffix(rel, "_test.go") {
			return
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			return
		}
		limit := maxFile
		if filepath.Base(rel) == "main.go" {
			limit = maxMain
		}
		if n := fset.File(f.Pos()).LineCount(); n > limit {
			t.Errorf("%s has %d lines, more than %d: split it by idea, one a file", rel, n, limit)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				checkFunc(t, rel, fset, fn)
			}
		}
	})
}

func checkFunc(t *testing.T, rel string, fset *token.FileSet, fn *ast.FuncDecl) {
	if fn.Body == nil {
		return
	}
	limit := maxFunc
	if isTable(fn) {
		limit = maxTable
	}
	first, last := fset.Position(fn.Pos()).Line, fset.Position(fn.End()).Line
	if n := last - first + 1; n > limit {
		t.Errorf("%s:%d: %s has %d lines, more than %d: give its parts names of their own", rel, first, fn.Name.Name, n, limit)
	}
}

// isTable reports whether a function is one statement, such as a switch or the
// return of a literal.
func isTable(fn *ast.FuncDecl) bool { return len(fn.Body.List) == 1 }

// TestRefusals proves that the rules can fail.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ rel, name string }{
		{"engine/x.go", "time"},
		{"engine/x.go", module + "/format"},
		{"xen/x.go", "io"},
		{"format/x.go", module + "/engine"},
		{"format/x.go", "github.com/cilium/ebpf"},
		{"replay/x.go", "github.com/spf13/cobra"},
		{"record/x.go", module + "/replay"},
		{"lab/x.go", module + "/record"},
		{"xen/x_test.go", "github.com/spf13/cobra"},
	} {
		if governing(c.rel).refuses(c.rel, c.name) == "" {
			t.Errorf("%s may import %s: a rule is missing", c.rel, c.name)
		}
	}
	for _, c := range []struct{ rel, name string }{
		{"engine/x.go", module + "/xen"}, {"engine/x_test.go", "time"}, {"format/x.go", "io"},
		{"format/x.go", "github.com/klauspost/compress/zstd"}, {"record/x.go", "github.com/cilium/ebpf/link"},
	} {
		if why := governing(c.rel).refuses(c.rel, c.name); why != "" {
			t.Errorf("%s may not import %s: %s", c.rel, c.name, why)
		}
	}
	if governing("util/x.go") != nil {
		t.Errorf("folder util has rule %+v", governing("util/x.go"))
	}
}
