package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Version is the protocol's. A server refuses requests of a later one.
const Version = 1

// Limits of a connection.
const (
	MaxLine  = 64 << 10
	patience = 5 * time.Second
	atOnce   = 8 // connections that are served, others wait
)

type request struct {
	Version int             `json:"version"`
	Verb    string          `json:"verb"`
	Args    json.RawMessage `json:"args,omitempty"`
}

type response struct {
	Version int             `json:"version"`
	OK      bool            `json:"ok"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   string          `json:"error,omitempty"`
}

var errLine = errors.New("the line is too long")

// readLine reads a JSON object of at most MaxLine bytes.
func readLine(r io.Reader, v any) error {
	line, err := bufio.NewReaderSize(io.LimitReader(r, MaxLine+1), 4096).ReadBytes('\n')
	if len(line) > MaxLine {
		return errLine
	}
	if err != nil {
		return fmt.Errorf("no whole line: %w", err)
	}
	return json.Unmarshal(line, v)
}

func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(line) >= MaxLine {
		return errLine
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
