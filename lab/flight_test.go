package lab_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/replay"
)

// flew checks the dump that a flight recorder made when the device model ended: it
// begins with a key-frame, says why it is there, and agrees with the model.
func (p played) flew(t *testing.T) {
	t.Helper()
	tr, err := format.Open(p.open(t, dom0.FlightDump))
	if err != nil {
		t.Fatal(err)
	}
	var events []format.Event
	said := ""
	for e, err := range tr.Events() {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
		said += e.Mark().Text
	}
	if want := "trigger dm-exit: process "; events[0].Kind != format.KindKeyFrame || !strings.HasPrefix(said, want) {
		t.Errorf("flight recorder: want a key-frame in front and a mark %q, got %v and %q", want, events[0].Kind, said)
	}
	report, err := replay.Run(tr.Header(), func(yield func(format.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}, replay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("flight recorder: %d events, %+v", report.Events, report.Tally)
	if report.FirstDifference != nil || report.Agree < 1000 || report.KeyFrameMismatches != 0 || report.Lost != 0 {
		t.Errorf("flight recorder: want a thousand verdicts that agree and nothing lost, got %+v", report)
	}
}

// watched checks what iotrace top said while the guest booted: of the recorder, and
// with probes of its own.
func (p played) watched(t *testing.T) {
	t.Helper()
	p.watchedFrom(t, dom0.TopFile, "capture ")
	p.watchedFrom(t, dom0.TopProbesFile, "probes of its own")
}

func (p played) watchedFrom(t *testing.T, file, source string) {
	t.Helper()
	var top struct {
		Source  string
		Events  uint64
		Servers []struct {
			Dom, Server uint16
			Requests    uint64
			AnswerP50NS uint64 `json:"answer_p50_ns"`
		}
	}
	if err := json.NewDecoder(p.open(t, file)).Decode(&top); err != nil {
		t.Fatal(err)
	}
	t.Logf("top: %+v", top)
	if !strings.HasPrefix(top.Source, source) || top.Events == 0 || len(top.Servers) != 1 {
		t.Fatalf("top: want what one server does, got %+v", top)
	}
	if s := top.Servers[0]; s.Server != 0 || s.Requests == 0 || s.AnswerP50NS == 0 {
		t.Errorf("top: want requests to QEMU and how long they took, got %+v", s)
	}
}
