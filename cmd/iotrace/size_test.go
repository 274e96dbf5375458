package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The most bytes that an event of a real session may take in the mean: as it was
// recorded, and with times in microseconds and without data.
const (
	mostRecorded = 6.0
	mostReduced  = 3.0
)

// TestSamplesAreSmall: the samples are of real Xen, so they say what traces take.
func TestSamplesAreSmall(t *testing.T) {
	samples, err := filepath.Glob("../../samples/*.iot")
	if err != nil || len(samples) == 0 {
		t.Fatal(samples, err)
	}
	for _, name := range samples {
		small := filepath.Join(t.TempDir(), "small.iot")
		mustRun(t, "repack", name, "-o", small, "--time-resolution", "1us", "--data", "none")
		recorded, reduced := bytesAnEvent(t, name), bytesAnEvent(t, small)
		t.Logf("%s: %.2f bytes an event, reduced %.2f", filepath.Base(name), recorded, reduced)
		if recorded > mostRecorded || reduced > mostReduced {
			t.Errorf("%s: %.2f bytes an event, reduced %.2f, want at most %v and %v", name, recorded, reduced, mostRecorded, mostReduced)
		}
	}
}

// bytesAnEvent is the size of a whole file by the events in it, those of key-frames
// not counted.
func bytesAnEvent(t *testing.T, name string) float64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	_, events, _ := readTrace(t, name)
	n := 0
	for i := range events {
		if !events[i].Kind.InKeyFrame() {
			n++
		}
	}
	return float64(info.Size()) / float64(n)
}
