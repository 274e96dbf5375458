package metrics

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrAddress is in Listen's error about an address that it does not serve.
var ErrAddress = errors.New("bad metrics address")

// patience bounds a request: a scrape takes milliseconds.
const patience = 10 * time.Second

// A Server serves the metrics of one capture.
type Server struct {
	http     *http.Server
	listener net.Listener
}

// Listen serves what take returns at "unix:PATH" or at "IP:PORT" with a
// loopback IP. Another address is an ErrAddress. A socket that a dead process
// left at PATH is replaced.
func Listen(address string, take func() Snapshot) (*Server, error) {
	l, err := listen(address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		take().write(w)
	})
	s := &Server{listener: l, http: &http.Server{
		Handler: mux, ReadTimeout: patience, WriteTimeout: patience, MaxHeaderBytes: 1 << 14,
	}}
	go s.http.Serve(newNarrow(l)) // ends with Close
	return s, nil
}

// Addr is where the server listens, in the form that Listen takes.
func (s *Server) Addr() string {
	a := s.listener.Addr()
	if a.Network() == "unix" {
		return unixPrefix + a.String()
	}
	return a.String()
}

// Close ends the server and removes its socket.
func (s *Server) Close() error {
	err := s.http.Close()
	if e := s.listener.Close(); err == nil && !errors.Is(e, net.ErrClosed) { // Serve may not have begun
		err = e
	}
	return err
}

// Check returns an ErrAddress for an address that Listen does not serve.
func Check(address string) error {
	if path, ok := strings.CutPrefix(address, unixPrefix); ok && path != "" {
		return nil
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !ap.Addr().IsLoopback() {
		return fmt.Errorf("%w %q: want unix:PATH, 127.0.0.1:PORT or [::1]:PORT", ErrAddress, address)
	}
	return nil
}

const unixPrefix = "unix:"

func listen(address string) (net.Listener, error) {
	if err := Check(address); err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(address, unixPrefix); ok {
		return listenUnix(path)
	}
	return net.Listen("tcp", address)
}

// listenUnix makes a socket that is its owner's alone from its first moment. The
// mask is the process's: what other threads create meanwhile has fewer
// permissions, never more.
func listenUnix(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	defer unix.Umask(unix.Umask(0o177))
	return net.Listen("unix", path)
}

// removeStale removes a socket on which nobody listens any more.
func removeStale(path string) error {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSocket == 0 {
		return nil // what else is there, bind tells
	}
	conn, err := net.DialTimeout("unix", path, patience)
	switch {
	case err == nil:
		conn.Close()
	case errors.Is(err, unix.ECONNREFUSED):
		return os.Remove(path)
	case !errors.Is(err, unix.EAGAIN): // which says that it has no time to accept
		return fmt.Errorf("metrics socket %s: %w", path, err)
	}
	return fmt.Errorf("metrics socket %s: another capture listens there", path)
}
