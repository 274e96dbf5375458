package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Ring says how a capture spreads over files. The zero value is one file.
type Ring struct {
	Files int           // keep this many, the one being written included; 0 keeps all
	Size  uint64        // begin a new file before one grows beyond this; 0 for no limit
	Time  time.Duration // begin a new file when one spans this; 0 for no limit
}

// defaultRingSize is the size of a file where only their number is given.
const defaultRingSize = 64 << 20

// On reports whether the capture spreads over files at all.
func (r Ring) On() bool { return r != Ring{} }

// String returns the form that ParseRing reads.
func (r Ring) String() string {
	var parts []string
	if r.Files > 0 {
		parts = append(parts, "files:"+strconv.Itoa(r.Files))
	}
	if r.Size > 0 {
		parts = append(parts, "size:"+FormatSize(r.Size))
	}
	if r.Time > 0 {
		parts = append(parts, "time:"+r.Time.String())
	}
	return strings.Join(parts, ",")
}

// ParseRing reads a ring such as "files:8,size:64MiB,time:10m": any of the
// three, each at most once, in any order. Where neither size nor time is given
// the size is 64MiB.
func ParseRing(s string) (Ring, error) {
	r, err := parseRing(s, "files:N, size:SIZE and time:TIME with commas between them")
	if err == nil && r.Size == 0 && r.Time == 0 {
		r.Size = defaultRingSize
	}
	return r, err
}

// errKey refuses what has no place in a ring.
var errKey = errors.New("no such key")

// parseRing reads what is given and leaves the rest zero. form is what is wanted, in
// words.
func parseRing(s, form string) (Ring, error) {
	var r Ring
	seen := map[string]bool{}
	for _, part := range strings.Split(s, ",") {
		key, value, _ := strings.Cut(part, ":")
		if seen[key] {
			return Ring{}, fmt.Errorf("%s is given twice in %q", key, s)
		}
		seen[key] = true
		switch err := r.set(key, value); {
		case err == errKey:
			return Ring{}, fmt.Errorf("want %s, got %q in %q", form, key, s)
		case err != nil:
			return Ring{}, fmt.Errorf("%w in %q", err, s)
		}
	}
	return r, nil
}

func (r *Ring) set(key, value string) (err error) {
	switch key {
	case "files":
		r.Files, err = strconv.Atoi(value)
		if err != nil || r.Files < 1 || r.Files > 1e6 {
			return fmt.Errorf("files: want a number from 1 to 1000000, got %q", value)
		}
	case "size":
		if r.Size, err = ParseSize(value); err != nil {
			return fmt.Errorf("size: %w", err)
		}
		if r.Size < minRingSize {
			return fmt.Errorf("size: want at least %s, got %q", FormatSize(minRingSize), value)
		}
	case "time":
		r.Time, err = time.ParseDuration(value)
		if err != nil || r.Time < time.Second {
			return fmt.Errorf("time: want a time of at least 1s, such as 90s, 10m or 1h30m, got %q", value)
		}
	default:
		return errKey
	}
	return nil
}

// minRingSize is the smallest size of a ring's files: a few full blocks.
const minRingSize = 1 << 20

// PartName returns the name of a ring's file: session.0001.iot for session.iot.
func PartName(name string, part int) string {
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s.%04d%s", strings.TrimSuffix(name, ext), part, ext)
}

// partNumber returns the number of a ring's file, incomplete or not.
func partNumber(file string) int {
	m := numberInName.FindStringSubmatch(strings.TrimSuffix(file, Suffix))
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0 // what nobody counted to
	}
	return n
}

var numberInName = regexp.MustCompile(`\.([0-9]{4,})(\.[^.]*)?$`)

// partsOf returns the files of an earlier ring of that name, incomplete ones
// included.
func partsOf(name string) ([]string, error) {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(filepath.Base(name), ext)
	is := regexp.MustCompile(`^` + regexp.QuoteMeta(stem) + `\.[0-9]{4,}` + regexp.QuoteMeta(ext) + `(` + regexp.QuoteMeta(Suffix) + `)?$`)
	entries, err := os.ReadDir(filepath.Dir(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var found []string
	for _, e := range entries {
		if is.MatchString(e.Name()) {
			found = append(found, filepath.Join(filepath.Dir(name), e.Name()))
		}
	}
	return found, err
}
