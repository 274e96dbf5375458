package main

import (
	"fmt"
	"os"

	"github.com/iotrace-xen/iotrace/record/driver"
)

// The flag that names files of driver profiles.
const (
	driverFlag = "driver-profile"
	driverHelp = "`FILE` that describes device models inside dom0's kernel, as iotrace-driver(5) or 'go doc github.com/iotrace-xen/iotrace/record/driver' says; may be repeated"
)

// readProfiles reads the files that --driver-profile names.
func readProfiles(names []string) (all []driver.Profile, err error) {
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, usagef("--%s: %w", driverFlag, err)
		}
		profiles, err := driver.Parse(f)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, usagef("--%s: %s: %w", driverFlag, name, err)
		}
		if len(profiles) == 0 {
			return nil, usagef("--%s: %s: %w", driverFlag, name, fmt.Errorf("has no driver line"))
		}
		all = append(all, profiles...)
	}
	return all, nil
}
