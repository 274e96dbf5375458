package store

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestRoomIsGivenBackByTheFileBefore has no room while the file before this one is being
// finished, and has it when that is: no file is removed.
func TestRoomIsGivenBackByTheFileBefore(t *testing.T) {
	dir := t.TempDir()
	w, err := Open(filepath.Join(dir, "x.iot"), Options{Header: header, Ring: Ring{Files: 3, Size: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(dir, "x.0000.iot")
	if err := os.WriteFile(before+Suffix, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	ending := make(chan error)
	w.whole, w.ending = []string{before}, ending
	go func() { ending <- os.Rename(before+Suffix, before) }()
	w.part.file.full = ErrFull
	if err := w.room(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(before); err != nil || !slices.Equal(w.whole, []string{before}) {
		t.Errorf("the file before: %v, of the ring are %v", err, w.whole)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestRoomOfAKilledCapture counts what it had ahead, too, for what its file would give back.
func TestRoomOfAKilledCapture(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	left := PartName(name, 1) + Suffix
	f, err := os.Create(left)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const ahead = 8 << 20
	if err := ownSystem.allocate(f, 0, ahead); err != nil {
		t.Skip(err)
	}
	full := system{free: func(*os.File) (uint64, error) { return 0, nil }}
	if !removingHelps(ErrFull, name, ahead, []string{left}, full) {
		t.Error("its file is taken for an empty one")
	}
	if removingHelps(ErrFull, name, 2*ahead, []string{left}, full) {
		t.Error("its file is taken for a larger one")
	}
}
