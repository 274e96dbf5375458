package driver

import (
	_ "embed"
	"strings"
)

//go:embed xengt.profile
var xengt string

// Builtin returns the profiles that come with the package.
func Builtin() []Profile {
	p, err := Parse(strings.NewReader(xengt))
	if err != nil {
		panic(err) // a test reads it
	}
	return p
}
