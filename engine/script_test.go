package engine

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txt with what the model says")

// TestScripts runs the behaviour pages. A page is a list of blocks: commands,
// a line "----", what they print, an empty line. Lines that begin with # are
// comments.
func TestScripts(t *testing.T) {
	pages, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in testdata: %v", err)
	}
	for _, page := range pages {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			got := runPage(t, page, string(text))
			if *update {
				if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			diffPages(t, page, string(text), got)
		})
	}
}

// diffPages reports the first line in which a page differs from what it prints.
func diffPages(t *testing.T, page, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			t.Fatalf("%s:%d:\nwant %q\ngot  %q\nrun with -update to rewrite, then read the difference", page, i+1, a, b)
		}
	}
}

const rule = "----"

// runPage returns the page with the output that its commands have now.
func runPage(t *testing.T, page, text string) string {
	t.Helper()
	var out strings.Builder
	s := &script{}
	lines := strings.Split(text, "\n")
	var answers []string
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case line == rule:
			fmt.Fprintln(&out, rule)
			for _, a := range answers {
				fmt.Fprintln(&out, a)
			}
			answers = nil
			for i+1 < len(lines) && lines[i+1] != "" {
				i++ // the old output
			}
			continue
		case line != "" && !strings.HasPrefix(line, "#"):
			a, err := s.run(line)
			if err != nil {
				t.Fatalf("%s:%d: %v", page, i+1, err)
			}
			answers = append(answers, a)
		case len(answers) > 0:
			t.Fatalf("%s:%d: a block of commands ends without %q", page, i+1, rule)
		}
		out.WriteString(line)
		if i < len(lines)-1 {
			out.WriteString("\n")
		}
	}
	return out.String()
}

// script is the state of one page: the domain, and the last Op for learn.
type script struct {
	d     *Domain
	op    Op
	guest guest
	maps  []Mapping
	why   bool // the command asks for reasons
}

// run executes one command and returns what it prints.
func (s *script) run(line string) (string, error) {
	words := strings.Fields(line)
	cmd, ok := commands[words[0]]
	if !ok {
		return "", fmt.Errorf("unknown command %q", words[0])
	}
	a := &args{values: map[string]string{}}
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		a.values[k] = v
	}
	if s.d == nil && words[0] != "new" {
		return "", fmt.Errorf("%s before new", words[0])
	}
	s.why = a.has("why")
	out := cmd(s, a)
	if a.err == nil {
		for k := range a.values {
			a.err = fmt.Errorf("argument %q means nothing to %s", k, words[0])
		}
	}
	return out, a.err
}

// step applies op and prints its effect.
func (s *script) step(op Op, show func(Effect) string) string {
	s.op = op
	x, _ := s.d.Explain(op)
	e, err := s.d.Step(op)
	if err != nil {
		return err.Error()
	}
	if x.Effect != e {
		return fmt.Sprintf("explained as %+v, done as %+v", x.Effect, e)
	}
	return show(e) + costText(e.Cost) + s.reasons(&x)
}

// reasons prints an explanation where the page asks why.
func (s *script) reasons(x *Explanation) string {
	var text strings.Builder
	for _, r := range x.Reasons {
		if s.why {
			fmt.Fprintf(&text, "\n  %s: %s", r.Function, r.Found)
		}
	}
	return text.String()
}

func costText(c Cost) string {
	var parts []string
	for _, p := range []struct {
		name string
		n    uint64
	}{
		{"PW", c.PW}, {"TA", c.TA}, {"FL", c.FL}, {"LK", c.LK}, {"FX", c.FX},
		{"VX", c.VX}, {"RT", c.RT}, {"EV", c.EV}, {"HC", c.HC},
		{"CN", c.CN}, {"RN", c.RN}, {"DW", c.DW}, {"NP", c.NP}, {"IM", c.IM},
	} {
		if p.n != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", p.name, p.n))
		}
	}
	if c.Unknown != 0 {
		parts = append(parts, "or more")
	}
	if parts == nil {
		return ""
	}
	return "  [" + strings.Join(parts, " ") + "]"
}

func retText(e Effect) string {
	name := e.Ret.Errno.String()
	switch {
	case e.XenCrash:
		name = routeNames[RouteXenCrash]
	case !e.Ret.Known:
		name = "unknown"
	}
	for i, m := range e.Out.Mask {
		if m != 0 {
			name += fmt.Sprintf(" w%d=%#x/%#x", i, e.Out.Words[i], m)
		}
	}
	if e.Ret.Positive != 0 {
		name = fmt.Sprintf("returns %d", e.Ret.Positive)
	}
	if e.Again {
		name = "preempted" + strings.TrimPrefix(name, "ok")
	}
	return because(name, e.Ret.Why)
}

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

var routeNames = map[RouteKind]string{
	RouteUnknown: "unknown", RouteServer: "server", RouteBuffered: "ring of server", RouteNull: "no server",
	RouteRefault: "refault", RouteRAM: "ram", RouteDiscard: "discard", RouteDomainCrash: "domain crash",
	RouteSuspended: "suspended", RouteHandled: "handled",
	RouteXenCrash: "Xen crash", RouteFault: "#GP",
	RouteBroadcast: "broadcast",
}

func routeText(e Effect) string {
	r := e.Route
	text := routeNames[r.Kind]
	switch r.Kind {
	case RouteServer, RouteBuffered:
		if r.Server == DefaultServer {
			text += fmt.Sprintf(" default %v %#x count %d", r.Type, r.Addr, r.Count)
			break
		}
		text += fmt.Sprintf(" %v %v %#x count %d", r.Server, r.Type, r.Addr, r.Count)
	case RouteBroadcast:
		text += fmt.Sprintf(" sure %#x open %#x", r.Sure, r.Open)
		if r.Lost {
			text += " and perhaps others"
		}
	}
	return because(text, r.Why)
}

var slotNames = map[SlotKind]string{
	SlotUnknown: "unknown", SlotLegal: "legal", SlotDeath: "death", SlotIllegal: "illegal",
}

func slotText(e Effect) string { return because(slotNames[e.Slot.Kind], e.Slot.Why) }
