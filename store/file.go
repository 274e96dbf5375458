package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Suffix ends the name of a file that has not been closed cleanly.
const Suffix = ".incomplete"

// What stands in the way of a file.
var (
	ErrExists  = errors.New("exists")
	ErrBusy    = errors.New("is being written by another process")
	ErrSpecial = errors.New("is no regular file")
	ErrFolder  = fmt.Errorf("%w but a folder", ErrSpecial)
	ErrFull    = errors.New("no room")
	errLimit   = fmt.Errorf("%w", ErrFull) // because of how large a file may be, not of the disk
)

// FileOptions are the choices of a file. The zero value works.
type FileOptions struct {
	Replace bool   // an existing file may be replaced, once the new one is whole
	Reserve uint64 // bytes of the file system to leave free
	Suffix  string // behind the name until the file is whole; Suffix if empty
}

// incomplete returns the name that a file has until it is whole.
func (o FileOptions) incomplete(name string) string { return name + cmp.Or(o.Suffix, Suffix) }

// A File is a trace being written under its incomplete name. Each Write must
// be a whole block.
type File struct {
	name string
	f    *os.File
	opts FileOptions
	size int64 // of the blocks written
	room room
	full error // from the last look for room
	done bool  // it has its name
}

// Check says whether Create would refuse the name, without touching anything: because
// it is taken, or in a folder that is not there.
func Check(name string, o FileOptions) error {
	for _, n := range []string{name, o.incomplete(name)} {
		st, err := os.Lstat(n)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case st.IsDir():
			return fmt.Errorf("%s %w", n, ErrFolder)
		case !st.Mode().IsRegular() && st.Mode()&fs.ModeSymlink == 0:
			return fmt.Errorf("%s %w", n, ErrSpecial)
		case !o.Replace:
			return fmt.Errorf("%s %w", n, ErrExists)
		}
	}
	return checkFolder(name)
}

// checkParts wants a name of which those of parts can be made.
func checkParts(name string) error {
	st, err := os.Stat(name)
	switch {
	case err == nil && st.IsDir():
		return fmt.Errorf("%s %w", name, ErrFolder)
	case err == nil && !st.Mode().IsRegular():
		return fmt.Errorf("%s %w", name, ErrSpecial)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return checkFolder(name)
}

// checkFolder wants the folder of a file.
func checkFolder(name string) error {
	_, err := os.Stat(filepath.Dir(name))
	return err
}

// Create opens a file for writing under its incomplete name, with mode 0600. It
// refuses a name that is taken unless FileOptions.Replace is set; even then a
// file that another process is writing is left alone. ErrFull says that there is
// no room to begin with.
func Create(name string, o FileOptions) (*File, error) { return create(name, o, ownSystem) }

func create(name string, o FileOptions, sys system) (*File, error) {
	if err := Check(name, o); err != nil {
		return nil, err
	}
	temp := o.incomplete(name)
	if o.Replace {
		if err := removeIdle(temp); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s %w", temp, ErrExists)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) { // for one file more
		return nil, fmt.Errorf("%w: %w", ErrFull, err)
	}
	if err != nil {
		return nil, err
	}
	file := &File{name: name, f: f, opts: o, room: newRoom(o.Reserve, sys)}
	if err = lock(f); err == nil {
		err = file.room.ensure(f, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close(), os.Remove(temp))
	}
	return file, nil
}

// removeIdle removes what an earlier capture left behind, unless that capture
// is still running.
func removeIdle(temp string) error {
	if err := idle(temp); err != nil {
		return err
	}
	return remove(temp)
}

// idle returns an error if a capture is still writing the file.
func idle(temp string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return fmt.Errorf("%s %w", temp, err)
	}
	return nil
}

// Name returns the name that the file will have.
func (f *File) Name() string { return f.name }

// Incomplete returns the name that it has until Finish.
func (f *File) Incomplete() string { return f.opts.incomplete(f.name) }

// Size returns the bytes written so far.
func (f *File) Size() int64 { return f.size }

// Full is nil as long as there is room for one more block, and for closing
// after it. It wraps ErrFull otherwise.
func (f *File) Full() error { return f.full }

// Write adds a block. If that fails, no part of the block stays.
func (f *File) Write(block []byte) (int, error) {
	n, err := f.room.sys.writeAt(f.f, block, f.size)
	if err != nil {
		return 0, errors.Join(err, f.f.Truncate(f.size))
	}
	f.size += int64(n)
	f.full = f.room.ensure(f.f, f.size)
	return n, nil
}

// Look looks for room again, after something has been removed.
func (f *File) Look() error {
	f.room.forget()
	f.full = f.room.ensure(f.f, f.size)
	return f.full
}

// Finish closes a whole file and gives it its name. On failure the file keeps
// its incomplete name.
func (f *File) Finish() error {
	err := f.finish()
	if err != nil {
		err = fmt.Errorf("%s: %w", f.name, err)
	}
	return errors.Join(err, f.f.Close())
}

func (f *File) finish() error {
	if err := f.f.Truncate(f.size); err != nil { // gives back the room behind it
		return err
	}
	if err := f.f.Sync(); err != nil {
		return err
	}
	rename := renameNew
	if f.opts.Replace {
		rename = os.Rename
	}
	if err := rename(f.Incomplete(), f.name); err != nil {
		return err
	}
	f.done = true
	return syncDir(filepath.Dir(f.name))
}

// Discard closes the file and removes it.
func (f *File) Discard() error { return errors.Join(f.f.Close(), os.Remove(f.Incomplete())) }

// Abandon closes a file that is not whole. It keeps its incomplete name.
func (f *File) Abandon() error {
	return errors.Join(f.f.Truncate(f.size), f.f.Sync(), f.f.Close())
}

// syncDir puts the names in a folder on the disk. Some file systems cannot be asked to.
func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// placeNew renames without replacing, where the system has no call for that: an
// empty file takes the new name first.
func placeNew(from, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	if err := os.Rename(from, to); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}
