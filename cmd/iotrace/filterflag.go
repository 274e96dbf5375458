package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/iotrace-xen/iotrace/filter"
	"github.com/iotrace-xen/iotrace/format"
)

// filterValue is the value of --filter. The zero value lets every event pass.
type filterValue struct{ *filter.Filter }

// filterHelp is for the long help of commands that take a filter.
const filterHelp = `--filter takes an expression over an event's fields, named as in the text form
('iotrace cat --list-fields' lists them):

    kind==ioreq && dom==3 && size==4 && addr in 0x100..0x1ff
    !(type==pio || type==pci_config) && server

A comparison is false for an event that has no such field; a field alone says
that it has one and, of a flag, that it is set.`

func (v *filterValue) String() string {
	if v.Filter == nil {
		return ""
	}
	return v.Filter.String()
}

func (v *filterValue) Type() string { return "EXPR" }

func (v *filterValue) Set(s string) (err error) {
	v.Filter, err = filter.Compile(s)
	return err
}

func (v *filterValue) match(e *format.Event) bool { return v.Filter == nil || v.Filter.Match(e) }

// A fieldRow is a line of the list of fields: a name, what its values are, and
// the kinds that have it.
type fieldRow struct{ name, values, kinds string }

// fieldRows lists what a filter can ask about, by name.
func fieldRows() []fieldRow {
	rows := []fieldRow{{"kind", "the name of a kind", "all"}, {"seq", "an event's number", "all"}, {"time", "seconds", "all"}}
	at := map[[2]string]int{}
	for k := range format.Kinds() {
		if k.InKeyFrame() {
			continue
		}
		for _, f := range format.Fields(k) {
			key := [2]string{f.Name(), valuesOf(f)}
			i, ok := at[key]
			if !ok {
				i = len(rows)
				at[key] = i
				rows = append(rows, fieldRow{f.Name(), key[1], k.String()})
			} else {
				rows[i].kinds += " " + k.String()
			}
		}
	}
	slices.SortStableFunc(rows[3:], func(a, b fieldRow) int { return strings.Compare(a.name, b.name) })
	return rows
}

func valuesOf(f format.Field) string {
	names := f.Names()
	switch {
	case f.Flag():
		return "flag"
	case f.Signed():
		return "signed number"
	case len(names) > 12:
		return strings.Join(names[:12], ", ") + ", ..."
	case len(names) > 0:
		return strings.Join(names, ", ")
	case f.Text():
		return "up to 8 bytes of text"
	}
	return "number"
}

func printFields(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range fieldRows() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.name, r.values, r.kinds)
	}
	return t.Flush()
}
