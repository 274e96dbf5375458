package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// printable writes what a terminal could take for a command, and what is no
// UTF-8, as \xNN or \uNNNN. A trace may come from anybody.
func printable(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case strconv.IsPrint(r) && (r != utf8.RuneError || n > 1):
			b.WriteRune(r)
		case r < utf8.RuneSelf || r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[n:]
	}
	return b.String()
}
