package lab

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/iotrace-xen/iotrace/lab/dom0"
)

func TestPayloadIsADiskAndATar(t *testing.T) {
	path := filepath.Join(t.TempDir(), "payload.tar")
	want := []payloadFile{{"agent", 0o755, []byte("program")}, {"run.json", 0o644, bytes.Repeat([]byte("x"), 1000)}}
	if err := writePayload(path, want); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b)%512 != 0 {
		t.Errorf("payload: want whole sectors, got %d bytes", len(b))
	}
	r := tar.NewReader(bytes.NewReader(b))
	for _, w := range want {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != w.name || h.FileInfo().Mode().Perm() != w.mode || !bytes.Equal(data, w.data) {
			t.Errorf("want %s %v with %d bytes, got %s %v with %d", w.name, w.mode, len(w.data), h.Name, h.FileInfo().Mode(), len(data))
		}
	}
}

// resultsDisk writes a disk as dom0's tar would: an archive, then old bytes.
func resultsDisk(t *testing.T, names ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "results.tar")
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o644, Size: 3, Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, "/") {
			h.Size, h.Typeflag = 0, tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("abc")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(buf.Bytes(), make([]byte, 1<<16)...), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResultsComeOut(t *testing.T) {
	dir := t.TempDir()
	names, err := readResults(resultsDisk(t, "./", "./session.iot", "./logs/agent.log"), dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"session.iot", "logs/agent.log"}; !slices.Equal(names, want) {
		t.Errorf("want %v, got %v", want, names)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "logs/agent.log")); err != nil || string(b) != "abc" {
		t.Errorf("logs/agent.log: got %q, %v", b, err)
	}
}

func TestResultsStayInTheirFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := readResults(resultsDisk(t, "../evil"), dir); err == nil {
		t.Error("a name that leaves the folder: want an error, got none")
	}
	if _, err := os.Stat(filepath.Join(dir, "../evil")); err == nil {
		t.Error("a file was written outside the folder")
	}
}

func TestUnwrittenResultsAreNone(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "results.tar")
	if err := newResultsDisk(disk); err != nil {
		t.Fatal(err)
	}
	if names, err := readResults(disk, t.TempDir()); err != nil || len(names) != 0 {
		t.Errorf("want no files and no error, got %v, %v", names, err)
	}
}

func TestImageKeyDependsOnItsInputs(t *testing.T) {
	base := imageKey(releases[1], "http://mirror.example/debian")
	if again := imageKey(releases[1], "http://mirror.example/debian"); again != base {
		t.Errorf("same inputs: want %s, got %s", base, again)
	}
	if !strings.HasPrefix(base, "4.17-") {
		t.Errorf("want the release in front, got %s", base)
	}
	other := releases[1]
	other.qemu = "another"
	for what, key := range map[string]string{
		"mirror":   imageKey(releases[1], "http://other.example/debian"),
		"release":  imageKey(releases[2], "http://mirror.example/debian"),
		"packages": imageKey(other, "http://mirror.example/debian"),
	} {
		if key == base {
			t.Errorf("another %s: want another key, got the same", what)
		}
	}
}

func TestCacheBuildsOnce(t *testing.T) {
	dir := t.TempDir()
	var builds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			path, err := cached(dir, "key", func(tmp string) error {
				builds.Add(1)
				return os.WriteFile(filepath.Join(tmp, "root.img"), []byte("image"), 0o644)
			})
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(path, "root.img")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("want one build, got %d", n)
	}
}

func TestCacheForgetsFailedBuilds(t *testing.T) {
	dir := t.TempDir()
	bad := errors.New("no mirror")
	if _, err := cached(dir, "key", func(string) error { return bad }); !errors.Is(err, bad) {
		t.Fatalf("want the build's error, got %v", err)
	}
	path, err := cached(dir, "key", func(tmp string) error {
		left, err := os.ReadDir(tmp)
		if err != nil || len(left) != 0 {
			t.Errorf("want an empty folder, got %v, %v", left, err)
		}
		return nil
	})
	if err != nil || path != filepath.Join(dir, "key") {
		t.Errorf("got %s, %v", path, err)
	}
}

func TestMirrorIsTheFirstDebianMain(t *testing.T) {
	for _, c := range []struct {
		name, targets, want string
	}{
		{"one", "http://a.example/debian/ bookworm main\n", "http://a.example/debian"},
		{"security and others first", "http://s.example/debian-security/ bookworm-security main\n" +
			"http://v.example/apt/ nodistro main\nhttp://b.example/debian/ trixie main\n", "http://b.example/debian"},
		{"other component", "http://a.example/debian/ sid contrib\n", ""},
		{"another distribution", "http://u.example/ubuntu/ jammy main\n", ""},
		{"none", "", ""},
	} {
		got, ok := debianMirror(c.targets)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: want %q, got %q, %v", c.name, c.want, got, ok)
		}
	}
}

func TestMissingToolsNameTheirPackages(t *testing.T) {
	err := checkTools([]tool{{"no-such-tool", "pkg-a"}, {"no-such-tool-either", "pkg-a"}, {"sh", "dash"}})
	var missing *MissingToolsError
	if !errors.As(err, &missing) {
		t.Fatalf("want a MissingToolsError, got %v", err)
	}
	if !slices.Equal(missing.Packages, []string{"pkg-a"}) || len(missing.Tools) != 2 {
		t.Errorf("want two tools of pkg-a, got %+v", missing)
	}
	if !strings.Contains(err.Error(), "apt-get install pkg-a") {
		t.Errorf("want the command that helps, got %q", err)
	}
}

func TestAgentLinesAreFoundAmongOthers(t *testing.T) {
	serial := "(XEN) Xen version\r\n[ 1.0] xen: lab: guest is up\r\nlab: ok\r\nlabour\n"
	if got, want := agentLines(serial), "lab: guest is up\nlab: ok\n"; got != want {
		t.Errorf("want %q, got %q", want, got)
	}
}

func TestRunRefusesUnknownScenarios(t *testing.T) {
	_, err := Options{Scenario: "nonsense", Out: t.TempDir()}.check()
	if err == nil || (!strings.Contains(err.Error(), "nonsense") && !errors.As(err, new(*MissingToolsError))) {
		t.Errorf("want an error that names the scenario, got %v", err)
	}
	for _, s := range dom0.Scenarios() {
		if s.Doc == "" {
			t.Errorf("scenario %s: has no description", s.Name)
		}
	}
}

func TestRunRefusesEventFDsWithoutTheirDriver(t *testing.T) {
	o := Options{Scenario: "eventfd", Out: t.TempDir(), Release: releases[1]}
	if _, err := o.check(); err == nil || (!strings.Contains(err.Error(), "4.20-backports") && !errors.As(err, new(*MissingToolsError))) {
		t.Errorf("%v: want an error that names a release with the driver, got %v", o.Release, err)
	}
	for _, r := range slices.Concat(releases, variants) {
		if has := slices.ContainsFunc(r.packages(), func(p string) bool { return strings.HasPrefix(p, "linux-source/") }); has != r.EventFD() {
			t.Errorf("%v: its image has the kernel's source: %v, want %v", r, has, r.EventFD())
		}
	}
}

func TestRunCountsInstructionsOfOneCPU(t *testing.T) {
	o := Options{Scenario: "overhead", Out: t.TempDir(), Counted: true, CPUs: 2}
	if _, err := o.check(); err == nil || (!strings.Contains(err.Error(), "one CPU") && !errors.As(err, new(*MissingToolsError))) {
		t.Errorf("want an error that says how many CPUs there can be, got %v", err)
	}
	for _, counted := range []bool{false, true} {
		if has := slices.Contains(machine{cpus: 1, counted: counted}.args(), "-icount"); has != counted {
			t.Errorf("counted %v: QEMU is told to count instructions: %v", counted, has)
		}
	}
}

func TestCPIOEntriesAreAligned(t *testing.T) {
	var buf bytes.Buffer
	c := &cpioWriter{w: &buf}
	c.add("bin", cpioDir, nil)
	c.add("init", cpioExec, []byte("#!/bin/sh\n"))
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	b := buf.Bytes()
	if len(b)%4 != 0 {
		t.Errorf("want a multiple of 4 bytes, got %d", len(b))
	}
	for _, name := range []string{"bin", "init", "TRAILER!!!"} {
		i := bytes.Index(b, []byte(name+"\x00"))
		if i < 110 || (i-110)%4 != 0 || string(b[i-110:i-104]) != "070701" {
			t.Errorf("entry %s: want a header at a multiple of 4 before it, got its name at %d", name, i)
		}
	}
}
