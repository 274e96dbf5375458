package store

import (
	"cmp"
	"fmt"
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
