package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Verb answers a request. The result is sent as JSON, the error as its text.
// Verbs of one server may run at the same time.
type Verb func(args json.RawMessage) (result any, err error)

// A Server listens on behalf of one capture.
type Server struct {
	verbs    map[string]Verb
	listener *net.UnixListener
	slots    chan struct{}
}

// Listen opens this process's socket in the directory, which it makes if need
// be, and removes what killed captures left there.
func Listen(dir string, verbs map[string]Verb) (*Server, error) {
	if err := prepare(dir); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	removeStale(dir)
	path := filepath.Join(dir, strconv.Itoa(os.Getpid())+suffix)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // until here the directory has guarded it
		l.Close()
		return nil, fmt.Errorf("control socket: %w", err)
	}
	s := &Server{verbs: verbs, listener: l, slots: make(chan struct{}, atOnce)}
	go s.accept(l.AcceptUnix)
	return s, nil
}

// Close removes the socket. Requests that are being served still get their
// answers.
func (s *Server) Close() error { return s.listener.Close() }

// accept serves connections until there is an end of them. Where one cannot be had, the
// process may be out of descriptors, and have some again when others have closed theirs.
func (s *Server) accept(next func() (*net.UnixConn, error)) {
	const pause = 100 * time.Millisecond
	for {
		conn, err := next()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(pause)
			continue
		}
		s.slots <- struct{}{}
		go func() {
			defer func() { <-s.slots }()
			s.serve(conn)
		}()
	}
}

func (s *Server) serve(conn *net.UnixConn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	resp := response{Version: Version}
	result, err := s.answer(conn)
	if err == nil {
		resp.Result, err = json.Marshal(result)
	}
	if resp.OK = err == nil; !resp.OK {
		resp.Error = err.Error()
	}
	conn.SetWriteDeadline(time.Now().Add(patience))
	if err := writeLine(conn, resp); errors.Is(err, errLine) {
		writeLine(conn, response{Version: Version, Error: "answer: " + err.Error()})
	}
}

func (s *Server) answer(conn *net.UnixConn) (any, error) {
	if err := allowed(conn); err != nil {
		return nil, err
	}
	return s.do(conn)
}

// do reads a request and has it done.
func (s *Server) do(r io.Reader) (any, error) {
	var req request
	if err := readLine(r, &req); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if req.Version < 1 || req.Version > Version {
		return nil, fmt.Errorf("request of version %d; this capture speaks version %d", req.Version, Version)
	}
	verb := s.verbs[req.Verb]
	if verb == nil {
		known := slices.Sorted(maps.Keys(s.verbs))
		return nil, fmt.Errorf("unknown verb %q; this capture knows %s", req.Verb, strings.Join(known, ", "))
	}
	return verb(req.Args)
}

// allowed refuses a peer that is neither root nor this process's own user.
func allowed(conn *net.UnixConn) error {
	uid, err := peerUID(conn)
	if err != nil {
		return fmt.Errorf("who asks is not known: %w", err)
	}
	return mayAsk(uid, os.Geteuid())
}

func mayAsk(peer, own int) error {
	if peer != 0 && peer != own {
		return fmt.Errorf("uid %d may not control a capture of uid %d", peer, own)
	}
	return nil
}
