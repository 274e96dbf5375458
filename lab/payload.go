package lab

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// payloadFile is one file that enters dom0, executable if it is a program.
type payloadFile struct {
	name string
	mode fs.FileMode
	data []byte
}

// writePayload writes files as a tar archive that is also a valid disk image.
func writePayload(path string, files []payloadFile) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	for _, p := range files {
		h := &tar.Header{Name: p.name, Mode: int64(p.mode.Perm()), Size: int64(len(p.data)), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("payload: %s: %w", p.name, err)
		}
		if _, err := w.Write(p.data); err != nil {
			return fmt.Errorf("payload: %s: %w", p.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return f.Close()
}

// resultsSize is the room that results have in dom0. The file is sparse.
const resultsSize = 2 << 30

// newResultsDisk makes the empty disk onto which dom0 writes its results.
func newResultsDisk(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := f.Truncate(resultsSize); err != nil {
		_ = f.Close() // the truncation's error is the one to report
		return err
	}
	return f.Close()
}

// readResults unpacks the archive on a results disk into dir, which must exist,
// and returns the names of its files. A disk that dom0 never wrote holds none.
// Names are taken from inside a machine that ran anything at all: a name that
// would leave dir is an error.
func readResults(disk, dir string) ([]string, error) {
	f, err := os.Open(disk)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	into, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer into.Close()
	var names []string
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return names, nil
		}
		if err != nil {
			return names, fmt.Errorf("results: after %d files: %w", len(names), err)
		}
		name := filepath.Clean(h.Name)
		if name == "." || h.Typeflag != tar.TypeReg {
			continue // the folder itself, sockets, links: no results
		}
		if err := unpack(into, name, r); err != nil {
			return names, fmt.Errorf("results: %s: %w", name, err)
		}
		names = append(names, name)
	}
}

// unpack copies r to name below root, making its folders.
func unpack(root *os.Root, name string, r io.Reader) error {
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		_ = f.Close() // the copy's error is the one to report
		return err
	}
	return f.Close()
}
