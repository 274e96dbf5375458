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
