package lab_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/lab/xentrace"
	"github.com/iotrace-xen/iotrace/replay"
)

// BenchmarkPeer sets a full replay beside `xenalyze --summary` of Xen's own trace
// of the same session, both repeated until they are long, by the CPU time that they
// take. It asserts nothing:
//
//	make bench-peer
//
// xenalyze folds records into counts; replay judges each request and call. The
// numbers are records of the one and events of the other. xenalyze has the scheduler's
// records, without which it counts nothing because it knows of no domain, and none of
// the emulated timers, of which it complains one by one. The lab's CPU is AMD's.
func BenchmarkPeer(b *testing.B) {
	xenalyze, err := exec.LookPath("xenalyze")
	if err != nil {
		b.Skip("xenalyze is not here: Debian has it in xen-utils-common")
	}
	r, err := lab.FindRelease("4.17")
	if err != nil {
		b.Fatal(err)
	}
	p := play(b, r, "xentrace")
	peer, records := repeatXentrace(b, p)
	var took [2]time.Duration
	events := 0
	b.ResetTimer()
	for range b.N {
		cmd := exec.Command(xenalyze, "--svm-mode", "--summary", peer)
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		took[0] += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if lines := bytes.Count(out, []byte{'\n'}); lines > records/20 {
			b.Fatalf("xenalyze complains: %d lines of %d records, the last\n%s", lines, records, out[max(0, len(out)-2000):])
		}
		begin := cpuTime(b)
		events = replayed(b, p, peerRecords)
		took[1] += cpuTime(b) - begin
	}
	rate := func(n int, d time.Duration) float64 { return float64(n) * float64(b.N) / d.Seconds() / 1e6 }
	b.ReportMetric(rate(records, took[0]), "xenalyze-Mrecords/s")
	b.ReportMetric(rate(events, took[1]), "replay-Mevents/s")
	b.ReportMetric(0, "ns/op")
}

// cpuTime is what this process has taken so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peerRecords is how much each of the two reads in one go, at least.
const peerRecords = 5_000_000

// replayed replays the session until it has judged so many events, and returns how
// many there were.
func replayed(b *testing.B, p played, want int) (n int) {
	b.Helper()
	for n < want {
		t := p.trace(b)
		r, err := replay.RunBatches(t.Header(), t.Batches(), replay.Options{})
		if err != nil {
			b.Fatal(err)
		}
		n += int(r.Events)
	}
	return n
}

// repeatXentrace writes what xenalyze knows of a session's records over and over.
func repeatXentrace(b *testing.B, p played) (name string, records int) {
	b.Helper()
	raw := p.xentrace(b, func(event uint32) bool { return !xentrace.InClass(event, dom0.ClassTimers) })
	name = filepath.Join(b.TempDir(), "peer.bin")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if records, err = xentrace.Repeat(f, raw, peerRecords); err != nil {
		b.Fatal(err)
	}
	return name, records
}

// xentrace returns what Xen itself has traced of a session: the records of the events
// that keep chooses.
func (p played) xentrace(t testing.TB, keep func(event uint32) bool) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.dir, dom0.XentraceFile))
	if err == nil {
		raw, err = xentrace.Select(raw, keep)
	}
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
