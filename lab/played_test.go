package lab_test

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/crosscheck"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/iotrace-xen/iotrace/xen"
)

// wantServed is how many requests the mediator serves in a session, at the least;
// wantRing how many ring entries; wantLate how many requests after its pause.
const (
	wantServed = 10_000
	wantRing   = 3_000
	wantLate   = 3_000
)

// qemuComm is how the name of qemu-xen's process starts, by Debian suite.
var qemuComm = map[string]string{"bullseye": "qemu-system", "bookworm": "xen-qemu", "trixie": "xen-qemu"}

// played is a run's results.
type played struct {
	dir     string
	release lab.Release
	lossy   bool   // ring slots may be lost, if they are counted
	session string // the trace, if not dom0.SessionFile
}

// play boots a release and plays a scenario with the recorder keeping data.
func play(t testing.TB, r lab.Release, scenario string, recorderArgs ...string) played {
	t.Helper()
	return boot(t, lab.Options{Release: r, Scenario: scenario, RecorderArgs: append(recorderArgs, "--data", "full")})
}

// boot runs a machine, if this one can.
func boot(t testing.TB, o lab.Options) played {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine: not with -short")
	}
	if err := lab.CheckHost(); err != nil {
		if os.Getenv(requireEnv) != "" {
			t.Fatal(err)
		}
		t.Skipf("%v (set %s=require to make this a failure)", err, requireEnv)
	}
	ctx := context.Background()
	if end, ok := deadline(t); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end)
		defer cancel()
	}
	o.Out, o.Log = t.TempDir(), t.Output()
	res, err := lab.Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("took %v", res.Took)
	return played{dir: res.Dir, release: o.Release}
}

// deadline is when a test must be over; a benchmark has none.
func deadline(t testing.TB) (end time.Time, ok bool) {
	if t, is := t.(*testing.T); is {
		return t.Deadline()
	}
	return end, false
}

func (p played) open(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func (p played) trace(t testing.TB) *format.Trace {
	t.Helper()
	tr, err := format.Open(p.open(t, cmp.Or(p.session, dom0.SessionFile)))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// served checks that the mediator's log is complete and big enough.
func (p played) served(t *testing.T) {
	t.Helper()
	var total *dm.TotalLine
	for line, err := range dm.ReadLog(p.open(t, dom0.MediatorTruth)) {
		if err != nil {
			t.Fatal(err)
		}
		total = line.Total
	}
	if total == nil {
		t.Fatal("mediator's log: has no totals at its end")
	}
	t.Logf("mediator: %+v", *total)
	if total.Sync < wantServed || total.Buf < wantRing {
		t.Errorf("mediator: want %d requests and %d ring entries at the least, got %d and %d", wantServed, wantRing, total.Sync, total.Buf)
	}
	if total.Refused == 0 {
		t.Error("mediator: want calls that Xen refused, got none")
	}
}

// agreesWithMediator compares the trace with the mediator's log.
func (p played) agreesWithMediator(t *testing.T, late bool) {
	t.Helper()
	got, err := crosscheck.Compare(dm.ReadLog(p.open(t, dom0.MediatorTruth)), p.trace(t).Events(),
		crosscheck.Options{Comms: []string{dom0.MediatorFile}, Late: late, From: "between"})
	p.report(t, "mediator", got, err)
	want, unseen := wantServed, 0
	if late {
		want, unseen = wantLate, 1 // the request that was taken before the recorder came
	}
	if got.Unseen > unseen {
		t.Errorf("trace: want at most %d answers without their request, got %d", unseen, got.Unseen)
	}
	if got.Sync < want {
		t.Errorf("trace: want %d of the mediator's requests at the least, got %d", want, got.Sync)
	}
}

// agreesWithQEMU compares the trace with QEMU's own log.
func (p played) agreesWithQEMU(t *testing.T) {
	t.Helper()
	p.agreesWithQEMUs(t, p.open(t, dom0.QEMUTruth))
}

// agreesWithQEMUs compares it with the logs of several.
func (p played) agreesWithQEMUs(t *testing.T, log io.Reader) {
	t.Helper()
	got, err := crosscheck.QEMU(log, p.trace(t).Events(), crosscheck.Options{Comms: []string{qemuComm[p.release.Suite]}})
	p.report(t, "QEMU", got, err)
}

func (p played) report(t *testing.T, who string, got crosscheck.Result, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", who, err)
	}
	t.Logf("%s: %d requests, %d ring entries, %d calls agree; %d ring slots lost, %d taken twice, %d requests from their answers, %d unseen, %d answers taken early",
		who, got.Sync, got.Buf, got.Calls, got.SlotsLost, got.Repeats, got.Deduced, got.Unseen, got.Early)
	if got.SlotsLost != 0 && !p.lossy {
		t.Errorf("%s: want no ring slot lost at the lab's rates, got %d", who, got.SlotsLost)
	}
	for _, m := range got.Mismatches {
		t.Errorf("%s: %s", who, m)
	}
}

// replays checks that real Xen did what the model says it must.
func (p played) replays(t *testing.T) replay.Report {
	t.Helper()
	tr := p.trace(t)
	report, err := replay.Run(tr.Header(), tr.Events(), replay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("replay: %+v", report.Tally)
	if report.FirstDifference != nil {
		t.Errorf("replay: want no difference from the model, got %v", *report.FirstDifference)
	}
	if report.KeyFrames == 0 || report.KeyFrameMismatches != 0 {
		t.Errorf("replay: want key-frames that it agrees with, got %d, %d of them other: %v",
			report.KeyFrames, report.KeyFrameMismatches, report.FirstMismatch)
	}
	if report.RingMismatches != 0 {
		t.Errorf("replay: want rings whose entries add up, got %d of %d others: %s", report.RingMismatches, report.Rings, report.FirstRingMismatch)
	}
	if report.Lost != 0 && !p.lossy || !tr.Closed() {
		t.Errorf("trace: want it closed and nothing lost, got closed %v, lost %d", tr.Closed(), report.Lost)
	}
	return report
}

// complete checks that a capture from the domain's start leaves next to nothing
// undetermined, at most the first typings of pages whose type nobody has seen.
func (p played) complete(t *testing.T, typings uint64) {
	t.Helper()
	const others = 3
	r := p.replays(t)
	if r.Undetermined > typings+others || r.Agree < 1000*min(r.Undetermined, 2+others) {
		t.Errorf("replay: want at most %d verdicts undetermined, got %d of %d: %v", typings+others, r.Undetermined, r.Agree, r.Unknown)
	}
}

// admitsWhatItMissed checks that a late trace says which servers it found and
// what it could not learn, and that it knows the receiver of most requests.
func (p played) admitsWhatItMissed(t *testing.T) {
	t.Helper()
	n := map[format.Kind]int{}
	nameless := 0
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		n[e.Kind]++
		if e.Kind == format.KindIOReq && e.Server == xen.NoServer {
			nameless++
		}
	}
	if n[format.KindDomainFound] != 1 || n[format.KindServerFound] != 2 || n[format.KindUnlearned] == 0 {
		t.Errorf("want one domain found, two servers found and things unlearned, got %d, %d and %d",
			n[format.KindDomainFound], n[format.KindServerFound], n[format.KindUnlearned])
	}
	if all := n[format.KindIOReq]; nameless*10 > all || all < 1000 {
		t.Errorf("want 1000 requests or more and a receiver for nine tenths, got %d, %d without", all, nameless)
	}
	if !p.trace(t).Header().Partial {
		t.Error("header: want it to say that the trace is partial")
	}
}

func (p played) balance(t *testing.T) crosscheck.Account {
	t.Helper()
	handled, err := crosscheck.QEMUHandled(p.open(t, dom0.QEMUTruth))
	if err != nil {
		t.Fatal(err)
	}
	a, err := crosscheck.Balance(dm.ReadLog(p.open(t, dom0.MediatorTruth)), handled, p.trace(t).Events())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// has reports whether the trace has a process of that name.
func (p played) has(t *testing.T, comm string) bool {
	t.Helper()
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == format.KindProcess && e.Process().Comm == comm {
			return true
		}
	}
	return false
}
