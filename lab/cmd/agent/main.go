// Command agent plays a scenario in the lab's dom0. Package lab builds it into
// every run's payload; see package dom0.
package main

import (
	"os"
	"runtime"

	"github.com/iotrace-xen/iotrace/lab/dom0"
)

func main() {
	// As in cmd/mediator: a device model on one P costs two thread switches a request.
	runtime.GOMAXPROCS(max(2, runtime.NumCPU()))
	if err := dom0.Main(os.Stdout); err != nil {
		os.Exit(1)
	}
}
