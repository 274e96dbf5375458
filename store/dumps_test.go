package store

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func openDumps(t *testing.T, name string, k Keep, o FileOptions) *Dumps {
	t.Helper()
	d, err := OpenDumps(name, k, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// bytesOf writes a dump of n bytes, in blocks of 256 KiB.
func bytesOf(n int) func(io.Writer, int) error {
	return func(w io.Writer, _ int) error {
		for ; n > 0; n -= 256 << 10 {
			if _, err := w.Write(make([]byte, min(n, 256<<10))); err != nil {
				return err
			}
		}
		return nil
	}
}

func baseNames(d *Dumps) (names []string) {
	for _, n := range d.Names() {
		names = append(names, filepath.Base(n))
	}
	return names
}

// TestDumpsGoOn numbers dumps behind those of an earlier capture, finished or not.
func TestDumpsGoOn(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"x.0002.iot", "x.0011.iot", "x.10000.iot", "x.10007.iot.incomplete", "x.iot"} {
		os.WriteFile(filepath.Join(dir, n), []byte("old"), 0o600)
	}
	d := openDumps(t, filepath.Join(dir, "x.iot"), Keep{}, FileOptions{Replace: true})
	name, err := d.Write(3, func(w io.Writer, number int) error {
		if number != 10008 {
			t.Errorf("number %d", number)
		}
		_, err := w.Write([]byte("new"))
		return err
	})
	if err != nil || filepath.Base(name) != "x.10008.iot" {
		t.Errorf("%s, %v", name, err)
	}
	if want := []string{"x.0002.iot", "x.0011.iot", "x.10000.iot", "x.10008.iot"}; !slices.Equal(baseNames(d), want) {
		t.Errorf("%v", d.Names())
	}
	if b, err := os.ReadFile(name); string(b) != "new" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

// TestDumpsKeep writes ten dumps of 300 KiB.
func TestDumpsKeep(t *testing.T) {
	for _, c := range []struct {
		keep  Keep
		first int // of those that stay
	}{
		{Keep{}, 1}, {Keep{Files: 3}, 8}, {Keep{Size: 1 << 20}, 8}, {Keep{Files: 2, Size: 1 << 20}, 9}, {Keep{Files: 5, Size: 1}, 10},
	} {
		name := filepath.Join(t.TempDir(), "x.iot")
		d := openDumps(t, name, c.keep, FileOptions{})
		for range 10 {
			if _, err := d.Write(uint64(300<<10), bytesOf(300<<10)); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		for i := c.first; i <= 10; i++ {
			want = append(want, PartName(name, i))
		}
		there, err := partsOf(name)
		if err != nil || !slices.Equal(d.Names(), want) || !slices.Equal(there, want) {
			t.Errorf("%v: %v and %v are there, want %v", c.keep, d.Names(), there, want)
		}
	}
}

// TestDumpsFillADisk shows what goes where there is no room for a dump: nothing
// unless Keep lets older ones go.
func TestDumpsFillADisk(t *testing.T) {
	for _, keep := range []Keep{{}, {Files: 100}} {
		name := filepath.Join(t.TempDir(), "x.iot")
		d := openDumps(t, name, keep, FileOptions{Reserve: 10 << 20})
		dev := disk{left: 48 << 20}
		d.sys = dev.system()
		var err error
		made := 0
		for ; made < 12 && err == nil; made++ {
			_, err = d.Write(5<<20, bytesOf(5<<20))
		}
		left, _ := partsOf(name)
		if keep == (Keep{}) {
			if !errors.Is(err, ErrFull) || made < 3 || len(left) != made-1 || !slices.Equal(left, d.Names()) {
				t.Errorf("keep all: %v at dump %d, files %v", err, made, left)
			}
			continue
		}
		if err != nil || len(left) < 2 || left[len(left)-1] != PartName(name, 12) || !slices.Equal(left, d.Names()) {
			t.Errorf("keep 100: %v at dump %d, files %v", err, made, left)
		}
	}
}

// TestDumpsStayInVain has no room for a dump even if all older ones went: they stay.
// The first dump that there is no room for fails at its start, the second on its way.
func TestDumpsStayInVain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	d := openDumps(t, name, Keep{Files: 100}, FileOptions{Reserve: 10 << 20})
	dev := disk{left: 60 << 20}
	d.sys = dev.system()
	for range 3 {
		if _, err := d.Write(5<<20, bytesOf(5<<20)); err != nil {
			t.Fatal(err)
		}
	}
	dev.reclaim()
	for _, c := range []struct{ left, bytes int64 }{{0, 2 << 20}, {20 << 20, 30 << 20}} {
		dev.left = c.left // another program has taken the rest
		if _, err := d.Write(uint64(c.bytes), bytesOf(int(c.bytes))); !errors.Is(err, ErrFull) {
			t.Errorf("%d bytes where %d are free: %v", c.bytes, c.left, err)
		}
		if left, _ := partsOf(name); len(left) != 3 || !slices.Equal(left, d.Names()) {
			t.Errorf("%d bytes where %d are free: %v are left", c.bytes, c.left, left)
		}
	}
	dev.left = 1 << 30
	d.sys.limit = func() int64 { return 6 << 20 } // of this process
	if _, err := d.Write(5<<20, bytesOf(5<<20)); !errors.Is(err, ErrFull) {
		t.Errorf("beyond a file's limit: %v", err)
	}
	if left, _ := partsOf(name); len(left) != 3 {
		t.Errorf("beyond a file's limit: %v are left", left)
	}
	d.sys = dev.system()
	d.sys.allocate = func(*os.File, int64, int64) error { return syscall.EFBIG } // of this file system
	if _, err := d.Write(5<<20, bytesOf(5<<20)); !errors.Is(err, ErrFull) || !errors.Is(err, syscall.EFBIG) {
		t.Errorf("beyond a file system's limit: %v", err)
	}
	if left, _ := partsOf(name); len(left) != 3 {
		t.Errorf("beyond a file system's limit: %v are left", left)
	}
}

// TestFailedDump leaves nothing behind, and its number is not given again.
func TestFailedDump(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	d := openDumps(t, name, Keep{}, FileOptions{})
	failed := errors.New("no more")
	if _, err := d.Write(3, func(w io.Writer, _ int) error { w.Write([]byte("half")); return failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	if left, err := partsOf(name); len(left) > 0 || err != nil {
		t.Errorf("%v, %v", left, err)
	}
	if got, err := d.Write(uint64(1), bytesOf(1)); got != PartName(name, 2) || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := OpenDumps(filepath.Join(t.TempDir(), "missing", "x.iot"), Keep{}, FileOptions{}); err == nil {
		t.Error("a folder that is not there")
	}
}

// TestDumpsBesideOthers has two captures with one name, which they learn when the second
// finds the first one's dump.
func TestDumpsBesideOthers(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	a, b := openDumps(t, name, Keep{}, FileOptions{}), openDumps(t, name, Keep{}, FileOptions{})
	for i, d := range []*Dumps{a, b, b, a} {
		if got, err := d.Write(uint64(1), bytesOf(1)); err != nil || got != PartName(name, i+1) {
			t.Errorf("dump %d: %s, %v", i+1, got, err)
		}
	}
}

// TestTryDumps finds out what would stand in the way of a dump, and leaves no trace of
// that.
func TestTryDumps(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	d := openDumps(t, name, Keep{}, FileOptions{})
	if err := d.Try(); err != nil {
		t.Error(err)
	}
	if left, err := partsOf(name); len(left) > 0 || err != nil {
		t.Errorf("%v, %v", left, err)
	}
	if got, err := d.Write(uint64(1), bytesOf(1)); got != PartName(name, 1) || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if err := openDumps(t, name, Keep{}, FileOptions{Reserve: 1 << 60}).Try(); !errors.Is(err, ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	full, dev := openDumps(t, name, Keep{Files: 9}, FileOptions{}), disk{left: 60 << 20}
	full.sys = dev.system()
	if _, err := full.Write(9<<20, bytesOf(9<<20)); err != nil {
		t.Fatal(err)
	}
	dev.reclaim()
	dev.left = 0
	if err := full.Try(); err != nil || len(full.Names()) != 2 {
		t.Errorf("older dumps would make room: %v, %v are left", err, full.Names())
	}
	dir := filepath.Join(t.TempDir(), "gone")
	os.Mkdir(dir, 0o700)
	d = openDumps(t, filepath.Join(dir, "x.iot"), Keep{}, FileOptions{})
	os.Remove(dir)
	if err := d.Try(); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("where no file can be made: %v", err)
	}
}

// TestNamesOfParts refuses what cannot have the names of parts.
func TestNamesOfParts(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]error{dir: ErrFolder, dir + "/": ErrFolder, "/dev/null": ErrSpecial} {
		if _, err := OpenDumps(name, Keep{}, FileOptions{}); !errors.Is(err, want) {
			t.Errorf("dumps of %s: %v, want %v", name, err, want)
		}
		if err := CheckRing(name, Options{Ring: Ring{Files: 2}}); !errors.Is(err, want) {
			t.Errorf("a ring of %s: %v, want %v", name, err, want)
		}
	}
}

func TestParseKeep(t *testing.T) {
	for s, want := range map[string]Keep{"files:8,size:1GiB": {8, 1 << 30}, "files:3": {Files: 3}, "size:2MiB": {Size: 2 << 20}} {
		k, err := ParseKeep(s)
		if err != nil || k != want || k.String() != s {
			t.Errorf("%s: %v, %v", s, k, err)
		}
	}
	const form = "want files:N and size:SIZE with a comma between them, got "
	for s, want := range map[string]string{
		"": form + `"" in ""`, "8": form + `"8" in "8"`, "files:0": "files: want a number from 1",
		"time:10m": form + "a time", "files:2,time:10m": form + "a time",
	} {
		if k, err := ParseKeep(s); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %s", s, k, err, want)
		}
	}
}
