package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// TestEverySwitchHasAPage: what a release does differently with servers and
// requests is shown on a page, under a comment that names the switch, unless no
// step shows it.
func TestEverySwitchHasAPage(t *testing.T) {
	hidden := map[string]string{"removal-flushes": "what a vCPU sends on resume is an Op of its own"}
	text := pages(t)
	for _, s := range slices.Concat(callSwitches, serverSwitches, routeSwitches, slotSwitches, emulatorSwitches) {
		if hidden[s.Name] == "" && !regexp.MustCompile(`(?mi)^#.*\bswitch `+s.Name+`\b`).MatchString(text) {
			t.Errorf("no page shows switch %s", s.Name)
		}
	}
}
