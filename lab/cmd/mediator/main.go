// Command mediator runs package mediator's session in the lab's dom0.
//
//	mediator -domain ID -vcpus N -log FILE [-pause] [-divide N] [-flood N]
//	mediator -domain ID -vcpus N -log FILE -relay STAGE
//	mediator -domain ID -vcpus N -loops
//	mediator -domain ID -vcpus N -log FILE -eventfds
//
// With -pause it prints "paused" halfway, while the guest is blocked in a request,
// and goes on when it reads a line from standard input. The log is appended to.
//
// With -relay the session is handed from process to process. Stage "mediator"
// begins it and execs the program named heir beside itself, which inherits the open
// devices. That one starts the program successor and passes the devices on through
// a socket; successor kills itself in the middle of its work, and then heir ends.
// Stage "restarted" opens the devices anew, takes over what is left and ends the
// session.
//
// With -loops it has the guest perform what it reads from standard input, such as
// "pio 300", and prints how long each took.
//
// With -eventfds dom0's kernel answers a part of the requests, and makes calls.
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
	stage := flag.String("relay", "", "be one stage of a session that is handed on")
	heritage := flag.String("heritage", "", "what stages heir and restarted take over")
	loops := flag.Bool("loops", false, "have the guest perform the operations that standard input names")
	eventFDs := flag.Bool("eventfds", false, "have dom0's kernel answer a part of the requests")
	flag.Parse()
	// dom0 may have one CPU. With one P, the runtime takes it away from every
	// system call that lasts, and each request costs two thread switches more.
	runtime.GOMAXPROCS(max(2, runtime.NumCPU()))
	s := session{dom: xen.DomID(*domain), vcpus: *vcpus, logName: *log}
	var err error
	switch {
	case *loops:
		err = s.playLoops()
	case *eventFDs:
		err = s.play(mediator.PlayEventFDs)
	case *stage != "":
		err = relay{s, *heritage}.play(*stage)
	default:
		o := options(*pause, *divide, *flood)
		err = s.play(func(c *dm.Conn) error { return mediator.Play(c, o) })
	}
	if err != nil {
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

// session says whose device model to be, and where to log that.
type session struct {
	dom     xen.DomID
	vcpus   int
	logName string
}

func (s session) play(do func(*dm.Conn) error) error {
	return s.logged(func(log *dm.Log) error {
		c, err := dm.Open(s.dom, s.vcpus, log)
		if err != nil {
			return err
		}
		return errors.Join(do(c), c.Close())
	})
}

// logged appends what do logs, and says at its end how much that was.
func (s session) logged(do func(*dm.Log) error) error {
	f, err := os.OpenFile(s.logName, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	log := dm.NewLog(f)
	err = do(log)
	t := log.Total()
	fmt.Printf("calls %d (%d refused), sync %d, buffered %d in %d slots, spurious %d\n",
		t.Calls, t.Refused, t.Sync, t.Buf, t.BufSlots, t.Spurious)
	return errors.Join(err, log.Close(), f.Close())
}

func waitForLine() error {
	fmt.Println("paused")
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}
