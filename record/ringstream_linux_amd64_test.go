package record

import (
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// emptyStream is a stream of a buffer that no program writes to.
func emptyStream(t *testing.T) (*ringStream, *ebpf.Collection) {
	t.Helper()
	spec, err := loadFentry()
	if err != nil {
		t.Fatal(err)
	}
	spec.Programs = nil
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Skipf("this kernel or user cannot make the maps: %v", err)
	}
	t.Cleanup(coll.Close)
	s, err := newRingStream(coll, 1024)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s, coll
}

// TestFlushEndsTheWait would hang if the runtime did not watch the buffer.
func TestFlushEndsTheWait(t *testing.T) {
	s, _ := emptyStream(t)
	go s.flush()
	if more, err := s.wait(); more || err != nil {
		t.Errorf("want no record and no error, got %v, %v", more, err)
	}
	s.setDeadline(time.Unix(0, 1))
	if more, err := s.wait(); more || err != nil {
		t.Errorf("at a deadline: want no record and no error, got %v, %v", more, err)
	}
	if b, err := s.next(); b != nil || err != nil {
		t.Errorf("want no record and no error, got %v, %v", b, err)
	}
}

// TestProbesSeeWhatWasTaken reads the domain's share as they do.
func TestProbesSeeWhatWasTaken(t *testing.T) {
	s, coll := emptyStream(t)
	for _, dom := range []uint16{5, 5, 6} {
		head := fentryRecHead{Kind: uint8(rawExit), Dom: dom}
		if err := s.taken.add(bytesOf(&head)); err != nil {
			t.Fatal(err)
		}
	}
	// They know all that was taken before a wait.
	if b, err := s.next(); b != nil || err != nil {
		t.Fatal(b, err)
	}
	for dom, want := range map[uint32]uint64{5: 2 * rawHeadSize, 6: rawHeadSize} {
		var share fentryShare
		if err := coll.Maps[fentryMapShares].Lookup(dom, &share); err != nil || share != (fentryShare{Taken: want}) {
			t.Errorf("domain %d: want %d bytes taken and none made, got %+v, %v", dom, want, share, err)
		}
	}
}
