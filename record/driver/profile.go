package driver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// Role is what a function is to a recorder.
type Role uint8

// The roles, as package documentation describes them.
const (
	RoleCall Role = iota + 1
	RoleRequest
	RoleAnswer
	RoleBind
	RoleUnbind
	RolePage
	RoleUnpage
)

var roleNames = []string{"", "call", "request", "answer", "bind", "unbind", "page", "unpage"}

// String returns the word that begins the line.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return "?"
}

// A Profile is one driver.
type Profile struct {
	Name   string
	Module string
	Hooks  []Hook
}

// A Hook is one line of a profile. Op is set for RoleCall only.
type Hook struct {
	Line     int // in the text it came from
	Role     Role
	Symbol   string
	Optional bool
	Instead  string // the function that makes this line superfluous, "" if none does
	Op       xen.DMOpCode
	Errors   Errors
	Handler  string // RoleBind: the function that tells the driver's channels
	Values   []Value
}

// Errors is how a function's result tells of its dm_op's.
type Errors uint8

// The ways, as package documentation describes them.
const (
	ErrorsExact Errors = iota
	ErrorsSquashed
	ErrorsPointer
	ErrorsNone
)

var errorsNames = []string{"exact", "squashed", "pointer", "none"}

// Outcome turns a function's result into that of its dm_op, 0 or a negative error.
// squashed says that an error is some error.
func (e Errors) Outcome(result int64) (ret int64, squashed bool) {
	const someError, maxErrno = -1, 4095
	switch e {
	case ErrorsPointer:
		if result == 0 || result < 0 && result >= -maxErrno {
			ret = someError
		}
		return ret, true
	case ErrorsNone:
		return 0, false
	}
	return min(int64(int32(result)), 0), e == ErrorsSquashed // an int
}

// AtReturn says whether a RoleCall hook's dm_op is known only when its function
// returns: Xen's own answers aside, one of its values is.
func (h Hook) AtReturn() bool {
	return slices.ContainsFunc(h.Values, func(v Value) bool {
		out, _ := h.takes(v.Name)
		return v.Late && !out
	})
}

// A Value is one NAME=SOURCE of a line.
type Value struct {
	Name string
	Source
	Late bool // to be looked up when the function returns
}

// Value returns the hook's value of that name.
func (h Hook) Value(name string) (Value, bool) {
	for _, v := range h.Values {
		if v.Name == name {
			return v, true
		}
	}
	return Value{}, false
}

// Functions names the functions of hooks, each once, and which others it stands in for.
func Functions(hooks []Hook) (names []string) {
	instead := map[string][]string{}
	for _, h := range hooks {
		if _, seen := instead[h.Symbol]; !seen {
			names = append(names, h.Symbol)
			instead[h.Symbol] = nil
		}
		if h.Instead != "" && !slices.Contains(instead[h.Symbol], h.Instead) {
			instead[h.Symbol] = append(instead[h.Symbol], h.Instead)
		}
	}
	for i, name := range names {
		if others := instead[name]; len(others) > 0 {
			names[i] = fmt.Sprintf("%s (for %s)", name, strings.Join(others, ", "))
		}
	}
	return names
}

// Has says whether a kernel has a function.
type Has func(symbol string) bool

// Select returns the hooks to use on a kernel, and the functions that it lacks:
// if missing has any, the driver there is not the one described.
func (p Profile) Select(has Has) (hooks []Hook, missing []string) {
	for _, h := range p.Hooks {
		switch {
		case h.Instead != "" && has(h.Instead):
		case has(h.Symbol) && (h.Handler == "" || has(h.Handler)):
			hooks = append(hooks, h)
		case !h.Optional:
			missing = append(missing, h.Symbol)
		}
	}
	return hooks, missing
}
