package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// example is a command of README.md with the output that stands below it.
type example struct{ command, output string }

// examples returns the commands in README.md's console blocks that run iotrace
// on something that every checkout has.
func examples(readme string) (found []example) {
	for _, block := range strings.Split(readme, "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
			command, output, _ := strings.Cut(part, "\n")
			if strings.HasPrefix(command, "./iotrace ") {
				found = append(found, example{command, strings.TrimSuffix(output, "\n")})
			}
		}
	}
	return found
}

// TestReadmeExamples runs README.md's examples and compares what they print. A
// first line "..." stands for lines left out.
func TestReadmeExamples(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "iotrace")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	list := examples(string(readme))
	if len(list) < 2 {
		t.Fatalf("README.md has %d examples, want at least 2", len(list))
	}
	for _, x := range list {
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(x.command, "./iotrace", bin))
		cmd.Dir = root
		out, err := cmd.Output() // a replay that differs ends with 1
		if err != nil && cmd.ProcessState.ExitCode() != exitDiffer {
			t.Errorf("%s: %v", x.command, err)
		}
		got := strings.TrimSuffix(string(out), "\n")
		if want, elided := strings.CutPrefix(x.output, "...\n"); got != want && !(elided && strings.HasSuffix(got, "\n"+want)) {
			t.Errorf("%s\nREADME.md says\n%s\nit prints\n%s", x.command, x.output, got)
		}
	}
}
