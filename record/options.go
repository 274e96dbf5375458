package record

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record/driver"
)

// Tier says how the probes are attached.
type Tier byte

// The tiers. TierAuto takes the first that the kernel can have.
const (
	TierAuto Tier = 0
	TierA    Tier = 'A' // fentry and fexit: Linux 5.15 with BTF for Xen's drivers
	TierB    Tier = 'B' // kprobe and kretprobe: Linux 5.8
	TierC    Tier = 'C' // the same without ring buffer, loops and large programs: Linux 4.18
	TierD    Tier = 'D' // C without looks at buffered rings
)

// String returns A, B, C, D or auto.
func (t Tier) String() string {
	if t == TierAuto {
		return "auto"
	}
	return string(rune(t))
}

// Data says which requests keep their data.
type Data uint8

// The choices. DataNone keeps PCI configuration only: see the package comment.
const (
	DataNone Data = iota
	DataFull      // all, keystrokes and disk contents included
	DataHash      // in its place a hash under a key that no trace has: equal data stays equal
)

var dataNames = [...]string{DataNone: "none", DataFull: "full", DataHash: "hash"}

// String returns the name, as format.Header has it.
func (d Data) String() string { return dataNames[d] }

// ParseData is the inverse of String.
func ParseData(s string) (Data, error) {
	for d, name := range dataNames {
		if name == s {
			return Data(d), nil
		}
	}
	return 0, fmt.Errorf("want none, hash or full, got %q", s)
}

// Options are the choices of a capture. The zero value works.
type Options struct {
	Choice      format.Choice // what to record; all if it is zero
	Data        Data          // payloads to keep
	Tier        Tier          // forces a tier
	BTF         string        // file with the types of dom0's evtchn driver; see the package comment
	Measure     bool          // have the kernel measure the probes: see Stats.Probes (Linux 5.8)
	BufferBytes int           // of the kernel-to-user buffer, rounded up to a power of two; 8 MiB if 0, which resident memory has twice
	Raw         io.Writer     // receives each record as the probes made it, see DecodeRaw; nil for nobody

	// Drivers are profiles of device models inside the kernel, beside those that
	// package driver has. Their modules must be loaded and what they name be hooked; one that
	// package driver has is left out where that cannot be, with a warning.
	Drivers []driver.Profile

	// SamplePeriod is how long a device model runs between two looks at
	// its ring, 200 µs if 0. It must be shorter than consuming 511 slots takes.
	// In an emulated machine, where an interrupt alone takes that long, choose
	// some milliseconds: everything else is slower there as well.
	SamplePeriod time.Duration
}

const (
	defaultBuffer = 8 << 20
	minBuffer     = 1 << 16
	maxBuffer     = 1 << 30
	defaultPeriod = 200 * time.Microsecond
	minPeriod     = 10 * time.Microsecond // below it the kernel rounds up
)

// ErrOptions is in Open's error about options that no capture can have, which is an
// *OptionError.
var ErrOptions = errors.New("bad option")

// An OptionError says which option no capture can have, and why.
type OptionError struct {
	Option string // the name of a field of Options, or of Options.Choice
	Err    error  // what was wanted, what was found
}

func (e *OptionError) Error() string { return fmt.Sprintf("%v %s: %v", ErrOptions, e.Option, e.Err) }

// Unwrap returns ErrOptions and the cause.
func (e *OptionError) Unwrap() []error { return []error{ErrOptions, e.Err} }

func badOption(option, layout string, args ...any) error {
	return &OptionError{option, fmt.Errorf(layout, args...)}
}

// withDefaults returns o with its zero fields filled in, or an *OptionError.
func (o Options) withDefaults() (Options, error) {
	if o.BufferBytes == 0 {
		o.BufferBytes = defaultBuffer
	}
	if o.SamplePeriod == 0 {
		o.SamplePeriod = defaultPeriod
	}
	switch {
	case o.BufferBytes < minBuffer || o.BufferBytes > maxBuffer:
		return o, badOption("BufferBytes", "want %d to %d bytes, got %d", minBuffer, maxBuffer, o.BufferBytes)
	case o.SamplePeriod < minPeriod || o.SamplePeriod > time.Second:
		return o, badOption("SamplePeriod", "want %v to 1s, got %v", minPeriod, o.SamplePeriod)
	case o.Tier != TierAuto && (o.Tier < TierA || o.Tier > TierD):
		return o, badOption("Tier", "want A, B, C, D or auto, got %v", o.Tier)
	case o.Data > DataHash:
		return o, badOption("Data", "want DataNone, DataFull or DataHash, got %d", uint8(o.Data))
	}
	if err := checkChoice(o.Choice); err != nil {
		return o, err
	}
	size := minBuffer
	for size < o.BufferBytes {
		size *= 2
	}
	o.BufferBytes = size
	return o, nil
}

// A Check is one condition of a capture.
type Check struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Optional bool   `json:"optional"`      // a capture works without it, less well
	Found    string `json:"found"`         // what is there
	Try      string `json:"try,omitempty"` // what to do if it is not OK
}

// CheckError is Open's refusal because a condition is not met.
type CheckError struct{ Check Check }

func (e *CheckError) Error() string {
	return fmt.Sprintf("%s: %s; try: %s", e.Check.Name, e.Check.Found, e.Check.Try)
}

// Loss is a number of lost things.
type Loss struct {
	Probe  format.Probe
	Reason format.Reason
	Count  uint64
}

// Stats is how far a capture has come.
type Stats struct {
	Events  uint64      // yielded
	Records uint64      // read from the probes
	Lost    []Loss      // by probe and reason
	Probes  []ProbeTime // when Batches has ended, with Options.Measure
}

// A ProbeTime is how often one probe ran and for how long in all, by the kernel's
// clock. Each run pays some 20 ns for being measured, which are not in it.
type ProbeTime struct {
	Name string // as in format.Header.Attached
	Runs uint64
	Time time.Duration
}

// Total returns the sum of all losses.
func (s Stats) Total() (n uint64) {
	for _, l := range s.Lost {
		n += l.Count
	}
	return n
}
