package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// BenchmarkExactSetMemType types and untypes pages of a known layout: one after
// the other, at random among 10,000 that are scattered over 1 TiB, and in runs.
func BenchmarkExactSetMemType(b *testing.B) {
	run := func(name string, typed int, nr uint32, at func(i int) xen.GFN) {
		b.Run(name, func(b *testing.B) {
			d := scattered(b, 0, typed)
			types := [2]xen.MemType{xen.MemRAMRO, xen.MemRAMRW}
			ops := make([]Op, 1<<14)
			for i := range ops {
				ops[i] = typeOp(types[i&1], at(i/2), nr)
				if e := step(b, d, ops[i]); !e.Ret.ok() {
					b.Fatal(e.Ret)
				}
			}
			var e Effect
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _ = d.StepInto(&ops[i&(len(ops)-1)], &e); !e.Ret.ok() {
					b.Fatal(e.Ret)
				}
			}
			b.ReportMetric(float64(nr)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mgfn/s")
		})
	}
	rnd := rand.New(rand.NewPCG(3, 3))
	far := make([]xen.GFN, 1<<13)
	for i := range far {
		far[i] = xen.GFN(rnd.Uint64N(1<<28)) | 1
	}
	run("page", 10_000, 1, func(i int) xen.GFN { return 0x100000 + xen.GFN(i) })
	run("scattered", 10_000, 1, func(i int) xen.GFN { return far[i] })
	run("run-of-512", 0, 512, func(int) xen.GFN { return 0x100000 })
	run("run-of-64k", 0, 1<<16, func(int) xen.GFN { return 0x100000 })
}

// BenchmarkRelease is the sweep of 1 TiB with 10,000 typed pages, with the copy
// that it is made on.
func BenchmarkRelease(b *testing.B) {
	d := scattered(b, 2, 10_000)
	for b.Loop() {
		if e := step(b, d.Clone(), releaseOp(0)); !e.Ret.ok() {
			b.Fatal(e.Ret)
		}
	}
}

// BenchmarkClone copies domains: with 8 servers of 256 ranges, and with the
// typed pages of 1 TiB, by layout and as runs.
func BenchmarkClone(b *testing.B) {
	crowd, _ := crowded(b)
	runs := scattered(b, 0, 10_000)
	runs.blur()
	for _, c := range []struct {
		name string
		d    *Domain
	}{{"ranges", crowd}, {"layout", scattered(b, 0, 10_000)}, {"runs", runs}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.d.Clone()
			}
		})
	}
}
