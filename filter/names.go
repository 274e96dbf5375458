package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
)

// UnknownKind says that no kind of event has a name, and which was meant or which there
// are.
func UnknownKind(name string) error {
	return fmt.Errorf("no kind of event is called %q%s", name, meant(name, kindNames(), "the kinds, but for those of key-frames, are %s"))
}

// kindNames are the names of the kinds that things which happened have, in order.
func kindNames() (names []string) {
	for k := range format.Kinds() {
		if !k.InKeyFrame() {
			names = append(names, k.String())
		}
	}
	return names
}

// unknownField says that no event has a field of that name, and what was meant.
func unknownField(name string) string {
	near := nearest(name, fieldNames())
	if slices.Contains(kindNames(), name) {
		near = []string{"kind==" + name}
	}
	like := ""
	if len(near) > 0 {
		like = "did you mean " + strings.Join(near, " or ") + "? "
	}
	return fmt.Sprintf("no event has a field %q; %s'iotrace cat --list-fields' lists all", name, like)
}

// fieldNames are the names of all fields of things that happened.
func fieldNames() []string {
	names := []string{"kind", "seq", "time"}
	for k := range format.Kinds() {
		if k.InKeyFrame() {
			continue
		}
		for _, f := range format.Fields(k) {
			names = append(names, f.Name())
		}
	}
	return names
}

// choices says what a value of fields that share a name can be.
func choices(got string, fields []format.Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Names()...)
	}
	switch f := fields[0]; {
	case len(names) > 0:
		return meant(got, names, "it can be %s or a number")
	case f.Flag():
		return "; it is 1 or 0"
	case f.Text():
		return "; it is up to 8 bytes of text"
	}
	return "; it is a number"
}

// meant names those that are like what was got or, if none is, all of them.
func meant(got string, names []string, all string) string {
	if near := nearest(got, names); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return "; " + fmt.Sprintf(all, strings.Join(distinct(names), ", "))
}

// nearest returns the names that have word in them or, if none has, those to which the
// fewest letters have to be changed, one in three of word's at most.
func nearest(word string, names []string) []string {
	word = strings.ToLower(word)
	var around, near []string
	least := len(word) / 3
	for _, name := range distinct(names) {
		if len(word) >= 3 && strings.Contains(name, word) {
			around = append(around, name)
		}
		d := distance(word, name)
		if d < least {
			near, least = nil, d
		}
		if d == least {
			near = append(near, name)
		}
	}
	if len(around) > 0 {
		return around
	}
	return near
}

// distance is how many letters have to be put in, taken out or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // from what of a was looked at to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := above
			if a[i] != b[j] {
				changed++
			}
			above = row[j+1]
			row[j+1] = min(changed, above+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func distinct(names []string) (all []string) {
	for _, name := range names {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
