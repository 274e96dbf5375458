package gen

import (
	"fmt"
	"strconv"
	"strings"
)

// Mix weighs what guests do against each other.
type Mix struct {
	Boot      uint32 // a firmware's and a kernel's legacy devices: serial port, timers, disk
	VGA       uint32 // bursts of writes to the VGA window, by way of the buffered ring
	PageTable uint32 // bursts of writes to pages that the mediator has typed
	PCI       uint32 // configuration cycles
	MMIO      uint32 // memory BARs, the mediator's if there is one
}

// DefaultMix is that of a guest with a mediated GPU at work.
var DefaultMix = Mix{Boot: 1, VGA: 2, PageTable: 5, PCI: 1, MMIO: 3}

// maxWeight bounds a weight: more tells no finer mix.
const maxWeight = 1_000_000

// weights are the activities in the order of Mix's fields.
func (m *Mix) weights() [numActivities]*uint32 {
	return [...]*uint32{&m.Boot, &m.VGA, &m.PageTable, &m.PCI, &m.MMIO}
}

const numActivities = 5

var activityNames = [numActivities]string{"boot", "vga", "pagetable", "pci", "mmio"}

func (m *Mix) check() error {
	for i, w := range m.weights() {
		if *w > maxWeight {
			return fmt.Errorf("mix: %s=%d, want at most %d", activityNames[i], *w, maxWeight)
		}
	}
	return nil
}

// String returns the form that UnmarshalText reads: boot=1,vga=2,...
func (m Mix) String() string {
	var parts []string
	for i, w := range m.weights() {
		parts = append(parts, activityNames[i]+"="+strconv.FormatUint(uint64(*w), 10))
	}
	return strings.Join(parts, ",")
}

// MarshalText returns m.String().
func (m Mix) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a list of activity=weight. What it does not name has
// weight 0.
func (m *Mix) UnmarshalText(text []byte) error {
	var mix Mix
	for part := range strings.SplitSeq(string(text), ",") {
		name, value, _ := strings.Cut(part, "=")
		w, err := strconv.ParseUint(value, 10, 32)
		i := activityOf(name)
		if err != nil || i < 0 {
			return fmt.Errorf("mix: want activity=weight with an activity of %s, got %q", strings.Join(activityNames[:], ", "), part)
		}
		*mix.weights()[i] = uint32(w)
	}
	if mix == (Mix{}) {
		return fmt.Errorf("mix %s: every weight is 0", text)
	}
	*m = mix
	return nil
}

func activityOf(name string) int {
	for i, n := range activityNames {
		if n == name {
			return i
		}
	}
	return -1
}
