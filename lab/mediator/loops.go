package mediator

import (
	"iter"
	"time"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
)

// A Loop is an operation of the guest, as often as it is to be repeated.
type Loop struct {
	Op    guest.Op
	Count uint32
}

// PlayLoops has the guest perform one loop after another, and tells after each how
// long it took from the answer that told the guest of it to the guest's next
// question. Nobody makes any call meanwhile.
func PlayLoops(c *dm.Conn, loops iter.Seq2[Loop, error], tell func(time.Duration)) error {
	m := newMediator(c, Options{})
	for _, setUp := range []func() error{m.create, m.ranges, m.enable} {
		if err := setUp(); err != nil {
			return err
		}
	}
	for l, err := range loops {
		if err != nil {
			return err
		}
		begun := time.Now()
		if _, err := m.do(l.Op, l.Count); err != nil {
			return err
		}
		tell(time.Since(begun))
	}
	return m.destroy()
}
