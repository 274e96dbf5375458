package store

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// CheckRing says whether Open would refuse the name, without touching anything.
func CheckRing(name string, o Options) error {
	if !o.Ring.On() {
		return Check(name, o.FileOptions)
	}
	if err := checkParts(name); err != nil {
		return err
	}
	parts, err := partsOf(name)
	if err == nil && len(parts) > 0 && !o.Replace && !o.Resume {
		err = fmt.Errorf("%s %w", parts[0], ErrExists)
	}
	return err
}

// CheckRoom says whether Open would find no room, without touching anything: by how much
// is to stay free, and what the files that would go to make room have. What cannot be
// asked is tried.
func CheckRoom(name string, o Options) error {
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return nil
	}
	defer dir.Close()
	r := newRoom(o.Reserve, ownSystem)
	full := r.spare(dir, 0, roomAhead)
	if full == nil || removingHelps(full, name, o.Reserve+roomAhead, inTheWay(name, o), ownSystem) {
		return nil
	}
	return fmt.Errorf("%s: %w", name, full)
}

// inTheWay returns the files that Open may remove.
func inTheWay(name string, o Options) []string {
	switch {
	case o.Ring.On() && (o.Ring.Files > 0 || !o.Resume):
		parts, _ := partsOf(name)
		return parts
	case !o.Ring.On() && o.Replace:
		return []string{o.incomplete(name)}
	}
	return nil
}

// removeParts removes an earlier ring, unless it is being written.
func removeParts(name string) error {
	parts, err := idleParts(name)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := remove(p); err != nil {
			return err
		}
	}
	return nil
}

// resume takes over an earlier ring's files. What a crash left incomplete is one
// of them.
func (w *Writer) resume() error {
	parts, err := idleParts(w.name)
	if err != nil || len(parts) == 0 {
		return err
	}
	w.whole = parts
	w.number = partNumber(parts[len(parts)-1]) + 1
	for n := w.opts.Ring.Files; n > 0 && len(w.whole) > n-1; {
		w.dropOldest()
	}
	return w.failed
}

// idleParts returns the files of an earlier ring in their order. That one of
// them is being written is an error.
func idleParts(name string) ([]string, error) {
	parts, err := partsOf(name)
	for _, p := range parts {
		if err == nil && strings.HasSuffix(p, Suffix) {
			err = idle(p)
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return cmp.Compare(partNumber(a), partNumber(b)) })
	return parts, err
}
