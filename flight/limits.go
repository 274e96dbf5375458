package flight

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/iotrace-xen/iotrace/store"
)

// Limits say how much a Ring holds.
type Limits struct {
	Bytes uint64        // of memory
	Span  time.Duration // of event time: what is older may go; 0 for as much as Bytes allow
}

// The bounds of Limits.Bytes.
const (
	MinBytes     = 1 << 20
	DefaultBytes = 64 << 20
)

// ParseLimits reads limits such as "64MiB", "10m" or "64MiB,10m": a size, a time,
// or both in any order. A time alone goes with DefaultBytes.
func ParseLimits(s string) (Limits, error) {
	var l Limits
	for _, part := range strings.Split(s, ",") {
		size, sizeErr := store.ParseSize(part)
		span, spanErr := time.ParseDuration(part)
		switch {
		case sizeErr == nil && l.Bytes == 0 && size >= MinBytes:
			l.Bytes = size
		case spanErr == nil && l.Span == 0 && span >= time.Second:
			l.Span = span
		default:
			return Limits{}, fmt.Errorf("want a size of at least %s, a time of at least 1s, or both with a comma between them, got %q",
				store.FormatSize(MinBytes), s)
		}
	}
	if l.Bytes == 0 {
		l.Bytes = DefaultBytes
	}
	return l, nil
}

// String returns the form that ParseLimits reads.
func (l Limits) String() string {
	s := store.FormatSize(l.Bytes)
	if l.Span > 0 {
		s += "," + l.Span.String()
	}
	return s
}

// ErrEmpty says that there is nothing to dump.
var ErrEmpty = errors.New("no event is in memory")
