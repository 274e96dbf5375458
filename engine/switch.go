package engine

import (
	"fmt"
	"slices"
)

// Switch is a row of the table of profiles: something that releases do
// differently.
type Switch struct {
	Name   string // as `iotrace profiles` prints it
	Doc    string // what it says
	Source string // of its values: a Xen function, and commits where they changed; §n is a section of the specification
	// Unasked says why nothing in the model hangs on the switch, which is information
	// only; "" if something does.
	Unasked string

	set   func(*Profile)
	value func(*Profile) string
}

// Value returns what a profile says, as text.
func (s *Switch) Value(p Profile) string { return s.value(&p) }

// Since is a value that a switch has from a release on.
type Since struct {
	Release Release
	Value   string
}

// History returns the values on one kind of paging, from the oldest release on:
// one for each change.
func (s *Switch) History(on Paging) []Since {
	var out []Since
	for _, r := range Releases() {
		p := profileOf(r, on)
		if v := s.value(&p); len(out) == 0 || out[len(out)-1].Value != v {
			out = append(out, Since{r, v})
		}
	}
	return out
}

// Switches returns the table, in the order of Profile's fields.
func Switches() []Switch { return slices.Clone(switches) }

// switches is the table: adding a switch is adding a field to Profile and a row
// here or in a part of its own.
var switches = slices.Concat(callSwitches, serverSwitches, routeSwitches, slotSwitches, emulatorSwitches, p2mSwitches, traceSwitches)

// change is a value that a switch has from a release on, until its next change.
type change[T any] struct {
	since Release
	on    Paging // on this kind alone, if not zero
	is    T
}

// from is a change at Xen 4.minor.
func from[T any](minor uint8, is T) change[T] { return change[T]{since: Release{4, minor}, is: is} }

// only limits a change to one kind of paging.
func (c change[T]) only(on Paging) change[T] {
	c.on = on
	return c
}

// unasked makes a switch information only, and says why.
func (s Switch) unasked(why string) Switch {
	s.Unasked = why
	return s
}

// row is a switch whose value is kept in a field. Before its first change it
// has the zero value.
func row[T any](name string, field func(*Profile) *T, doc, source string, changes ...change[T]) Switch {
	return Switch{
		Name: name, Doc: doc, Source: source,
		set: func(p *Profile) {
			for _, c := range changes {
				if !p.Release.Before(c.since) && (c.on == 0 || c.on == p.Paging) {
					*field(p) = c.is
				}
			}
		},
		value: func(p *Profile) string {
			switch v := any(*field(p)).(type) {
			case bool:
				return map[bool]string{false: "no", true: "yes"}[v]
			default:
				return fmt.Sprint(v)
			}
		},
	}
}
