package mediator

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// A Relay is one device model's part in a session that several serve, one after
// the other. Each ends with a request that it has taken and not answered.
type Relay struct{ m *mediator }

func newRelay(c *dm.Conn) *Relay { return &Relay{newMediator(c, Options{})} }

// Begin creates the server that is handed on.
func Begin(c *dm.Conn) (*Relay, error) {
	r := newRelay(c)
	for _, part := range []func() error{r.m.create, r.m.ranges, r.m.enable} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// TakeOver goes on where another has stopped: it empties the ring and answers
// what is in process.
func TakeOver(c *dm.Conn, h dm.Heritage) (*Relay, error) {
	r := newRelay(c)
	var err error
	if r.m.main, err = c.TakeOver(h); err != nil {
		return nil, err
	}
	open := r.m.main.InProcess()
	if len(open) != 1 {
		return nil, fmt.Errorf("server %d: want one request in process, got %+v", h.Server, open)
	}
	if asked, err := r.m.take(open[0]); asked || err != nil {
		return r, err
	}
	return r, r.m.untilAsked()
}

// Serve has the guest use ports, memory and the ring.
func (r *Relay) Serve() error {
	return r.m.times([]op{{guest.OpPIO, 30}, {guest.OpVGA, 100}, {guest.OpMMIO, 20}, {guest.OpVGA8, 15}})
}

// left is how many entries Abandon leaves in the ring.
const left = 90

// Abandon has the guest write to the ring, and stops with the entries still in it
// and the guest's next request taken.
func (r *Relay) Abandon() error {
	r.m.conn.Log.Step("abandon")
	if err := r.m.main.Answer(r.m.asking, uint64(guest.Command(guest.OpVGA, left))); err != nil {
		return err
	}
	for {
		if req, err := r.m.conn.Next(quiet); err != nil || !req.Ring {
			return err
		}
	}
}

// Ask makes calls that change nothing.
func (r *Relay) Ask() error {
	if _, err := r.m.conn.Must(xen.GetIOReqServerInfo{ID: r.m.main.ID, Flags: xen.NoGFNs}); err != nil {
		return err
	}
	return r.m.main.RefusedEventFDs()
}

// Heritage is what the next one has to know.
func (r *Relay) Heritage() dm.Heritage { return r.m.main.Heritage() }

// End ends the guest and destroys the server.
func (r *Relay) End() error { return r.m.destroy() }
