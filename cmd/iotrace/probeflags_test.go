package main

import (
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
)

// TestOptionsHaveFlags looks at each option that a capture can refuse: its user is told
// the name of a flag that there is.
func TestOptionsHaveFlags(t *testing.T) {
	flags := recordCommand(nil).Flags()
	never := []string{"Choice", "Domains", "PIDs", "Measure", "Raw", "Drivers"} // refused
	for _, options := range []reflect.Type{reflect.TypeFor[record.Options](), reflect.TypeFor[format.Choice]()} {
		for _, f := range reflect.VisibleFields(options) {
			if !slices.Contains(never, f.Name) && flags.Lookup(optionFlags[f.Name]) == nil {
				t.Errorf("%s: no flag --%s", f.Name, optionFlags[f.Name])
			}
		}
	}
}
