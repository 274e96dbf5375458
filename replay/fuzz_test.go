package replay

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// eventsOf makes a trace of any bytes: 8 an event. The choices are few, so that
// calls, requests and domains meet.
func eventsOf(data []byte) *tape {
	tp := &tape{}
	for len(data) >= 8 {
		b := data[:8]
		data = data[8:]
		e := format.Event{
			Kind: format.Kind(b[0] % 26), Dom: xen.DomID(b[1] % 4), Server: xen.ServerID(b[2] % 10), VCPU: xen.VCPU(b[2] / 10 % 4),
		}
		if b[1] > 250 {
			e.Dom, e.Server, e.VCPU = xen.DomInvalid, xen.NoServer, xen.NoVCPU
		}
		x := uint64(binary.LittleEndian.Uint32(b[4:]))
		for i := range e.W {
			e.W[i] = x >> (i * 3) & 0xff
		}
		e.W[0] = uint64(b[3] % 16) // ids meet
		shape(&e, b)
		tp.add(e)
	}
	return tp
}

// shape makes the event plausible, so that it gets past the first checks.
func shape(e *format.Event, b []byte) {
	switch e.Kind {
	case format.KindDMOpEnter:
		e.W[2], e.W[3] = 1|1<<32, 32
		e.W[4] = uint64(b[4] % 22)
		e.W[5] = uint64(b[5]%4) | uint64(b[6]%5)<<32
		if b[7] < 128 {
			e.W[6], e.W[7] = uint64(b[7]), uint64(b[7])+3
		}
	case format.KindDMOpReturn:
		e.W[1] = -uint64(b[4] % 3 * 11)
		e.W[2] = uint64(b[5] % 2)
	case format.KindHypercallEnter:
		e.W[2] = []uint64{12, 34, 36, 41}[b[4]%4] | 1<<32
		e.W[3] = []uint64{1, 2, 6, 10, 17, 28, 79}[b[5]%7]
	case format.KindIOReq, format.KindIOResp:
		e.W[3] = uint64([]uint8{0, 1, 2, 7, 8}[b[4]%5]) | uint64(b[5]%2)<<8 | 1<<11 | uint64(b[6]%5)<<16
		e.W[4] = uint64(b[7])
		e.W[6] = 1 | 1<<32
	}
}

func check(t *testing.T, tp *tape) {
	t.Helper()
	h := header
	h.Partial = len(tp.events)%2 == 0
	a, va := tp.replayAs(t, h)
	b, vb := tp.replayAs(t, h)
	if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(va, vb) {
		t.Errorf("two runs differ:\n%+v\n%+v", a, b)
	}
	things := uint64(0)
	for _, e := range tp.events {
		if !e.Kind.InKeyFrame() {
			things++
		}
	}
	if a.Events != things {
		t.Errorf("%d events of %d", a.Events, things)
	}
}

func FuzzRun(f *testing.F) {
	f.Add([]byte("\x09\x01\x00\x01\x01\x00\x00\x00\x0b\x01\x00\x01\x00\x01\x00\x00\x14\x01\x00\x02\x00\x00\x01\x60"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			t.Skip("long enough")
		}
		check(t, eventsOf(data))
	})
}

func TestRandomEvents(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		data := make([]byte, 8*2000)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		check(t, eventsOf(data))
	}
}

func TestRawWords(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	tp := &tape{}
	for range 20000 {
		e := format.Event{Kind: format.Kind(rng.Uint32()), Dom: xen.DomID(rng.Uint32()), Server: xen.ServerID(rng.Uint32()), VCPU: xen.VCPU(rng.Uint32())}
		if rng.Uint32()%2 == 0 {
			e.Kind %= 24
			e.Dom %= 3
		}
		for i := range e.W {
			e.W[i] = rng.Uint64() >> (rng.Uint32() % 64)
		}
		tp.add(e)
	}
	check(t, tp)
}
