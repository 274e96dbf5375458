package diff

import "github.com/iotrace-xen/iotrace/xen"

// wire makes a call about the wires of interrupts, or asks for the number of vCPUs.
// The prober never takes an interrupt. A PVH domain has no controllers for them, which
// Xen does not ask: its vpic_update_int_output takes the first, which nobody has made,
// for the second, and writes in front of both (seen on 4.14, which panicked).
func (g *generator) wire() Step {
	var body xen.Body = xen.NrVCPUs{VCPUs: uint32(g.wild())}
	level := uint8(oneOf(g, 0, 1, 1, 2))
	kind := g.rand.IntN(4)
	if g.script.Kind == PVH {
		kind = 3
	}
	switch kind {
	case 0:
		b := xen.SetPCIIntxLevel{Device: uint8(g.rand.IntN(33)), Intx: uint8(g.rand.IntN(5)), Level: level}
		if g.rarely(6) {
			b.Bus = 1
		}
		if g.rarely(6) {
			b.Domain = uint16(g.wild())
		}
		body = b
	case 1:
		body = xen.SetISAIRQLevel{IRQ: uint8(g.rand.IntN(18)), Level: level}
	case 2:
		body = xen.SetPCILinkRoute{Link: uint8(g.rand.IntN(5)), IRQ: uint8(g.rand.IntN(17))}
	}
	op := xen.NewDMOp(body)
	w := op.Words()
	return g.made(NewStep(Other, Set{"op": uint64(op.Op), "w0": w[0]}))
}
