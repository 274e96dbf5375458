package gen

import (
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
)

// FuzzConfig: a Config is refused, or its session obeys the rules and replays.
func FuzzConfig(f *testing.F) {
	f.Add(uint64(5000), uint64(1), 2, 0, 2, uint8(17), uint8(1), uint32(1), uint32(2), uint32(5), uint32(1), uint32(3), uint64(0), uint64(0), uint64(0))
	f.Add(uint64(9000), uint64(2), 40, 7, 1, uint8(20), uint8(2), uint32(0), uint32(0), uint32(1), uint32(0), uint32(1), uint64(1e7), uint64(9), uint64(2000))
	f.Fuzz(func(t *testing.T, events, seed uint64, domains, plain, vcpus int, minor, paging uint8,
		boot, vga, table, pci, mmio uint32, rate, churn, life uint64) {
		cfg := Config{
			Events: events % 20_000, Seed: seed, Domains: domains % 40, Plain: plain % 40, VCPUs: vcpus % 130,
			Xen: engine.Release{Major: 4, Minor: minor}, Paging: engine.Paging(paging),
			Mix: Mix{boot, vga, table, pci, mmio}, Rate: rate, Churn: churn, Life: life,
		}
		if _, err := New(cfg); err != nil {
			return
		}
		obeyed(t, cfg)
		agrees(t, cfg)
	})
}

func FuzzMix(f *testing.F) {
	f.Add("boot=1,vga=2")
	f.Fuzz(func(t *testing.T, text string) {
		var m, again Mix
		if m.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(m.String())); err != nil || again != m {
			t.Errorf("%q: %v reads back as %v, %v", text, m, again, err)
		}
	})
}
