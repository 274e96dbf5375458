// Command mediator runs package mediator's session in the lab's dom0.
//
//	mediator -domain ID -vcpus N -log FILE [-pause] [-divide N] [-flood N]
//
// With -pause it prints "paused" halfway, while the guest is blocked in a request,
// and goes on when it reads a line from standard input.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/mediator"
	"github.com/iotrace-xen/iotrace/xen"
)

func main() {
	domain := flag.Uint("domain", 0, "domain whose device model to be")
	vcpus := flag.Int("vcpus", 1, "vCPUs of that domain")
	log := flag.String("log", "mediator.jsonl", "file for what was called and served")
	pause := flag.Bool("pause", false, "wait halfway for a line on standard input")
	divide := flag.Uint("divide", 1, "repeat each of the guest's operations so many times less")
	flood := flag.Uint("flood", 0, "buffered writes of the guest, in one go")
	flag.Parse()
	// dom0 may have one CPU. With one P, the runtime takes it away from every
	// system call that lasts, and each request costs two thread switches more.
	runtime.GOMAXPROCS(max(2, runtime.NumCPU()))
	if err := play(xen.DomID(*domain), *vcpus, *log, options(*pause, *divide, *flood)); err != nil {
		fmt.Fprintln(os.Stderr, "mediator:", err)
		os.Exit(1)
	}
}

func options(pause bool, divide, flood uint) mediator.Options {
	o := mediator.Options{Divide: uint32(divide), Flood: uint32(flood)}
	if pause {
		o.Between = waitForLine
	}
	return o
}

func play(dom xen.DomID, vcpus int, logName string, o mediator.Options) error {
	f, err := os.Create(logName)
	if err != nil {
		return err
	}
	log := dm.NewLog(f)
	c, err := dm.Open(dom, vcpus, log)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	err = mediator.Play(c, o)
	t := log.Total()
	fmt.Printf("calls %d (%d refused), sync %d, buffered %d in %d slots, spurious %d\n",
		t.Calls, t.Refused, t.Sync, t.Buf, t.BufSlots, t.Spurious)
	return errors.Join(err, c.Close(), log.Close(), f.Close())
}

func waitForLine() error {
	fmt.Println("paused")
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}
