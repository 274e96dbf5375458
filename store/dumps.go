package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Keep says how many of a capture's dumps stay. The zero value keeps all.
type Keep struct {
	Files int    // 0 for any number
	Size  uint64 // bytes of all together; 0 for any
}

// ParseKeep reads what String returns: "files:8,size:1GiB", either of which may
// be left out.
func ParseKeep(s string) (Keep, error) {
	const form = "files:N and size:SIZE with a comma between them"
	r, err := parseRing(s, form)
	if err == nil && r.Time > 0 {
		err = fmt.Errorf("want %s, got a time in %q", form, s)
	}
	return Keep{r.Files, r.Size}, err
}

// String returns the form that ParseKeep reads.
func (k Keep) String() string { return Ring{Files: k.Files, Size: k.Size}.String() }

// Dumps writes traces of one capture, each whole and with a name of its own, made
// from one as those of a ring are. Files that are there already, of a capture
// before, are not overwritten: numbers go on behind them, and the whole ones count
// for what is kept. Dumps is not safe for concurrent use.
type Dumps struct {
	name  string
	keep  Keep
	opts  FileOptions
	sys   system
	last  int        // number given out last
	files []dumpFile // finished ones, oldest first
}

type dumpFile struct {
	name string
	size uint64
}

// OpenDumps looks at what is there. The folder has to exist.
func OpenDumps(name string, k Keep, o FileOptions) (*Dumps, error) {
	o.Replace = false
	if err := checkParts(name); err != nil {
		return nil, err
	}
	d := &Dumps{name: name, keep: k, opts: o, sys: ownSystem}
	parts, err := idleParts(name)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		d.last = partNumber(p)
		if st, err := os.Stat(p); err == nil && !strings.HasSuffix(p, Suffix) {
			d.files = append(d.files, dumpFile{p, uint64(st.Size())})
		}
	}
	return d, nil
}

// Names returns the finished files that are there, oldest first.
func (d *Dumps) Names() []string {
	names := make([]string, len(d.files))
	for i, f := range d.files {
		names[i] = f.name
	}
	return names
}

// Try makes a dump of nothing and removes it, so that what stands in the way of all
// is known before there is one to make. ErrFull says that there is no room now, and that
// older ones would make none.
func (d *Dumps) Try() error {
	d.last++
	defer func() { d.last-- }()
	f, err := d.create()
	if errors.Is(err, ErrFull) && d.removingHelps(err, 0) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Discard()
}

// Write makes the next dump, of about so many bytes: write gets its number, and writes
// it block by block. If that fails nothing of it stays. ErrFull says that there is no
// room for it, which with Keep takes that of older ones first, unless that of all is
// too little. Files that are too many afterwards are removed, the oldest first and
// never the new one.
func (d *Dumps) Write(bytes uint64, write func(w io.Writer, number int) error) (name string, err error) {
	d.last++
	f, err := d.create()
	for errors.Is(err, ErrFull) && d.makeRoom(err, bytes) {
		f, err = d.create()
	}
	if err != nil {
		return "", err
	}
	if err := write(roomyWriter{f, d, bytes}, d.last); err != nil {
		return "", errors.Join(err, f.Discard())
	}
	size := uint64(f.Size())
	if err := f.Finish(); err != nil {
		return "", err
	}
	d.files = append(d.files, dumpFile{f.Name(), size})
	return f.Name(), d.trim()
}

// create opens the next dump. A number that another capture has taken meanwhile is
// passed over.
func (d *Dumps) create() (*File, error) {
	for {
		f, err := create(PartName(d.name, d.last), d.opts, d.sys)
		if !errors.Is(err, ErrExists) {
			return f, err
		}
		d.last++
	}
}

// A roomyWriter writes a dump and makes room for it.
type roomyWriter struct {
	*File
	dumps *Dumps
	bytes uint64 // of the whole dump, about
}

func (w roomyWriter) Write(block []byte) (int, error) {
	n, err := w.File.Write(block)
	for err == nil && w.Full() != nil {
		there := uint64(max(w.Size(), w.room.allocated))
		if !w.dumps.makeRoom(w.Full(), w.bytes-min(w.bytes, there)) {
			return n, w.Full()
		}
		w.Look()
	}
	return n, err
}

// makeRoom removes the oldest file for a dump that is to take so many bytes more. It is
// false where that must not be, or would be in vain.
func (d *Dumps) makeRoom(full error, bytes uint64) bool {
	return d.removingHelps(full, bytes) && d.dropOldest() == nil
}

func (d *Dumps) removingHelps(full error, bytes uint64) bool {
	return d.keep != (Keep{}) && removingHelps(full, d.name, d.opts.Reserve+bytes+roomAhead, d.Names(), d.sys)
}

// dropOldest removes the oldest file.
func (d *Dumps) dropOldest() error {
	name := d.files[0].name
	d.files = d.files[1:]
	return remove(name)
}

// trim removes what is more than is to be kept.
func (d *Dumps) trim() error {
	var all uint64
	for _, f := range d.files {
		all += f.size
	}
	for len(d.files) > 1 && (d.keep.Files > 0 && len(d.files) > d.keep.Files || d.keep.Size > 0 && all > d.keep.Size) {
		all -= d.files[0].size
		if err := d.dropOldest(); err != nil {
			return err
		}
	}
	return nil
}
