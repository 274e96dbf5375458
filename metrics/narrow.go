package metrics

import (
	"net"
	"sync"
)

// atOnce is how many connections a Server has. Whoever else may connect to a loopback port
// must not use up the descriptors with which the capture opens its files.
const atOnce = 16

// A narrow listener accepts a connection when it has less than atOnce open ones.
type narrow struct {
	net.Listener
	slots chan struct{}
}

func newNarrow(l net.Listener) narrow { return narrow{l, make(chan struct{}, atOnce)} }

func (l narrow) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &held{Conn: c, leave: sync.OnceFunc(func() { <-l.slots })}, nil
}

// A held connection is one of so many until it is closed.
type held struct {
	net.Conn
	leave func()
}

func (c *held) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
