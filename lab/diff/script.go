package diff

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Kind is what sort of domain a script is for.
type Kind string

// The kinds: a PVH domain has no device model and next to no device of Xen's own;
// an HVM domain has all of Xen's, its standard VGA among them.
const (
	PVH Kind = "pvh"
	HVM Kind = "hvm"
)

// Script is a domain's life: what its device models and its guest do, in order.
// Outcomes, of a script that was performed, are those of the steps; there are fewer
// of them if the domain crashed.
//
// In its text form a script is a line for the domain and one for each step, with the
// lines of its outcome below, each behind a tab. Lines that begin with # and empty
// lines mean nothing.
type Script struct {
	Kind     Kind
	Steps    []Step
	Outcomes []Outcome
}

const domainWord = "domain "

// WriteTo writes the text form.
func (s Script) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", domainWord, s.Kind)
	for i, step := range s.Steps {
		fmt.Fprintln(&b, step)
		if i < len(s.Outcomes) {
			for _, line := range s.Outcomes[i] {
				fmt.Fprintf(&b, "\t%s\n", line)
			}
		}
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// ReadScript reads the text form. Outcomes is nil if the text has none at all.
func ReadScript(r io.Reader) (s Script, err error) {
	performed := false
	sc := bufio.NewScanner(r)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		switch kind, isKind := strings.CutPrefix(line, domainWord); {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case isKind && s.Kind == "" && (Kind(kind) == PVH || Kind(kind) == HVM):
			s.Kind = Kind(kind)
		case s.Kind == "":
			return s, fmt.Errorf("script: line %d: want %q and the kind of domain, %s or %s, got %q", n, domainWord, PVH, HVM, line)
		case line[0] == '\t' && len(s.Steps) > 0:
			performed = true
			last := &s.Outcomes[len(s.Steps)-1]
			*last = append(*last, line[1:])
		default:
			step, err := ParseStep(line)
			if err != nil {
				return s, fmt.Errorf("script: line %d: %w", n, err)
			}
			s.Steps, s.Outcomes = append(s.Steps, step), append(s.Outcomes, nil)
		}
	}
	if !performed {
		s.Outcomes = nil
	}
	if s.Kind == "" && sc.Err() == nil {
		return s, errors.New("script: names no domain")
	}
	return s, sc.Err()
}
