package diff

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/lab/guest"
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
	VCPUs    int // one at the least
	Steps    []Step
	Outcomes []Outcome
}

// The first line of a script: the domain's kind, and how many vCPUs it has, if more
// than one.
const (
	domainWord = "domain "
	vcpusWord  = " vcpus="
)

// domain reads the first line.
func (s *Script) domain(line string) error {
	kind, ok := strings.CutPrefix(line, domainWord)
	kind, vcpus, more := strings.Cut(kind, vcpusWord)
	n := 1
	var err error
	if more {
		n, err = strconv.Atoi(vcpus)
	}
	if !ok || err != nil || Kind(kind) != PVH && Kind(kind) != HVM || n < 1 || n > guest.MaxVCPUs {
		return fmt.Errorf("want %q, the kind of domain, %s or %s, and perhaps %q with 1 to %d, got %q", domainWord, PVH, HVM, vcpusWord, guest.MaxVCPUs, line)
	}
	s.Kind, s.VCPUs = Kind(kind), n
	return nil
}

// WriteTo writes the text form.
func (s Script) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s", domainWord, s.Kind)
	if s.VCPUs > 1 {
		fmt.Fprintf(&b, "%s%d", vcpusWord, s.VCPUs)
	}
	fmt.Fprintln(&b)
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
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case s.Kind == "":
			if err := s.domain(line); err != nil {
				return s, fmt.Errorf("script: line %d: %w", n, err)
			}
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
