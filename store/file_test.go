package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk is a system with so many bytes left.
type disk struct {
	left      int64
	looks     int
	blind     bool
	used      map[string]int64 // by file: bytes allocated or written
	failAfter int64            // a write beyond this offset stops half-way
}

// reclaim gives back what finished files do not take, and removed ones.
func (d *disk) reclaim() {
	for temp, n := range d.used {
		if _, err := os.Stat(temp); err == nil {
			continue
		}
		delete(d.used, temp)
		d.left += n
		name := strings.TrimSuffix(temp, Suffix)
		if st, err := os.Stat(name); err == nil {
			d.used[name] = st.Size()
			d.left -= st.Size()
		}
	}
}

func (d *disk) system() system {
	d.used = map[string]int64{}
	grow := func(f *os.File, to int64) error {
		d.reclaim()
		more := max(0, to-d.used[f.Name()])
		if more > d.left {
			return syscall.ENOSPC
		}
		d.left -= more
		d.used[f.Name()] += more
		return nil
	}
	return system{
		writeAt: func(f *os.File, p []byte, at int64) (int, error) {
			if d.failAfter > 0 && at+int64(len(p)) > d.failAfter {
				n, _ := f.WriteAt(p[:len(p)/2], at)
				return n, syscall.EDQUOT
			}
			if err := grow(f, at+int64(len(p))); err != nil {
				return 0, err
			}
			return f.WriteAt(p, at)
		},
		allocate: func(f *os.File, from, n int64) error {
			if d.blind {
				return errNoAllocate
			}
			return grow(f, from+n)
		},
		free:  func(*os.File) (uint64, error) { d.looks++; d.reclaim(); return uint64(d.left), nil },
		limit: func() int64 { return 1 << 40 },
	}
}

func mustCreate(t *testing.T, name string, o FileOptions, sys system) *File {
	t.Helper()
	f, err := create(name, o, sys)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFileTakesItsNameAtTheEnd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	f := mustCreate(t, name, FileOptions{}, ownSystem)
	f.Write([]byte("block"))
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the name is there before the end: %v", err)
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); string(b) != "block" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(name + Suffix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the incomplete name is still there: %v", err)
	}
}

// TestFileNeverReplaces has somebody take the name while the file is written.
func TestFileNeverReplaces(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	for _, rename := range []func(from, to string) error{renameNew, placeNew} {
		f := mustCreate(t, name, FileOptions{}, ownSystem)
		f.Write([]byte("ours"))
		os.WriteFile(name, []byte("theirs"), 0o600)
		if err := f.Finish(); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Finish: %v", err)
		}
		if err := rename(name+Suffix, name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("rename: %v", err)
		}
		if b, _ := os.ReadFile(name); string(b) != "theirs" {
			t.Errorf("%q was replaced", b)
		}
		os.Remove(name)
		if err := rename(name+Suffix, name); err != nil {
			t.Error(err)
		}
		os.Remove(name)
	}
}

func TestFileReplacesAtTheEnd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	os.WriteFile(name, []byte("old"), 0o600)
	os.WriteFile(name+Suffix, []byte("left behind"), 0o600)
	if _, err := Create(name, FileOptions{}); !errors.Is(err, ErrExists) {
		t.Errorf("without Replace: %v", err)
	}
	f := mustCreate(t, name, FileOptions{Replace: true}, ownSystem)
	if _, err := Create(name, FileOptions{Replace: true}); !errors.Is(err, ErrBusy) {
		t.Errorf("a second writer: %v", err)
	}
	f.Write([]byte("new"))
	if b, _ := os.ReadFile(name); string(b) != "old" {
		t.Errorf("%q before the end", b)
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(name); string(b) != "new" {
		t.Errorf("%q after the end", b)
	}
}

// TestFileTakesBackHalfABlock fails a write in the middle.
func TestFileTakesBackHalfABlock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	d := disk{left: 1 << 30, failAfter: 150}
	f := mustCreate(t, name, FileOptions{}, d.system())
	block := []byte(strings.Repeat("b", 100))
	if _, err := f.Write(block); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write(block); n != 0 || !errors.Is(err, syscall.EDQUOT) {
		t.Errorf("%d, %v", n, err)
	}
	if st, _ := os.Stat(name + Suffix); st.Size() != 100 {
		t.Errorf("%d bytes are left", st.Size())
	}
	if err := f.Abandon(); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(name + Suffix); err != nil || st.Size() != 100 {
		t.Errorf("after Abandon: %v, %v", st, err)
	}
}

// TestFileKnowsItsRoom fills disks that can and cannot allocate ahead: when Full
// says so, there is still room for a block of the largest size.
func TestFileKnowsItsRoom(t *testing.T) {
	for _, blind := range []bool{false, true} {
		for _, reserve := range []uint64{0, 10 << 20} {
			d := disk{left: 100 << 20, blind: blind}
			f := mustCreate(t, filepath.Join(t.TempDir(), "x.iot"), FileOptions{Reserve: reserve}, d.system())
			block := make([]byte, 300<<10)
			for f.Full() == nil {
				if _, err := f.Write(block); err != nil {
					t.Fatalf("blind %v, reserve %d: %v", blind, reserve, err)
				}
			}
			if !errors.Is(f.Full(), ErrFull) {
				t.Error(f.Full())
			}
			if used := f.Size(); used < 80<<20 {
				t.Errorf("blind %v, reserve %d: full at %d", blind, reserve, used)
			}
			if _, err := f.Write(make([]byte, 3<<20)); err != nil {
				t.Errorf("blind %v, reserve %d: no room to close: %v", blind, reserve, err)
			}
			if uint64(d.left) < reserve {
				t.Errorf("blind %v: %d left of %d", blind, d.left, reserve)
			}
			f.Discard()
		}
	}
}

// TestFileLooksSeldom writes a lot onto a disk with plenty of room.
func TestFileLooksSeldom(t *testing.T) {
	d := disk{left: 1 << 40}
	f := mustCreate(t, filepath.Join(t.TempDir(), "x.iot"), FileOptions{Reserve: 1 << 20}, d.system())
	for range 1000 {
		f.Write([]byte("block"))
	}
	if d.looks > 10 {
		t.Errorf("%d looks at the file system for 1000 blocks", d.looks)
	}
	f.Discard()
}

func TestSizes(t *testing.T) {
	for s, want := range map[string]uint64{"0": 0, "4096": 4096, "7B": 7, "64KiB": 64 << 10, "64MiB": 64 << 20, "2GB": 2e9, "1TiB": 1 << 40} {
		n, err := ParseSize(s)
		if n != want || err != nil {
			t.Errorf("ParseSize(%q) = %d, %v", s, n, err)
		}
		if back, _ := ParseSize(FormatSize(n)); back != n {
			t.Errorf("FormatSize(%d) = %q", n, FormatSize(n))
		}
	}
	for _, s := range []string{"", "MiB", "-1", "1.5GiB", "64M", "64 MiB", "99999999TiB", "18446744073709551616"} {
		if n, err := ParseSize(s); err == nil {
			t.Errorf("ParseSize(%q) = %d", s, n)
		}
	}
}

func TestRings(t *testing.T) {
	for s, want := range map[string]string{
		"files:8,size:64MiB,time:10m": "files:8,size:64MiB,time:10m0s",
		"time:90s":                    "time:1m30s",
		"size:1GiB":                   "size:1GiB",
		"files:3":                     "files:3,size:64MiB",
	} {
		r, err := ParseRing(s)
		if err != nil || r.String() != want {
			t.Errorf("ParseRing(%q) = %v, %v", s, r, err)
		}
	}
	for s, want := range map[string]string{
		"":                "want files:N",
		"8":               "want files:N",
		"files:0":         "files: want a number from 1",
		"files:x":         `files: want a number from 1 to 1000000, got "x"`,
		"files:2,files:3": "files is given twice",
		"size:1KiB":       "size: want at least 1MiB",
		"size:big":        "size: want a size such as",
		"time:10":         "time: want a time of at least 1s",
		"time:1ms":        "time: want a time of at least 1s",
	} {
		if _, err := ParseRing(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRing(%q): %v, want %q", s, err, want)
		}
	}
}

func TestPartNames(t *testing.T) {
	for name, want := range map[string]string{"a.iot": "a.0007.iot", "d.d/a": "d.d/a.0007", "a.b.iot": "a.b.0007.iot"} {
		if got := PartName(name, 7); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if n := partNumber(want + Suffix); n != 7 || partNumber(PartName(name, 12345)) != 12345 {
			t.Errorf("%s has number %d", want, n)
		}
	}
	if n := partNumber("a.99999999999999999999.iot"); n != 0 {
		t.Errorf("a number that no part has: %d", n)
	}
	dir := t.TempDir()
	for _, n := range []string{"x.0001.iot", "x.0002.iot.incomplete", "x.iot", "x.1.iot", "y.0001.iot", "x.0001.txt", "x.0001.iot.bak"} {
		os.WriteFile(filepath.Join(dir, n), nil, 0o600)
	}
	got, err := partsOf(filepath.Join(dir, "x.iot"))
	if err != nil || len(got) != 2 || !strings.HasSuffix(got[0], "x.0001.iot") || !strings.HasSuffix(got[1], "x.0002.iot"+Suffix) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestFoldersThatCannotBeSynced are as good as others.
func TestFoldersThatCannotBeSynced(t *testing.T) {
	const name = "/proc" // says EINVAL, as some network file systems do
	d, err := os.Open(name)
	if err != nil {
		t.Skip(err)
	}
	defer d.Close()
	if err := d.Sync(); err == nil {
		t.Skipf("%s can be synced", name)
	}
	if err := syncDir(name); err != nil {
		t.Error(err)
	}
	if err := syncDir(filepath.Join(t.TempDir(), "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is gone: %v", err)
	}
}

// TestFailedRenameLeavesTheNameFree takes the file away that is to be renamed.
func TestFailedRenameLeavesTheNameFree(t *testing.T) {
	for _, rename := range []func(from, to string) error{renameNew, placeNew} {
		dir := t.TempDir()
		to := filepath.Join(dir, "x")
		if err := rename(filepath.Join(dir, "gone"), to); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", to, err)
		}
	}
}
