package lab_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/replay"
)

// BenchmarkPeer sets a full replay beside `xenalyze --summary` of Xen's own trace
// of the same session, one processor each, both repeated until they are long. It
// asserts nothing:
//
//	make bench-peer
//
// xenalyze folds records into counts; replay judges each request and call. The
// numbers are records of the one and events of the other. The lab's CPU is AMD's.
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
	peer, records := repeatXentrace(b, filepath.Join(p.dir, dom0.XentraceFile))
	var took [2]time.Duration
	events := 0
	b.ResetTimer()
	for range b.N {
		begin := time.Now()
		if out, err := exec.Command(xenalyze, "--svm-mode", "--summary", peer).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		took[0] += time.Since(begin)
		begin = time.Now()
		events = replayed(b, p, peerRecords)
		took[1] += time.Since(begin)
	}
	rate := func(n int, d time.Duration) float64 { return float64(n) * float64(b.N) / d.Seconds() / 1e6 }
	b.ReportMetric(rate(records, took[0]), "xenalyze-Mrecords/s")
	b.ReportMetric(rate(events, took[1]), "replay-Mevents/s")
	b.ReportMetric(0, "ns/op")
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

// repeatXentrace writes the records of a xentrace file over and over, each time
// with cycle counts behind the last. A record's first word holds its number of
// further words (bits 28 to 30) and whether two of cycles come before them (31).
func repeatXentrace(b *testing.B, from string) (name string, n int) {
	b.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		b.Fatal(err)
	}
	le := binary.LittleEndian
	var stamps []int // where cycles stand
	records := 0
	for at := 0; at+4 <= len(raw); records++ {
		head := le.Uint32(raw[at:])
		if at += 4; head>>31 != 0 {
			stamps = append(stamps, at)
			at += 8
		}
		at += int(head>>28&7) * 4
	}
	span := le.Uint64(raw[stamps[len(stamps)-1]:]) - le.Uint64(raw[stamps[0]:]) + 1
	name = filepath.Join(b.TempDir(), "peer.bin")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for n < peerRecords {
		if _, err := f.Write(raw); err != nil {
			b.Fatal(err)
		}
		n += records
		for _, at := range stamps {
			le.PutUint64(raw[at:], le.Uint64(raw[at:])+span)
		}
	}
	return name, n
}
