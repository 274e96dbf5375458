package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tool is a program of the host that the lab runs, or a file that a program of
// its needs, and the Debian package that has it.
type tool struct{ name, pkg string }

var (
	bootTools  = []tool{{"qemu-system-x86_64", "qemu-system-x86"}, {"go", "golang-1.25-go"}}
	buildTools = []tool{
		{"mmdebstrap", "mmdebstrap"}, {"mke2fs", "e2fsprogs"}, {"tar", "tar"}, {"xz", "xz-utils"},
		{"apt-get", "apt"}, {"apt-config", "apt"},
		{"/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"},
	}
	// userTools let mmdebstrap work for a user who is not root.
	userTools = []tool{{"newuidmap", "uidmap"}}
)

// MissingToolsError lists what the host lacks.
type MissingToolsError struct {
	Tools    []string // program names
	Packages []string // Debian packages that have them
}

func (e *MissingToolsError) Error() string {
	return fmt.Sprintf("host: %s not found; install with: apt-get install %s",
		strings.Join(e.Tools, ", "), strings.Join(e.Packages, " "))
}

// CheckHost returns a *MissingToolsError if the host lacks a program that
// building or booting needs, else nil.
func CheckHost() error {
	tools := slices.Concat(bootTools, buildTools)
	if os.Geteuid() != 0 {
		tools = append(tools, userTools...)
	}
	return checkTools(tools)
}

func checkTools(tools []tool) error {
	var missing MissingToolsError
	seen := map[string]bool{}
	for _, t := range tools {
		if _, err := lookTool(t.name); err == nil {
			continue
		}
		missing.Tools = append(missing.Tools, t.name)
		if !seen[t.pkg] {
			seen[t.pkg] = true
			missing.Packages = append(missing.Packages, t.pkg)
		}
	}
	if len(missing.Tools) > 0 {
		return &missing
	}
	return nil
}

// lookTool finds a file, or a program in PATH or in the sbin folders, which are not in
// every user's PATH though mke2fs lives there.
func lookTool(name string) (string, error) {
	if filepath.IsAbs(name) {
		_, err := os.Stat(name)
		return name, err
	}
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		p := filepath.Join(dir, name)
		if st, serr := os.Stat(p); serr == nil && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", err
}
