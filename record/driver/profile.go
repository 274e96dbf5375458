package driver

import "github.com/iotrace-xen/iotrace/xen"

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
	Squashed bool   // an error tells only that there was one
	Handler  string // RoleBind: the function that tells the driver's channels
	Values   []Value
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
