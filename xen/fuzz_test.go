package xen

import (
	"bytes"
	"testing"
)

// Each target decodes any bytes and holds the decoder to three things: it does
// not panic, it refuses what is too short, and what it took encodes to bytes
// that decode to the same value.

func checkAgain[T comparable](t *testing.T, v T, size int, encode func([]byte) []byte, decode func([]byte) (T, error)) {
	t.Helper()
	b := encode(nil)
	if len(b) != size {
		t.Fatalf("%+v encodes to %d bytes, want %d", v, len(b), size)
	}
	if again, err := decode(b); err != nil || again != v {
		t.Fatalf("%+v became %+v, %v", v, again, err)
	}
}

func FuzzIOReq(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x5a}, IOReqSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeIOReq(b)
		if (err != nil) != (len(b) < IOReqSize) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if err == nil {
			checkAgain(t, v, IOReqSize, v.Append, DecodeIOReq)
		}
	})
}

func FuzzBufIOReq(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x5a}, BufSlotSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeBufIOReq(b)
		if (err != nil) != (len(b) < BufSlotSize) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if err == nil {
			checkAgain(t, v, BufSlotSize, v.Append, DecodeBufIOReq)
		}
	})
}

func FuzzDMOp(f *testing.F) {
	for _, l := range dmOpLayouts {
		f.Add(NewDMOp(l.body).Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		op, err := DecodeDMOp(b)
		if err != nil {
			return
		}
		checkAgain(t, op, DMOpSize, op.Append, DecodeDMOp)
		if got := DMOpFromWords(op.Op, op.Pad, op.Words()); got != op {
			t.Fatalf("%+v became %+v as words", op, got)
		}
		body := op.DecodeBody()
		if (body != nil) != (op.Op.BodySize() > 0) {
			t.Fatalf("%v: body %+v of %d bytes", op.Op, body, op.Op.BodySize())
		}
		if body != nil && NewDMOp(body).DecodeBody() != body {
			t.Fatalf("%+v became %+v", body, NewDMOp(body).DecodeBody())
		}
	})
}

func FuzzHVMOp(f *testing.F) {
	for _, l := range hvmOpLayouts {
		f.Add(uint32(l.code), unhex(f, l.raw))
	}
	f.Fuzz(func(t *testing.T, code uint32, b []byte) {
		op, err := DecodeHVMOp(HVMOpCode(code), b)
		if (err != nil) != (len(b) < max(HVMOpCode(code).Size(), 2)) {
			t.Fatalf("%d bytes of %v: %v", len(b), HVMOpCode(code), err)
		}
		if d, ok := op.DMOp(); ok && d.DecodeBody() == nil {
			t.Fatalf("%v became an unknown %v", op.Op, d.Op)
		}
	})
}

func FuzzAcquireResource(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x5a}, AcquireResourceSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := DecodeAcquireResource(b); err == nil && v.Type <= 0xffff {
			checkAgain(t, v, AcquireResourceSize, v.Append, DecodeAcquireResource)
		}
	})
}

func FuzzEventStatus(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x5a}, EventStatusSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := DecodeEventStatus(b); err == nil {
			checkAgain(t, v, EventStatusSize, v.Append, DecodeEventStatus)
		}
	})
}
