package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// pages returns the text of all behaviour pages.
func pages(t *testing.T) (text string) {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	return text
}

// TestEveryCaseHasAPage: each of the 40 conformance cases of §8 is played on some
// page, under a comment that begins with its number.
func TestEveryCaseHasAPage(t *testing.T) {
	text := pages(t)
	for n := 1; n <= 40; n++ {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^# Case %d:`, n)).MatchString(text) {
			t.Errorf("no page has a case %d", n)
		}
	}
}
