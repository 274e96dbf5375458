package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// logForm is what --log says: how a capture tells what it does.
type logForm string

const (
	logPlain logForm = "plain" // sentences for people
	logText  logForm = "text"  // key=value lines, for a journal
	logJSON  logForm = "json"  // an object a line, for a collector
)

// newLog returns the log of a capture. A message is a whole sentence; the facts
// in it are attributes as well, which the plain form leaves out.
func newLog(w io.Writer, form logForm) *slog.Logger {
	switch form {
	case logText:
		return slog.New(slog.NewTextHandler(w, nil))
	case logJSON:
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(plainHandler{w})
}

// A plainHandler prints messages, and before warnings whose they are.
type plainHandler struct{ w io.Writer }

func (h plainHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (h plainHandler) WithAttrs([]slog.Attr) slog.Handler           { return h }
func (h plainHandler) WithGroup(string) slog.Handler                { return h }

func (h plainHandler) Handle(_ context.Context, r slog.Record) error {
	prefix := ""
	if r.Level >= slog.LevelWarn {
		prefix = "iotrace: "
	}
	_, err := fmt.Fprintf(h.w, "%s%s\n", prefix, r.Message)
	return err
}

// logged puts what ended a capture into its log, where that is not what people
// read.
func logged(log *slog.Logger, form logForm, err error) error {
	var e *exitError
	if form == logPlain || !errors.As(err, &e) || e.err == nil {
		return err
	}
	log.Error(e.err.Error(), "exit", e.code)
	return exit(e.code, nil)
}
