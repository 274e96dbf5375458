package record

import (
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func rawEventFDOf(t uint64, cmd xen.Ioctl, data []byte) []byte {
	b := rawRecord(rawEventFD, t)
	le.PutUint32(b[32:], uint32(cmd))
	le.PutUint16(b[36:], testDom)
	le.PutUint64(b[40:], 7)
	le.PutUint32(b[52:], uint32(len(data)))
	copy(b[56:], data)
	return b
}

func TestEventFDsTellWhatTheKernelIsToDo(t *testing.T) {
	op := xen.NewDMOp(xen.SetISAIRQLevel{IRQ: 9, Level: 1})
	io := xen.IOEventFD{Dom: testDom, FD: 7, Addr: 0x2000000, AddrLen: 4, VCPUs: 2, VQ: 1}
	dirty := op
	dirty.Body[23] = 1 // the caller's leftovers
	var device []byte
	for _, w := range io.Words() {
		device = le.AppendUint64(device, w)
	}
	got := decodeAll(newDecoder(),
		rawEventFDOf(1, xen.PrivcmdIRQFD, dirty.Append(nil)), rawReturn(rawIoctlRet, 2, 1, 0, nil),
		rawEventFDOf(3, xen.PrivcmdIOEventFD, device), rawReturn(rawIoctlRet, 4, 3, 0, nil),
		rawEventFDOf(5, xen.PrivcmdIRQFD, nil), rawReturn(rawIoctlRet, 6, 5, -14, nil))
	irqfd, ioeventfd, unread := got[0].IoctlEnter(), got[2].IoctlEnter(), got[4].IoctlEnter()
	if f := xen.IRQFDOf(irqfd.Dom, uint32(irqfd.Arg), irqfd.Words); !irqfd.Known || f != (xen.IRQFD{Dom: testDom, FD: 7, Op: op}) {
		t.Errorf("irqfd %+v", f)
	}
	if f := xen.IOEventFDOf(ioeventfd.Dom, uint32(ioeventfd.Arg), ioeventfd.Words); !ioeventfd.Known || f != io {
		t.Errorf("ioeventfd %+v, want %+v", f, io)
	}
	if unread.Known || unread.Cmd != xen.PrivcmdIRQFD || got[5].IoctlReturn().ID != unread.ID {
		t.Errorf("what could not be read: %+v", unread)
	}
}

// rawAnswered is a slot that the kernel has answered for a process.
func rawAnswered(k rawKind, t uint64, q xen.IOReq) []byte {
	b := rawSlot(k, t, 1, q)
	le.PutUint32(b[20:], 0)
	b[27] = flagEventFD
	return b
}

// TestTheKernelAnswersForADeviceModel has a request that no thread has taken, and the
// read of its port, which comes when its slot is answered.
func TestTheKernelAnswersForADeviceModel(t *testing.T) {
	q := xen.IOReq{Addr: 0x2000050, Data: 3, Size: 4, Count: 1, EPort: 9, State: xen.StateReady, Type: xen.TypeCopy}
	done := q
	done.State = xen.StateRespReady
	d := newDecoder()
	d.full = true
	got := decodeAll(d, rawAnswered(rawSlotIn, 10, q), rawAnswered(rawSlotOut, 12, done), rawSlot(rawSlotIn, 20, 1, done))
	want := []format.Kind{format.KindIOReq, format.KindIOResp, format.KindEvtchnRead, format.KindIOReq}
	if !slices.Equal(kindsOf(got), want) {
		t.Fatalf("kinds %v, want %v", kindsOf(got), want)
	}
	req, resp, late := got[0].IOReq(), got[1].IOReq(), got[3].IOReq()
	nobody := format.Caller{PID: testPID}
	if req.Caller != nobody || resp.Caller != nobody || req.ID != resp.ID || req.Req != q || resp.Req != done || got[0].Time != 10 {
		t.Errorf("request %+v, answer %+v", req, resp)
	}
	if late.ID == req.ID || late.Req.State != xen.StateRespReady {
		t.Errorf("what the device model was woken for: %+v", late)
	}
}

// TestAReadMayFindWhatTheKernelAnswers has a request that a read finds before its
// interrupt comes. The read also covers the next one, which no probe sees.
func TestAReadMayFindWhatTheKernelAnswers(t *testing.T) {
	q := xen.IOReq{Addr: 0x2000050, Data: 3, Size: 4, Count: 1, EPort: 9, State: xen.StateReady, Type: xen.TypeCopy}
	done := q
	done.State = xen.StateRespReady
	next := done
	next.Addr = 0x2000060
	got := decodeAll(newDecoder(), rawSlot(rawSlotIn, 10, 1, q), rawAnswered(rawSlotIn, 20, q), rawAnswered(rawSlotOut, 22, done),
		rawSlot(rawSlotOut, 30, 1, next))
	want := []format.Kind{format.KindEvtchnRead, format.KindIOReq, format.KindIOResp, format.KindIOReq, format.KindIOResp}
	if !slices.Equal(kindsOf(got), want) {
		t.Fatalf("kinds %v, want %v", kindsOf(got), want)
	}
	req, resp := got[1].IOReq(), got[2].IOReq()
	if req.Caller.TID != testTID || resp.Caller.TID != 0 || req.ID != resp.ID || !got[3].IOReq().FromAnswer {
		t.Errorf("request %+v, answer %+v, the next %+v", req, resp, got[3].IOReq())
	}
}

func TestASignalledIRQFDIsADMOp(t *testing.T) {
	op := xen.NewDMOp(xen.SetISAIRQLevel{IRQ: 9, Level: 1})
	var records [][]byte
	for i, ret := range []int64{0, -1} {
		b := rawReturn(rawIRQFD, uint64(20+i), 10, ret, op.Append(nil))
		le.PutUint16(b[28:], testDom)
		records = append(records, b)
	}
	got := decodeAll(newDecoder(), records...)
	if want := []format.Kind{format.KindDMOpEnter, format.KindDMOpReturn, format.KindDMOpEnter, format.KindDMOpReturn}; !slices.Equal(kindsOf(got), want) {
		t.Fatalf("kinds %v, want %v", kindsOf(got), want)
	}
	enter, done, failed := got[0].DMOpEnter(), got[1].DMOpReturn(), got[3].DMOpReturn()
	if enter.Op != op || !enter.Implied || !enter.Known || enter.Dom != testDom || enter.Caller.TID != testTID || got[0].Time != 10 {
		t.Errorf("call %+v at %d", enter, got[0].Time)
	}
	if done.ID != enter.ID || done.Ret != 0 || done.Squashed || failed.Ret == 0 || !failed.Squashed {
		t.Errorf("results %+v, %+v", done, failed)
	}
}
