package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/iotrace-xen/iotrace/xen"
)

// rawDemo returns the first two thirds of the records of the lab's demo on Xen 4.17, made
// with --raw and --data full. Interrupts and unmasks had records of their own then: they
// were put into those of their slots, as the probes do it now.
func rawDemo(tb testing.TB) []byte {
	tb.Helper()
	f, err := os.Open(filepath.Join("testdata", "demo-4.17.raw.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

var demoHeader = format.Header{XenVersion: "4.17.5", CPUVendor: "AuthenticAMD", Paging: "npt", Dom0: "pv"}

// TestRawSessionReplays: the recorder's half in user space finds in the records
// what the model demands.
func TestRawSessionReplays(t *testing.T) {
	events := func(yield func(format.Event, error) bool) {
		for batch, err := range record.DecodeRaw(bytes.NewReader(rawDemo(t))) {
			if err != nil {
				t.Error(err)
			}
			for _, e := range batch {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
	report, err := replay.Run(demoHeader, events, replay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if report.FirstDifference != nil || report.Agree < 1000 {
		t.Errorf("want 1000 verdicts that agree at the least and no difference, got %d and %v", report.Agree, report.FirstDifference)
	}
}

// attachedLate makes of a raw log what a recorder sees that came after everybody had
// mapped the servers' pages: requests and answers of servers that it does not know, at
// the pace of a busy device model.
func attachedLate(raw []byte) (late []byte) {
	const length, slotIn, slotOut = 4, 6, 7
	const time, kind, server, with = 0, 26, 42, 88 // see struct rec_slot
	const begin, period = 1e9, 20_000
	le := binary.LittleEndian
	for at := uint64(begin); len(raw) > 0; at += period {
		n := length + int(le.Uint32(raw))
		if b := raw[length:n]; b[kind] == slotIn || b[kind] == slotOut {
			late = append(late, raw[:n]...)
			b = late[len(late)-len(b):]
			le.PutUint64(b[time:], at)
			le.PutUint64(b[with:], at-period/2)
			le.PutUint16(b[server:], uint16(xen.NoServer))
		}
		raw = raw[n:]
	}
	return late
}

// alone takes the interrupts and unmasks out of records of slots, as for a capture that
// is to have none.
func alone(slots []byte) []byte {
	const length, with = 4, 88 // see struct rec_slot
	le := binary.LittleEndian
	slots = slices.Clone(slots)
	for at := 0; at < len(slots); at += length + int(le.Uint32(slots[at:])) {
		le.PutUint64(slots[at+length+with:], 0)
	}
	return slots
}

// BenchmarkUserHalf is all that a recorder does in user space, from the records of
// a real session to blocks: how many events a second one core keeps up with.
func BenchmarkUserHalf(b *testing.B) {
	raw := rawDemo(b)
	b.Run("whole", func(b *testing.B) { benchUserHalf(b, demoHeader, raw) })
	found := []format.Event{format.DomainFound{Dom: 1}.Event(0), format.ServerFound{Dom: 1}.Event(0), format.ServerFound{Dom: 1, Server: 1}.Event(0)}
	b.Run("late", func(b *testing.B) { benchUserHalf(b, demoHeader, attachedLate(raw), found...) })
	chosen := demoHeader
	chosen.Chosen = &format.Choice{Kinds: []string{"ioreq", "ioresp"}}
	b.Run("late and chosen", func(b *testing.B) { benchUserHalf(b, chosen, alone(attachedLate(raw)), found...) })
}

// benchUserHalf measures with what was found at the start and what the probes recorded.
func benchUserHalf(b *testing.B, h format.Header, raw []byte, found ...format.Event) {
	var events uint64
	for b.Loop() {
		c := &capture{
			src:   source{header: h, events: record.DecodeRaw(bytes.NewReader(raw)), stop: func() {}},
			flags: recordFlags{output: "-"}, log: slog.New(slog.DiscardHandler),
		}
		if err := c.open(io.Discard); err != nil {
			b.Fatal(err)
		}
		if err := c.w.WriteAll(found); err != nil {
			b.Fatal(err)
		}
		if writeErr, err := c.copy(); writeErr != nil || err != nil {
			b.Fatal(writeErr, err)
		}
		events += c.w.Events()
		if err := c.w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}
