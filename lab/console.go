package lab

import (
	"strings"
)

// agentPrefix starts every line on the serial console that comes from the lab
// itself, as opposed to Xen's and Linux's.
const agentPrefix = "lab: "

// tail returns the last n lines of text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}

// agentLines returns the lab's own lines of a serial log. Linux and Xen write to
// the same console, so a line may start in the middle of theirs.
func agentLines(serial string) string {
	var b strings.Builder
	for line := range strings.Lines(serial) {
		if i := strings.Index(line, agentPrefix); i >= 0 {
			b.WriteString(strings.TrimRight(line[i:], "\r\n") + "\n")
		}
	}
	return b.String()
}
