package lab_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// Where "make packages" leaves them.
const (
	debFile = "../build/" + dom0.PackageFile
	rpmFile = "../build/iotrace.rpm"
)

// packagesAgree wants the same files in both packages, with the same contents, modes,
// owners and notes as to which an administrator may change. Only Debian's zsh has a place
// of its own for what packages bring.
func packagesAgree(t *testing.T) {
	t.Helper()
	const zshOfDebian, zsh = "/usr/share/zsh/vendor-completions/_iotrace", "/usr/share/zsh/site-functions/_iotrace"
	deb, rpm := debFiles(t), rpmFiles(t)
	deb[zsh] = deb[zshOfDebian]
	delete(deb, zshOfDebian)
	if len(deb) == 0 || !maps.Equal(deb, rpm) {
		t.Errorf("the packages' files: want the same, got\ndeb %q\nrpm %q", deb, rpm)
	}
}

// debFiles returns what is to be said of each file in the deb.
func debFiles(t *testing.T) map[string]string {
	t.Helper()
	config := map[string]bool{}
	archived(t, "--ctrl-tarfile", func(h *tar.Header, data []byte) {
		if h.Name == "./conffiles" {
			for name := range strings.FieldsSeq(string(data)) {
				config[name] = true
			}
		}
	})
	files := map[string]string{}
	archived(t, "--fsys-tarfile", func(h *tar.Header, data []byte) {
		if name := strings.TrimPrefix(h.Name, "."); h.Typeflag == tar.TypeReg {
			files[name] = fmt.Sprintf("%o %s %s config %v %x", h.Mode, h.Uname, h.Gname, config[name], sha256.Sum256(data))
		}
	})
	return files
}

// archived reads one of the deb's archives.
func archived(t *testing.T, which string, each func(*tar.Header, []byte)) {
	t.Helper()
	b, err := exec.Command("dpkg-deb", which, debFile).Output()
	if err != nil {
		t.Fatalf("dpkg-deb %s: %v", which, err)
	}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		var data []byte
		if err == nil {
			data, err = io.ReadAll(r)
		}
		if err != nil {
			t.Fatalf("dpkg-deb %s: %v", which, err)
		}
		each(h, data)
	}
}

// rpmFiles returns the same of the rpm. Its configuration is one that an update
// leaves alone if it was changed, as dpkg does.
func rpmFiles(t *testing.T) map[string]string {
	t.Helper()
	b, err := exec.Command("rpm", "-qp", "--qf",
		`[%{FILENAMES} %{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} .%{FILEFLAGS:fflags} %{FILEDIGESTS}\n]`, rpmFile).Output()
	if err != nil {
		t.Fatalf("rpm -qp %s: %v", rpmFile, err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(b)) {
		w := strings.Fields(line)
		if len(w) != 6 {
			t.Fatalf("rpm: want six words in a line, got %q", line)
		}
		files[w[0]] = fmt.Sprintf("%s %s %s config %v %s", strings.TrimPrefix(w[1], "100"), w[2], w[3], w[4] == ".cn", w[5])
	}
	return files
}

// rpmInstalls has rpm put its package into a root of its own, find all as it should be,
// and take it away again. The deb is installed in dom0.
func rpmInstalls(t *testing.T) {
	t.Helper()
	root := t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Errorf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	rpm := func(args ...string) {
		t.Helper()
		args = append([]string{"rpm", "--root", root}, args...)
		if os.Geteuid() != 0 { // rpm changes its root
			args = append([]string{"unshare", "--map-root-user"}, args...)
		}
		run(args[0], args[1:]...)
	}
	rpm("--install", "--nodeps", "--noscripts", rpmFile)
	rpm("--verify", "--nodeps", "iotrace")
	run(filepath.Join(root, "usr/bin/iotrace"), "version")
	rpm("--erase", "--noscripts", "iotrace")
	for name := range rpmFiles(t) {
		if _, err := os.Stat(filepath.Join(root, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: want it gone with its package, got %v", name, err)
		}
	}
}

// unitIsSound has systemd read the unit of the package, and say how much it leaves
// to it.
func unitIsSound(t *testing.T) {
	t.Helper()
	top := t.TempDir()
	if out, err := exec.Command("dpkg-deb", "-x", debFile, top).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb -x: %v\n%s", err, out)
	}
	for _, target := range []string{"sysinit", "basic", "shutdown"} { // which every unit asks for
		if err := os.WriteFile(filepath.Join(top, "usr/lib/systemd/system", target+".target"), []byte("[Unit]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("systemd-analyze", "verify", "--root", top, "--man=no", "iotrace.service").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--threshold", maxExposure, "--root", top, "iotrace.service").CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: want an exposure of %s at most: %v\n%s", maxExposure, err, out)
	}
}

// maxExposure is ten times what systemd gives a service that it calls OK. What the
// recorder's is above that of one without any right are its capabilities, and root.
const maxExposure = "30"
