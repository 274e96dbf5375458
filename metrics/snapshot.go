package metrics

import (
	"bufio"
	"fmt"
	"io"
	"time"
)

// A Snapshot is where a capture stands.
type Snapshot struct {
	Events  uint64        // taken from the probes and written
	Refused uint64        // that could not be written
	Bytes   uint64        // of trace written, of all files
	Files   uint64        // begun, 1 if the capture is not spread
	Lag     time.Duration // how old the newest event was when it was written
	Start   time.Time     // of the capture
	Lost    []Loss        // so far, by probe and reason
	Flight  *Flight       // nil if this is no flight recorder

	Version, Tier, Xen string // of iotrace, of the probes, of the hypervisor
}

// A Loss is what one probe lost for one reason, named as in the trace.
type Loss struct {
	Probe, Reason string
	Count         uint64
}

// Flight is where a flight recorder stands. What is written, it has in memory.
type Flight struct {
	Dumps, Failed uint64 // that were written, and that could not be
	Suppressed    uint64 // firings of triggers that led to no dump of their own
	Bytes         uint64 // in memory
	Span          time.Duration
}

// write writes s in the text exposition format, version 0.0.4. Label values are
// quoted as Go quotes them, which is the same for printable text.
func (s Snapshot) write(out io.Writer) error {
	w := family{bufio.NewWriter(out)}
	w.head("info", "gauge", "What captures.")
	w.value("info", fmt.Sprintf("{version=%q,tier=%q,xen=%q}", s.Version, s.Tier, s.Xen), 1)
	w.one("start_time_seconds", "gauge", "When the capture began, in seconds since 1970.", float64(s.Start.UnixMilli())/1e3)
	w.one("events_total", "counter", "Events taken from the probes and written.", s.Events)
	w.one("refused_total", "counter", "Events that could not be written.", s.Refused)
	w.head("lost_total", "counter", "What the capture lost, by probe and reason, as the trace says it.")
	for _, l := range s.Lost {
		w.value("lost_total", fmt.Sprintf("{probe=%q,reason=%q}", l.Probe, l.Reason), l.Count)
	}
	w.one("written_bytes_total", "counter", "Bytes of trace written.", s.Bytes)
	w.one("files_total", "counter", "Files begun.", s.Files)
	w.one("lag_seconds", "gauge", "Age of the newest event when it was written.", s.Lag.Seconds())
	if f := s.Flight; f != nil {
		w.one("dumps_total", "counter", "Dumps of the flight recorder that were written.", f.Dumps)
		w.one("dumps_failed_total", "counter", "Dumps that could not be written.", f.Failed)
		w.one("triggers_suppressed_total", "counter", "Firings of triggers that led to no dump of their own.", f.Suppressed)
		w.one("memory_bytes", "gauge", "Bytes of trace in memory.", f.Bytes)
		w.one("memory_seconds", "gauge", "Time between the first and the last event in memory.", f.Span.Seconds())
	}
	return w.Flush()
}

// family writes metrics. An error stays in the writer until Flush.
type family struct{ *bufio.Writer }

func (w family) head(name, kind, help string) {
	fmt.Fprintf(w, "# HELP iotrace_%s %s\n# TYPE iotrace_%s %s\n", name, help, name, kind)
}

func (w family) value(name, labels string, v any) {
	fmt.Fprintf(w, "iotrace_%s%s %v\n", name, labels, v)
}

func (w family) one(name, kind, help string, v any) {
	w.head(name, kind, help)
	w.value(name, "", v)
}
