package diff

import (
	"strings"
	"testing"
)

// FuzzReadScript: any text is an error or a script that reads back as itself, and
// that the model performs without a panic.
func FuzzReadScript(f *testing.F) {
	for _, s := range everyStep() {
		f.Add("domain pvh\n" + s.String() + "\n\tok\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadScript(strings.NewReader(text))
		if err != nil {
			return
		}
		var out strings.Builder
		if _, err := s.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ReadScript(strings.NewReader(out.String()))
		if err != nil || len(again.Steps) != len(s.Steps) {
			t.Fatalf("want %q back, got %v, %v", out.String(), again, err)
		}
		if len(s.Outcomes) > 0 {
			_, _ = Judge(s, xen417) // an outcome that is no call's is its error
		}
	})
}
