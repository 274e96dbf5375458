package record

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// busyDom0 are the records of a busy device model of a server: on each of four vCPUs a
// request and its answer, with the port's interrupt and unmask, and now and then a page
// typed.
func busyDom0(server xen.ServerID) (records [][]byte) {
	at := uint64(0)
	tick := func() uint64 { at += 700; return at }
	slot := func(k rawKind, vcpu int, by uint64, q xen.IOReq) []byte {
		b := with(rawSlot(k, tick(), server, q), at-300, by)
		le.PutUint32(b[32:], uint32(40+vcpu))
		le.PutUint16(b[44:], uint16(vcpu))
		return b
	}
	for i := range 1024 {
		for v := range 4 {
			q := xen.IOReq{
				Addr: 0x01000000 + uint64(i)*8, Data: uint64(i), Size: 8, Count: 1, EPort: xen.Port(9 + v),
				State: xen.StateReady, Dir: xen.DirWrite, Type: xen.TypeCopy,
			}
			records = append(records, slot(rawSlotIn, v, 0, q), slot(rawSlotOut, v, unmasker, answerTo(q)))
		}
		if i%16 == 0 {
			records = append(records, rawCall(tick(), tick(), xen.SetMemType{Nr: 1, Type: xen.MemIOReqServer, First: xen.GFN(0x1000 + i)})...)
		}
	}
	return records
}

// interrupts are the records of a device model that does nothing but raise them.
func interrupts() (records [][]byte) {
	for at := uint64(0); at < 1<<16; at += 64 {
		records = append(records, rawCall(at, at+16, xen.SetISAIRQLevel{IRQ: 4, Level: uint8(at >> 6 & 1)})...)
		records = append(records, rawCall(at+32, at+48, xen.InjectMSI{Data: 0x41, Addr: 0xfee00000})...)
	}
	return records
}

// rawCall are the records of a dm_op that succeeds.
func rawCall(enter, leave uint64, body xen.Body) [][]byte {
	op := xen.NewDMOp(body)
	return [][]byte{rawDMOpOf(enter, op), rawReturn(rawDMOpRet, leave, enter, 0, op.Append(nil))}
}

// BenchmarkDecode is the first half of what a recorder does in user space:
// records of the probes into events, of servers that it knows and of those of one that
// came late. Key-frames and blocks are BenchmarkMirror of package replay and
// BenchmarkWrite of package store.
func BenchmarkDecode(b *testing.B) {
	b.Run("known", func(b *testing.B) { benchDecode(b, newDecoder(), busyDom0(1)) })
	b.Run("late", func(b *testing.B) { benchDecode(b, lateToTwo(), busyDom0(xen.NoServer)) })
	b.Run("interrupts", func(b *testing.B) { benchDecode(b, newDecoder(), interrupts()) })
}

// lateToTwo returns a decoder that cannot tell the two servers of a domain apart.
func lateToTwo() *decoder {
	return lateDecoder(format.ServerFound{Dom: testDom, Server: 1, BufPort: 4}, format.ServerFound{Dom: testDom, Server: 2, BufPort: 7})
}

func benchDecode(b *testing.B, d *decoder, records [][]byte) {
	d.full = true
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range records {
			d.decode(r)
			events += len(d.take())
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}

// TestDecodingDoesNotAllocate: a recorder leaves the garbage collector alone, however much
// a guest has it record, and whatever its device model does for that.
func TestDecodingDoesNotAllocate(t *testing.T) {
	for _, c := range []struct {
		name    string
		d       *decoder
		records [][]byte
	}{
		{"requests", newDecoder(), busyDom0(1)[:8]}, {"requests to one of two", lateToTwo(), busyDom0(xen.NoServer)[:8]},
		{"interrupts", newDecoder(), interrupts()[:8]}, {"a page typed", newDecoder(), rawCall(1, 2, xen.SetMemType{Nr: 1})},
	} {
		events := 0
		if n := testing.AllocsPerRun(100, func() {
			for _, r := range c.records {
				c.d.decode(r)
			}
			events += len(c.d.take())
		}); n != 0 || events < 200 {
			t.Errorf("%s: %v allocations for %d events: want none for 200", c.name, n, events)
		}
	}
}
