package record

import (
	"slices"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A played stream has records, of which the last may still be on its way.
type playedStream struct {
	records [][]byte
	empty   bool // nothing is on its way behind them
}

func (s *playedStream) next() ([]byte, error) {
	if len(s.records) == 0 {
		return nil, nil
	}
	b := s.records[0]
	s.records = s.records[1:]
	return b, nil
}

func (s *playedStream) passed(uint64) bool    { return s.empty }
func (s *playedStream) wait() (bool, error)   { return false, nil }
func (s *playedStream) setDeadline(time.Time) {}
func (s *playedStream) flush()                {}
func (s *playedStream) last()                 {}
func (s *playedStream) close() error          { return nil }

// An endlessStream has looks at a ring, whose entries nobody wants, until it has had enough.
type endlessStream struct {
	playedStream
	looks  uint32
	enough bool
}

func (s *endlessStream) next() ([]byte, error) {
	s.looks++
	if s.enough = s.looks > 1_000_000; s.enough {
		return nil, nil
	}
	return rawRingOf(uint64(s.looks), 0, min(s.looks, 8), xen.BufIOReq{Size: 1}), nil
}

// TestUnwantedRecordsDoNotHoldUpTheEnd stops a capture while records come of which no event
// is wanted.
func TestUnwantedRecordsDoNotHoldUpTheEnd(t *testing.T) {
	var told []format.Event
	s := &endlessStream{}
	r := owing(1<<60, s, &told)
	r.dec.choice = newChoice(format.Choice{GFNs: []format.Span{{First: 1, Last: 1}}})
	r.Stop()
	if err := r.readUntil(time.Now().Add(time.Hour), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s.enough {
		t.Error("the end waits until there are no more records")
	}
}

// owing is a run that has counted a loss at a time and not told it yet.
func owing(at uint64, s stream, told *[]format.Event) *run {
	r := &run{Session: &Session{
		probes: &probes{flavour: flavours[0]}, stream: s, dec: newDecoder(), losses: newLosses(), lost: map[lossKey]uint64{},
	}}
	r.yield = func(events []format.Event, err error) bool {
		*told = append(*told, events...)
		return err == nil
	}
	r.owed = &owed{
		clock:   format.Clock{}.Event(at),
		reading: reading{counts: map[lossKey]uint64{undivided(format.ProbePrivcmd, format.ReasonMissed, noCPU): 1}},
	}
	return r
}

// TestLossStandsBehindWhatCameBefore: the counters are read while records of before that
// time are in the buffer.
func TestLossStandsBehindWhatCameBefore(t *testing.T) {
	processes := func(times ...uint64) (records [][]byte) {
		for i, at := range times {
			records = append(records, by(uint32(i+1), rawRecord(rawProcess, at)))
		}
		return records
	}
	const begun, clock, lost = format.KindProcess, format.KindClock, format.KindLost
	for _, c := range []struct {
		name   string
		stream playedStream
		want   []format.Kind
	}{
		{"in front of the first later one", playedStream{records: processes(10, 19, 20, 21, 15, 30)}, []format.Kind{begun, begun, begun, clock, lost, begun, begun, begun}},
		{"behind all", playedStream{records: processes(10, 20), empty: true}, []format.Kind{begun, begun, clock, lost}},
		{"not while one is on its way", playedStream{records: processes(10, 20)}, []format.Kind{begun, begun}},
		{"nothing in front of it", playedStream{records: processes(30)}, []format.Kind{clock, lost, begun}},
	} {
		var told []format.Event
		r := owing(20, &c.stream, &told)
		if more, err := r.readSome(); more || err != nil {
			t.Errorf("%s: %v, %v", c.name, more, err)
		}
		if got := kindsOf(told); !slices.Equal(got, c.want) {
			t.Errorf("%s: want %v, got %v", c.name, c.want, got)
		}
		if settled := slices.Contains(c.want, lost); settled != (r.owed == nil) || settled && r.lost[lossKey{probe: format.ProbePrivcmd, reason: format.ReasonMissed}] != 1 {
			t.Errorf("%s: owed %v, lost %v", c.name, r.owed, r.lost)
		}
		for i, e := range told {
			if e.Seq != uint64(i) {
				t.Errorf("%s: event %d has number %d", c.name, i, e.Seq)
			}
		}
	}
}

// TestLastRecordsOfACPUAreToldAsLost: nothing comes behind them by whose number they would
// be missed, and whatever they had to do with is judged by the clocks told then.
func TestLastRecordsOfACPUAreToldAsLost(t *testing.T) {
	numbered := func(seq, at uint64) []byte {
		b := stamped(rawProcess, 0, at, seq)
		b[30] = byte(format.ProbeProcess)
		return b
	}
	for _, c := range []struct {
		name string
		made uint64
		lost uint64 // told with the clocks
		none bool   // no clocks are told
	}{
		{"all have come", 2, 0, false},
		{"the last are lost", 5, 3, false},
		{"one was made behind the reading and stamped in front of it", 1, 0, true},
	} {
		var told []format.Event
		s := &playedStream{records: [][]byte{numbered(0, 10), numbered(1, 20)}, empty: true}
		r := owing(20, s, &told)
		r.owed.counts, r.owed.made = map[lossKey]uint64{}, make(recordsMade, 1)
		r.owed.made[0].By = [16]uint64{allProbes: c.made, format.ProbeProcess: c.made}
		if _, err := r.readSome(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		clocks := slices.DeleteFunc(kindsOf(told), func(k format.Kind) bool { return k != format.KindClock })
		lost := r.lost[lossKey{probe: format.ProbeProcess, reason: format.ReasonNoSpace}]
		if lost != c.lost || (len(clocks) == 0) != c.none || r.owed != nil {
			t.Errorf("%s: %d lost, want %d; told %v", c.name, lost, c.lost, kindsOf(told))
		}
	}
}
