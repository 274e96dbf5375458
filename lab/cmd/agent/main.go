// Command agent plays a scenario in the lab's dom0. Package lab builds it into
// every run's payload; see package dom0.
//
//	agent
//	agent sandbox UNIT PROGRAM [ARG ...]
//
// The second form becomes a program under a systemd unit's bounds.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/iotrace-xen/iotrace/lab/dom0"
)

func main() {
	if len(os.Args) > 3 && os.Args[1] == dom0.SandboxVerb {
		fmt.Fprintln(os.Stderr, "sandbox:", dom0.Sandbox(os.Args[2], os.Args[3:]))
		os.Exit(1)
	}
	// As in cmd/mediator: a device model on one P costs two thread switches a request.
	runtime.GOMAXPROCS(max(2, runtime.NumCPU()))
	if err := dom0.Main(os.Stdout); err != nil {
		os.Exit(1)
	}
}
