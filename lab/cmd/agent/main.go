// Command agent plays a scenario in the lab's dom0. Package lab builds it into
// every run's payload; see package dom0.
package main

import (
	"os"

	"github.com/iotrace-xen/iotrace/lab/dom0"
)

func main() {
	if err := dom0.Main(os.Stdout); err != nil {
		os.Exit(1)
	}
}
