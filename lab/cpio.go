package lab

import (
	"fmt"
	"io"
)

// cpioWriter writes the "newc" archives that Linux unpacks as an initramfs.
// Sizes and modes are all the kernel needs; owners and times stay zero, so the
// same files give the same bytes.
type cpioWriter struct {
	w   io.Writer
	ino int
	n   int64 // bytes written, for alignment
	err error
}

const (
	cpioDir  = 0o040755
	cpioExec = 0o100755
	cpioFile = 0o100644
)

// add appends one entry. Directories have nil data.
func (c *cpioWriter) add(name string, mode uint32, data []byte) {
	c.ino++
	c.printf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		c.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	c.pad()
	c.write(data)
	c.pad()
}

// close appends the trailer and returns the first error of any call.
func (c *cpioWriter) close() error {
	c.ino = -1
	c.add("TRAILER!!!", 0, nil)
	return c.err
}

func (c *cpioWriter) printf(format string, args ...any) {
	c.write(fmt.Appendf(nil, format, args...))
}

func (c *cpioWriter) pad() { c.write(make([]byte, -c.n&3)) }

func (c *cpioWriter) write(b []byte) {
	if c.err != nil {
		return
	}
	var n int
	n, c.err = c.w.Write(b)
	c.n += int64(n)
}
