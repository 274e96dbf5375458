package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/lab/mediator"
)

// playLoops keeps no log: writing it takes longer than serving does.
func (s session) playLoops() error {
	c, err := dm.Open(s.dom, s.vcpus, nil)
	if err != nil {
		return err
	}
	err = mediator.PlayLoops(c, readLoops(os.Stdin), func(d time.Duration) { fmt.Println("took", d) })
	return errors.Join(err, c.Close())
}

// readLoops reads a loop a line, as its name and count.
func readLoops(r io.Reader) iter.Seq2[mediator.Loop, error] {
	return func(yield func(mediator.Loop, error) bool) {
		sc := bufio.NewScanner(r)
		for sc.Scan() {
			if l, err := parseLoop(sc.Text()); !yield(l, err) || err != nil {
				return
			}
		}
		if err := sc.Err(); err != nil {
			yield(mediator.Loop{}, err)
		}
	}
}

func parseLoop(line string) (l mediator.Loop, err error) {
	var name string
	if _, err = fmt.Sscan(line, &name, &l.Count); err != nil {
		return l, fmt.Errorf("loop %q: want an operation and a count: %w", line, err)
	}
	l.Op, err = guest.FindOp(name)
	return l, err
}
