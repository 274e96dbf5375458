package engine

import "testing"

func TestParseRelease(t *testing.T) {
	for version, want := range map[string]Release{
		"4.17": {4, 17}, "4.17.7": {4, 17}, "4.20-rc1": {4, 20}, "4.5.1-pre": {4, 5}, "5.0": {5, 0},
	} {
		if got, ok := ParseRelease(version); !ok || got != want {
			t.Errorf("%q: %v, %v, want %v", version, got, ok, want)
		}
	}
	for _, version := range []string{"", "4", "4.", ".17", "4.x", "4.-1", "four.17", "4.256", "256.4", "-4.17"} {
		if r, ok := ParseRelease(version); ok {
			t.Errorf("%q was taken for %v", version, r)
		}
	}
}

func TestParseProfile(t *testing.T) {
	for _, want := range Profiles() {
		if got, err := ParseProfile(want.String()); err != nil || got != want {
			t.Errorf("%v: %v, %v", want, got, err)
		}
	}
	for _, name := range []string{"", "xen-4.17", "4.17/npt", "xen-4.17/", "xen-4.17/shadow", "xen-4.17.1/npt", "xen-04.17/npt", "xen-4.17/npt ", "xen-4.10/npt"} {
		if p, err := ParseProfile(name); err == nil {
			t.Errorf("%q was taken for %v", name, p)
		}
	}
}
