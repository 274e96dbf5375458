package dom0

import (
	"os"
	"testing"
)

func TestMemoryHasItsParts(t *testing.T) {
	m, err := memoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.Own == 0 || m.Mapped == 0 || m.Now != m.Own+m.Mapped+m.Shared || m.Peak < m.Now {
		t.Errorf("want a peak, and what is there now in parts, got %+v", m)
	}
}
