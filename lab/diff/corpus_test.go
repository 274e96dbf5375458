package diff

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
)

// TestModelAgreesWithRecordedXen holds the model to what real Xen did with the
// scripts in testdata, each in the folder of its release.
func TestModelAgreesWithRecordedXen(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			var r engine.Release
			if _, err := fmt.Sscanf(filepath.Base(filepath.Dir(name)), "%d.%d", &r.Major, &r.Minor); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			s, err := ReadScript(f)
			if err != nil {
				t.Fatal(err)
			}
			v, err := Judge(s, r)
			if err != nil {
				t.Fatal(err)
			}
			if v.Mismatch != nil {
				t.Errorf("%s", v.Mismatch.Text(s))
			}
			if v.Compared == 0 {
				t.Error("want steps with outcomes, got none")
			}
		})
	}
}
