package driver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// A SyntaxError says where a file is not as it should be.
type SyntaxError struct {
	Line  int
	Field string // the word at fault, "" if it is the line
	Err   error
}

func (e *SyntaxError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d: %s: %v", e.Line, e.Field, e.Err)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// maxHooks bounds the lines of one profile: each becomes two programs.
const maxHooks = 64

// roleFields says what a line of a role takes: needed fields first.
type roleFields struct{ needs, takes []string }

var fieldsOf = map[Role]roleFields{
	RoleRequest: {needs: []string{"irq"}},
	RoleAnswer:  {needs: []string{"irq"}},
	RoleBind:    {needs: []string{"dom", "port", "irq"}, takes: []string{"server", "handler", "handle"}},
	RoleUnbind:  {needs: []string{"irq"}},
	RolePage:    {needs: []string{"dom", "page"}, takes: []string{"server", "count", "handle"}},
	RoleUnpage:  {needs: []string{"page"}},
	RoleCall:    {takes: []string{"dom", "handle", "if", "unless", "errors"}},
}

var word = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// Parse reads profiles. An error is a *SyntaxError, or the reader's.
func Parse(r io.Reader) ([]Profile, error) {
	var profiles []Profile
	sc := bufio.NewScanner(r)
	n := 0
	for sc.Scan() {
		n++
		line, _, _ := strings.Cut(sc.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := parseLine(&profiles, words, n); err != nil {
			var e *SyntaxError
			if !errors.As(err, &e) {
				err = &SyntaxError{Line: n, Err: err}
			}
			return nil, err
		}
	}
	if err := sc.Err(); err != nil {
		return nil, &SyntaxError{Line: n + 1, Err: err}
	}
	for _, p := range profiles {
		if err := p.check(); err != nil {
			return nil, &SyntaxError{Line: n, Err: fmt.Errorf("driver %s: %w", p.Name, err)}
		}
	}
	return profiles, nil
}

func parseLine(profiles *[]Profile, words []string, n int) error {
	first := words[0]
	if first == "driver" || first == "module" {
		if len(words) != 2 || !word.MatchString(words[1]) {
			return fmt.Errorf("want %q and a name", first)
		}
	}
	if first == "driver" {
		*profiles = append(*profiles, Profile{Name: words[1]})
		return nil
	}
	if len(*profiles) == 0 {
		return fmt.Errorf("%q: want a line \"driver NAME\" first", first)
	}
	p := &(*profiles)[len(*profiles)-1]
	if first == "module" {
		p.Module = words[1]
		return nil
	}
	if len(p.Hooks) == maxHooks {
		return fmt.Errorf("driver %s has more than %d lines", p.Name, maxHooks)
	}
	h, err := parseHook(words, n)
	p.Hooks = append(p.Hooks, h)
	return err
}

func parseHook(words []string, n int) (Hook, error) {
	h := Hook{Line: n}
	name, optional := strings.CutSuffix(words[0], "?")
	h.Optional = optional
	if i := slices.Index(roleNames, name); i > 0 {
		h.Role = Role(i)
	} else {
		return h, fmt.Errorf("%q: want driver, module, %s", name, strings.Join(roleNames[1:], ", "))
	}
	words = words[1:]
	if len(words) == 0 {
		return h, fmt.Errorf("%s: want a function's name", name)
	}
	h.Symbol, h.Instead, _ = strings.Cut(words[0], "|")
	if !word.MatchString(h.Symbol) || h.Instead != "" && !word.MatchString(h.Instead) {
		return h, &SyntaxError{n, words[0], errors.New("want a function's name")}
	}
	words = words[1:]
	if h.Role == RoleCall {
		if len(words) == 0 {
			return h, errors.New("want the name of a dm_op behind the function's")
		}
		op, ok := opNamed(words[0])
		if !ok {
			return h, &SyntaxError{n, words[0], errors.New("not a dm_op that a profile can name")}
		}
		h.Op, words = op, words[1:]
	}
	for _, w := range words {
		if err := h.field(w); err != nil {
			return h, &SyntaxError{n, w, err}
		}
	}
	return h, h.check()
}

// field takes one NAME=VALUE.
func (h *Hook) field(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("want NAME=VALUE")
	}
	if _, twice := h.Value(name); twice {
		return errors.New("given twice")
	}
	out, known := h.takes(name)
	switch {
	case !known:
		return fmt.Errorf("a %s line has no %q", h.Role, name)
	case name == "errors":
		i := slices.Index(errorsNames, value)
		if i < 0 {
			return fmt.Errorf("want one of %s", strings.Join(errorsNames, ", "))
		}
		h.Errors = Errors(i)
		return nil
	case name == "handler":
		if h.Handler, value, ok = strings.Cut(value, "@"); !ok || !word.MatchString(h.Handler) {
			return errors.New("want FUNCTION@ARGUMENT")
		}
	}
	src, err := ParseSource(value)
	if err != nil {
		return err
	}
	late := out || src.From == FromRet
	if late && (h.Role == RoleRequest || h.Role == RoleAnswer || h.Role == RoleUnbind || h.Role == RoleUnpage) {
		return fmt.Errorf("a %s line is looked at when the function is called: there is no result yet", h.Role)
	}
	h.Values = append(h.Values, Value{Name: name, Source: src, Late: late})
	return nil
}

// takes says whether a line of the hook's kind has a field of that name, and
// whether Xen fills it in.
func (h *Hook) takes(name string) (out, ok bool) {
	f := fieldsOf[h.Role]
	if slices.Contains(f.needs, name) || slices.Contains(f.takes, name) {
		return false, true
	}
	for _, o := range ops[h.Op] {
		if o.name == name {
			return o.out, true
		}
	}
	return false, false
}

func (h *Hook) check() error {
	for _, name := range fieldsOf[h.Role].needs {
		if _, ok := h.Value(name); !ok {
			return fmt.Errorf("%s %s: lacks %s", h.Role, h.Symbol, name)
		}
	}
	if h.Role != RoleCall {
		return nil
	}
	_, dom := h.Value("dom")
	_, handle := h.Value("handle")
	if !dom && !handle {
		return fmt.Errorf("call %s: lacks dom or handle", h.Symbol)
	}
	for _, f := range ops[h.Op] {
		if _, ok := h.Value(f.name); !ok && !f.out && f.name != "server" {
			return fmt.Errorf("call %s: %s lacks %s", h.Symbol, h.Op, f.name)
		}
	}
	return nil
}

// check is about what the lines of one profile need of each other.
func (p Profile) check() error {
	n := map[Role]int{}
	role := map[string]Role{}
	for _, h := range p.Hooks {
		n[h.Role]++
		if h.Role == RoleCall {
			continue
		}
		if r, ok := role[h.Symbol]; ok {
			return fmt.Errorf("%s is both %s and %s", h.Symbol, r, h.Role)
		}
		role[h.Symbol] = h.Role
	}
	switch {
	case p.Module == "":
		return errors.New("lacks a line \"module NAME\"")
	case n[RoleRequest] == 0 || n[RoleAnswer] == 0 || n[RoleBind] == 0 || n[RolePage] == 0:
		return errors.New("lacks one of request, answer, bind and page")
	case p.tellsServer(RoleBind) != p.tellsServer(RolePage):
		return errors.New("tells servers in one of bind and page only: a channel's page would not be found")
	case n[RoleUnpage] == 0:
		return errors.New("has page lines and no unpage: a domain's pages would outlive it")
	}
	return nil
}

// tellsServer says whether lines of a role tell which server they are about.
func (p Profile) tellsServer(r Role) bool {
	return slices.ContainsFunc(p.Hooks, func(h Hook) bool {
		_, ok := h.Value("server")
		return h.Role == r && ok
	})
}
