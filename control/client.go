package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

func (c Capture) dial() (net.Conn, error) { return net.DialTimeout("unix", c.path, patience) }

// Ask asks the capture for something and decodes the answer's result into
// result, which may be nil. It waits ten seconds for the answer.
func (c Capture) Ask(verb string, args, result any) error {
	return c.AskWithin(2*patience, verb, args, result)
}

// AskWithin is Ask for what can take longer.
func (c Capture) AskWithin(limit time.Duration, verb string, args, result any) error {
	if err := c.ask(limit, verb, args, result); err != nil {
		return fmt.Errorf("capture %d: %w", c.PID, err)
	}
	return nil
}

func (c Capture) ask(limit time.Duration, verb string, args, result any) error {
	conn, err := c.dial()
	if gone(err) {
		return fmt.Errorf("it has ended (%w)", err)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(limit))
	req := request{Version: Version, Verb: verb}
	if req.Args, err = json.Marshal(args); err != nil {
		return err
	}
	// A server that refuses the peer answers without reading.
	writeErr := writeLine(conn, req)
	if errors.Is(writeErr, errLine) {
		return writeErr
	}
	var resp response
	if err := readLine(conn, &resp); err != nil {
		return unanswered(cmp.Or(writeErr, err), limit)
	}
	if !resp.OK {
		return errors.New(resp.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(resp.Result, result)
}

// unanswered says why no answer came.
func unanswered(err error, limit time.Duration) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer within %v: it is stopped, or waits for its disk or a reader; what it was asked for it may still do (%w)", limit, err)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("it ended before it had answered (%w)", err)
	}
	return err
}
