//go:build !(linux && amd64)

package record

import (
	"errors"
	"iter"
	"runtime"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record/driver"
)

// ErrUnsupported is Open's error where no dom0 can be captured.
var ErrUnsupported = errors.New("a capture needs Linux on x86-64, not " + runtime.GOOS + "/" + runtime.GOARCH)

// Session is a capture; there are none here.
type Session struct{}

// Open returns ErrUnsupported.
func Open(Options) (*Session, error) { return nil, ErrUnsupported }

// Checks says why there can be no capture.
func Checks([]driver.Profile) []Check {
	return []Check{{Name: "platform", Found: runtime.GOOS + "/" + runtime.GOARCH, Try: "record in a Xen dom0 on x86-64"}}
}

// DropPrivileges does nothing.
func (*Session) DropPrivileges() error { return nil }

// Header returns nothing.
func (*Session) Header() format.Header { return format.Header{} }

// Warnings returns none.
func (*Session) Warnings() []string { return nil }

// Batches yields nothing.
func (*Session) Batches() iter.Seq2[[]format.Event, error] {
	return func(func([]format.Event, error) bool) {}
}

// Stop does nothing.
func (*Session) Stop() {}

// Stats returns nothing.
func (*Session) Stats() Stats { return Stats{} }

// Close does nothing.
func (*Session) Close() error { return nil }
