package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
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

// TestEverySwitchHasAPage: what a release does differently is shown under a comment
// that names the switch, on profiles that have it otherwise, of which the first may be
// that of the domain that a page goes on with; unless it is information only.
func TestEverySwitchHasAPage(t *testing.T) {
	oneSided := map[string]string{
		"bad-slot-crash": "4.5 has a server's pages from its creation, so that no port is wrong",
		"copy-honours":   "before 4.6 there is no page of type 15",
	}
	comment := regexp.MustCompile(`(?mi)(^#.*\n)*^#.*\bswitch .*\n(#.*\n)*`)
	name := regexp.MustCompile(`(?i)\bswitch ([a-z0-9-]+)`)
	profile := regexp.MustCompile(`(?m)^xen-4\S+$`)
	shown := map[string][]string{} // by switch, profiles
	text := pages(t)
	at := append(comment.FindAllStringIndex(text, -1), []int{len(text)})
	for i, m := range at[:len(at)-1] {
		on := profile.FindAllString(text[m[1]:at[i+1][0]], -1)
		if before := profile.FindAllString(text[:m[0]], -1); len(before) > 0 {
			on = append(on, before[len(before)-1])
		}
		for _, n := range name.FindAllStringSubmatch(text[m[0]:m[1]], -1) {
			shown[n[1]] = append(shown[n[1]], on...)
		}
	}
	for _, s := range slices.Concat(callSwitches, serverSwitches, routeSwitches, slotSwitches, emulatorSwitches) {
		values := map[string]bool{}
		for _, name := range shown[s.Name] {
			p, err := ParseProfile(name)
			if err != nil {
				t.Fatal(err)
			}
			values[s.Value(p)] = true
		}
		if s.Unasked == "" && oneSided[s.Name] == "" && len(values) < min(2, len(s.History(EPT))+len(s.History(NPT))-1) {
			t.Errorf("switch %s: want pages of profiles that differ in it, got %v", s.Name, shown[s.Name])
		}
	}
}

// TestUnaskedSwitchesAreNotAsked: no code but the table reads a field of which the
// table says so.
func TestUnaskedSwitchesAreNotAsked(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range switches {
		field := reflect.TypeFor[Profile]().Field(fieldOf(t, s)).Name
		asked := false
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			table := strings.HasPrefix(name, "switch") || strings.HasSuffix(name, "_test.go")
			asked = asked || !table && regexp.MustCompile(`\.`+field+`\b`).Match(b)
		}
		if asked == (s.Unasked != "") {
			t.Errorf("switch %s: asked %v, the table says %q", s.Name, asked, s.Unasked)
		}
	}
}
