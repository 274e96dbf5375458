package gen

import (
	"bytes"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/iotrace-xen/iotrace/xen"
)

func generate(tb testing.TB, cfg Config) *Generator {
	tb.Helper()
	g, err := New(cfg)
	if err != nil {
		tb.Fatalf("%+v: %v", cfg, err)
	}
	return g
}

func seq2(events iter.Seq[format.Event]) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		for e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// agrees replays cfg's session: no difference, and undetermined only the first
// set_mem_type over pages of which nothing was seen.
func agrees(t *testing.T, cfg Config) replay.Report {
	t.Helper()
	g := generate(t, cfg)
	r, err := replay.Run(g.Header(), seq2(g.Events()), replay.Options{OnVerdict: func(v replay.Verdict) {
		if v.Kind == replay.Differ {
			t.Fatal(v)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	type stretch struct {
		dom   xen.DomID
		first xen.GFN
	}
	stretches := map[stretch]bool{}
	for e := range g.Events() {
		if b, ok := e.DMOpEnter().Op.DecodeBody().(xen.SetMemType); ok && b.Nr > 1 {
			stretches[stretch{e.Dom, b.First}] = true
		}
	}
	first := uint64(len(stretches))
	if r.Undetermined != first || r.Unknown["the type of a page is not known"] != first {
		t.Errorf("undetermined %d %v, want %d first changes of types", r.Undetermined, r.Unknown, first)
	}
	if r.Events != cfg.Events || r.Agree == 0 && cfg.Events > 1000 || r.Unreturned+r.Unanswered+r.Lost != 0 {
		t.Errorf("%+v unreturned %d, unanswered %d, lost %d", r.Tally, r.Unreturned, r.Unanswered, r.Lost)
	}
	return r
}

var mixes = []string{"boot=1,vga=2,pagetable=5,pci=1,mmio=3", "boot=1", "vga=1", "pagetable=1", "pci=1", "mmio=1"}

func TestSessionsReplay(t *testing.T) {
	seed := uint64(0)
	for _, rel := range []uint8{14, 17, 20} {
		for _, paging := range []engine.Paging{engine.NPT, engine.EPT} {
			for _, mix := range mixes {
				seed++
				cfg := Config{Events: 25_000, Seed: seed, Xen: engine.Release{Major: 4, Minor: rel}, Paging: paging}
				if err := cfg.Mix.UnmarshalText([]byte(mix)); err != nil {
					t.Fatal(err)
				}
				t.Run(fmt.Sprintf("4.%d %v %s", rel, paging, mix), func(t *testing.T) { agrees(t, cfg) })
			}
		}
	}
}

func TestManySizesReplay(t *testing.T) {
	for _, cfg := range []Config{
		{Events: 40_000, Domains: 5, Plain: 3, VCPUs: 1},
		{Events: 40_000, Domains: 1, VCPUs: 128, Life: 20_000},
		{Events: 60_000, Domains: 40, Life: 2000, Rate: 1_000_000},
		{Events: 40_000, Domains: 1, Plain: 1, Rate: 10_000_000},
		{Events: 40_000, Rate: 10_000, Churn: 1250},
		{Events: 20_000, Rate: 100},
	} {
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) {
			agrees(t, cfg)
			obeyed(t, cfg)
		})
	}
}

// TestEverythingOccurs: what a recorder that was there from the beginning and
// lost nothing can write is there.
func TestEverythingOccurs(t *testing.T) {
	r := obeyed(t, Config{Events: 300_000})
	never := []format.Kind{ // loss, late attach, and what people put in
		format.KindLost, format.KindDomainFound, format.KindServerFound, format.KindUnlearned, format.KindMark,
	}
	for k := format.KindClock; k <= format.KindMark; k++ {
		if want := !slices.Contains(never, k); (r.counts[k] > 0) != want {
			t.Errorf("%d events of kind %v", r.counts[k], k)
		}
	}
	for _, op := range []xen.DMOpCode{
		xen.OpCreateIOReqServer, xen.OpGetIOReqServerInfo, xen.OpMapIORange, xen.OpUnmapIORange, xen.OpSetIOReqServerState,
		xen.OpDestroyIOReqServer, xen.OpTrackDirtyVRAM, xen.OpSetISAIRQLevel, xen.OpSetPCILinkRoute, xen.OpSetMemType,
		xen.OpInjectMSI, xen.OpMapMemType,
	} {
		if r.dmops[op] == 0 {
			t.Errorf("no %v", op)
		}
	}
	for _, typ := range []xen.IOReqType{xen.TypePIO, xen.TypeCopy, xen.TypePCIConfig, xen.TypeInvalidate} {
		if r.types[typ] == 0 {
			t.Errorf("no request of type %v", typ)
		}
	}
	if share := float64(r.behind) / float64(r.n); share == 0 || share > 0.05 {
		t.Errorf("%.4f of the events are out of order", share)
	}
}

func TestFormsOfRequests(t *testing.T) {
	seen := map[string]bool{}
	note := func(name string, is bool) { seen[name] = seen[name] || is }
	for e := range generate(t, Config{Events: 300_000}).Events() {
		q := e.IOReq()
		typed := xen.GFNOf(q.Req.Addr) >= tablesFirst && xen.GFNOf(q.Req.Addr) < tablesFirst+tables
		copied := q.Req.Type == xen.TypeCopy
		note("write to a typed page", copied && typed)
		note("REP on a typed page", copied && typed && q.Req.DataIsPtr)
		note("REP on a BAR", copied && !typed && q.Req.Count > 1)
		note("REP backwards", copied && q.Req.DF)
		note("REP on a port", q.Req.Type == xen.TypePIO && q.Req.Count > 1)
		note("VGA read", copied && q.Req.Dir == xen.DirRead && q.Req.Addr < 0xc0000)
		note("two slots", e.BufIOReq().Size == 8)
		note("time offset", e.BufIOReq().Type == xen.TypeTimeOffset)
		note("call that fails", e.Kind == format.KindDMOpReturn && e.DMOpReturn().Ret < 0)
		note("server 1", e.Kind == format.KindIOResp && q.Server == 1 && q.Req.Type == xen.TypePCIConfig)
		note("server 0", e.Kind == format.KindIOResp && q.Server == 0 && q.Req.Type == xen.TypePCIConfig)
	}
	for name, is := range seen {
		if !is {
			t.Errorf("never: %s", name)
		}
	}
}

func TestDomainsAreReborn(t *testing.T) {
	born, died, claims := map[xen.DomID]int{}, map[xen.DomID]int{}, map[xen.DomID]int{}
	for e := range generate(t, Config{Events: 200_000}).Events() {
		if h := e.HypercallEnter(); h.Nr == xen.HyperDomctl && h.Sub == xen.DomctlDestroy {
			died[e.Dom]++
		}
		if e.Kind == format.KindHypercallReturn && e.HypercallReturn().Words[0] == machines[1].controlABI<<32|xen.DomctlCreate {
			born[xen.DomID(e.HypercallReturn().Words[1])]++
		}
		if b, ok := e.DMOpEnter().Op.DecodeBody().(xen.MapMemType); ok && b.Flags == xen.AccessWrite {
			claims[e.Dom]++
		}
	}
	again := 0
	for id, n := range born {
		if n != 1 {
			t.Errorf("domain %d was made %d times", id, n)
		}
		if claims[id] > 1 {
			again++
		}
	}
	if len(born) < 6 || len(died) < 4 || again == 0 {
		t.Errorf("%d domains were made, %d destroyed, %d got another mediator", len(born), len(died), again)
	}
}

func file(t *testing.T, cfg Config) []byte {
	t.Helper()
	g := generate(t, cfg)
	var b bytes.Buffer
	w, err := format.NewWriter(&b, g.Header(), format.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for e := range g.Events() {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheSameFlagsGiveTheSameFile(t *testing.T) {
	one, again, other := file(t, Config{Events: 50_000}), file(t, Config{Events: 50_000}), file(t, Config{Events: 50_000, Seed: 1})
	if !bytes.Equal(one, again) {
		t.Error("the same Config gave two files")
	}
	if bytes.Equal(one, other) {
		t.Error("another seed gave the same file")
	}
	g := generate(t, Config{Events: 20_000})
	if !slices.Equal(slices.Collect(g.Events()), slices.Collect(g.Events())) {
		t.Error("the second iteration differs")
	}
}

func TestHeader(t *testing.T) {
	h := generate(t, Config{Events: 1, Paging: engine.EPT, Writer: "iotrace 1 gen"}).Header()
	if !h.Synthetic || h.Partial || h.Writer != "iotrace 1 gen" || h.Paging != "ept" || h.CPUVendor != "GenuineIntel" {
		t.Errorf("%+v", h)
	}
	if len(h.UUID) != 36 || h.UUID[14] != '8' || !strings.Contains("89ab", h.UUID[19:20]) {
		t.Errorf("%s is not a version 8 UUID", h.UUID)
	}
	if other := generate(t, Config{Events: 1, Seed: 1, Paging: engine.EPT}).Header(); other.UUID == h.UUID {
		t.Error("another seed has the same UUID")
	}
}

func TestExactlySoManyEvents(t *testing.T) {
	for n := uint64(1); n < 6000; n = n + 1 + n/7 {
		obeyed(t, Config{Events: n, Seed: n})
	}
}

// TestBreakingOff: a consumer may stop at any time.
func TestBreakingOff(t *testing.T) {
	n := 0
	for range generate(t, Config{Events: 1_000_000_000}).Events() {
		if n++; n == 10_000 {
			break
		}
	}
}

// TestMemoryIsThatOfTheHost: what domains leave behind goes with them.
func TestMemoryIsThatOfTheHost(t *testing.T) {
	var before, after runtime.MemStats
	for e := range generate(t, Config{Events: 2_000_000, Domains: 4, Life: 2000}).Events() {
		switch e.Seq {
		case 100_000:
			runtime.GC()
			runtime.ReadMemStats(&before)
		case 1_900_000:
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
	}
	if before.HeapAlloc == 0 || after.HeapAlloc > before.HeapAlloc+1<<20 {
		t.Errorf("%d bytes after 100,000 events, %d after 1,900,000", before.HeapAlloc, after.HeapAlloc)
	}
}

func TestImpossibleConfigs(t *testing.T) {
	for want, cfg := range map[string]Config{
		"events":              {},
		"domains: want 1":     {Events: 1, Domains: -1},
		"to 1024":             {Events: 1, Domains: 2000},
		"plain":               {Events: 1, Plain: 3},
		"vcpus":               {Events: 1, VCPUs: 129},
		"rate":                {Events: 1, Rate: 1},
		"life":                {Events: 1, Life: 1},
		"nothing to do":       {Events: 1, Plain: 1, Mix: Mix{PageTable: 1}},
		"churn":               {Events: 1, Churn: 50_000},
		"mix: vga":            {Events: 1, Mix: Mix{VGA: 2_000_000}},
		"no host of xen 4.13": {Events: 1, Xen: engine.Release{Major: 4, Minor: 13}},
		"paging 9 has no p":   {Events: 1, Paging: 9},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", cfg, err, want)
		}
	}
}
