package main

import "testing"

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"qemu-system-x86 (µ)": "qemu-system-x86 (µ)",
		"\x1b[31mred\a\n":     `\x1b[31mred\x07\x0a`,
		"a\xffb\xc3":          `a\xffb\xc3`,
		"\u009b2J\u202e":      `\u009b2J\u202e`,
		"\ufffd":              "\ufffd",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
