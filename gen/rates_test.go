package gen

import (
	"math"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// near fails unless got is within part of want.
func near(t *testing.T, what string, got, want, part float64) {
	t.Helper()
	if math.Abs(got-want) > part*want {
		t.Errorf("%s: got %.4g, want %.4g", what, got, want)
	}
}

// seconds runs a session and returns how long it lasts.
func seconds(t *testing.T, cfg Config, each func(format.Event)) float64 {
	t.Helper()
	var first, last uint64
	for e := range generate(t, cfg).Events() {
		if e.Seq == 0 {
			first = e.Time
		}
		last = e.Time
		each(e)
	}
	return float64(last-first) / 1e9
}

func TestRate(t *testing.T) {
	for _, cfg := range []Config{
		{Rate: 1000}, {Rate: 50_000}, {Rate: 50_000, Domains: 1, VCPUs: 1}, {Rate: 2_000_000}, {Rate: 200_000, Domains: 8, VCPUs: 4},
	} {
		cfg.Events, cfg.Life = 400_000, 1_000_000
		sec := seconds(t, cfg, func(format.Event) {})
		near(t, "events a second", float64(cfg.Events)/sec, float64(cfg.Rate), 0.15)
	}
}

func TestChurn(t *testing.T) {
	for _, churn := range []uint64{20, 300, 2000} {
		typed := 0
		cfg := Config{Events: 400_000, Churn: churn, Life: 1_000_000}
		sec := seconds(t, cfg, func(e format.Event) {
			if b, ok := e.DMOpEnter().Op.DecodeBody().(xen.SetMemType); ok && b.Type == xen.MemIOReqServer {
				typed++
			}
		})
		near(t, "typed pages a second of each mediator", float64(typed)/sec/2, float64(churn), 0.2)
	}
}

// TestMix compares what two mixes do: shares follow the weights.
func TestMix(t *testing.T) {
	count := func(m Mix) (pci, screen float64) {
		for e := range generate(t, Config{Events: 300_000, Mix: m, Life: 1_000_000}).Events() {
			if q := e.IOReq(); e.Kind == format.KindIOReq && q.Req.Type == xen.TypePCIConfig {
				pci++
			}
			if e.Kind == format.KindEvtchnRead && e.Server == xen.NoServer {
				continue
			}
			if b := e.BufIOReq(); e.Kind == format.KindBufIOReq && b.Server == 0 {
				screen++
			}
		}
		return pci, screen / 22 // a burst's mean
	}
	pci, screen := count(Mix{PCI: 1, VGA: 1})
	near(t, "bursts by configuration cycles", screen/pci, 1, 0.15)
	pci, screen = count(Mix{PCI: 4, VGA: 1})
	near(t, "bursts by configuration cycles", screen/pci, 0.25, 0.2)
}

func TestVCPUsAndDomains(t *testing.T) {
	vcpus, domains := map[xen.VCPU]bool{}, map[xen.DomID]bool{}
	for e := range generate(t, Config{Events: 100_000, Domains: 3, VCPUs: 7, Life: 1_000_000}).Events() {
		if e.Kind == format.KindIOReq {
			vcpus[e.VCPU], domains[e.Dom] = true, true
		}
	}
	if len(vcpus) != 7 || len(domains) != 3 {
		t.Errorf("%d vCPUs, %d domains", len(vcpus), len(domains))
	}
}
