package main

import (
	"errors"
	"iter"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
)

// A source is what a capture records: a session in a dom0, or the events of a
// test.
type source struct {
	header format.Header
	warn   []string                         // what to know of it from the start
	events iter.Seq2[[]format.Event, error] // see record.Session.Batches
	stop   func()
	stats  func() record.Stats
	close  func() error
}

// An opener begins what is to be recorded.
type opener func(record.Options) (source, error)

func openSession(o record.Options) (source, error) {
	s, err := record.Open(o)
	if err != nil {
		return source{}, err
	}
	if err := s.DropPrivileges(); err != nil {
		return source{}, errors.Join(err, s.Close())
	}
	return source{s.Header(), s.Warnings(), s.Batches(), s.Stop, s.Stats, s.Close}, nil
}
