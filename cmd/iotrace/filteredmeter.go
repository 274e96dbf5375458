package main

import (
	"github.com/iotrace-xen/iotrace/analyze"
	"github.com/iotrace-xen/iotrace/format"
)

// A filteredMeter measures the events for which its filter holds, and those that end
// them: an answer goes its request's way, and a return its call's. What was lost it tells
// whatever the filter says, and it forgets the requests of servers that are destroyed.
type filteredMeter struct {
	filter filterValue
	analyze.Meter
}

// Add takes the next event.
func (m *filteredMeter) Add(e *format.Event) {
	asked := e
	if opened, ok := e.Opened(); ok {
		asked = &opened
	}
	switch {
	case m.filter.match(asked) || m.Ends(e):
		m.Meter.Add(e)
	case e.Kind == format.KindLost:
		m.Lose(e.Lost())
	default:
		m.Heed(e)
	}
}
