package format

import (
	"fmt"
	"testing"
)

func TestDump(t *testing.T) {
	events := realSession(t)
	blocks := blocksOf(events)
	ev := blocks[2]
	h := blockHeader{firstSeq: ev[0].Seq, lastSeq: ev[len(ev)-1].Seq}
	h.firstTime, h.lastTime = timeSpan(ev)
	var x blockEncoder
	p := x.encode(ev, &h)
	var d blockDecoder
	out := make([]Event, len(ev))
	if err := d.decode(p, &h, out); err != nil {
		t.Fatal(err)
	}
	n := len(ev)
	fmt.Println("payload", len(p), "dir", le.Uint32(p[n:]), "coded", len(x.coded), "low", len(x.low), "shapes", len(d.shapes))
	for gi, g := range d.groups {
		ns := 0
		for _, s := range d.shapes {
			if int(s.group) == gi {
				ns++
			}
		}
		fmt.Println(g.kind, g.count, "shapes", ns)
		for _, c := range d.columns {
			if int(c.group) == gi {
				fmt.Printf("   slot %d [%d,+%d) pred %d signed %v low %d size %d\n", c.slot, c.shift, c.bits, c.enc.predictor(), c.enc.signed(), c.enc.low(), c.size)
			}
		}
	}
}
