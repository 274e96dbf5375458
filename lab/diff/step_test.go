package diff

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// everyStep returns a step of each verb with arguments off their defaults.
func everyStep() (steps []Step) {
	for v := range numVerbs {
		s := defaults(v)
		for i, a := range verbs[v].args {
			for _, v := range []uint64{a.def + 1, a.def / 2} {
				if a.allows(v) {
					s.Args[i] = v
				}
			}
		}
		steps = append(steps, s)
	}
	return steps
}

func TestStepsReadBack(t *testing.T) {
	for _, want := range append(everyStep(), NewStep(Map, nil), NewStep(Memory, nil)) {
		got, err := ParseStep(want.String())
		if err != nil || got != want {
			t.Errorf("%v: want it back, got %v, %v", want, got, err)
		}
	}
}

func TestScriptsReadBack(t *testing.T) {
	want := Script{Kind: HVM, VCPUs: 2, Steps: everyStep()}
	for i := range want.Steps {
		want.Outcomes = append(want.Outcomes, Outcome{"ok", "-> 1"}[:i%3])
	}
	var text bytes.Buffer
	if _, err := want.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	got, err := ReadScript(strings.NewReader("# a comment\n\n" + text.String()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Outcomes {
		if len(got.Outcomes[i]) == 0 {
			got.Outcomes[i] = want.Outcomes[i] // nil and empty are one
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("want %+v, got %+v", want, got)
	}
}

func TestBadScriptsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "names no domain",
		"create\n":                     "line 1",
		"domain pv\n":                  "line 1",
		"domain pvh vcpus=3\n":         "line 1",
		"domain pvh\nfly\n":            `line 2: verb "fly"`,
		"domain pvh\ncreate wings=2":   `line 2: create: argument "wings"`,
		"domain pvh\n\ncreate mode=x":  "line 3: create: mode",
		"domain pvh\n\tok\n":           "line 2",
		"domain pvh\nread size=3\n":    "line 2: read: size: 3",
		"domain pvh\ncmpxchg8b size=4": "line 2: cmpxchg8b: size: 4",
		"domain pvh\ncreate mode=256":  "line 2: create: mode: 256",
	} {
		if _, err := ReadScript(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want an error with %q, got %v", text, want, err)
		}
	}
}

func TestDMOpsHaveTheirFields(t *testing.T) {
	for _, c := range []struct {
		line string
		want xen.Body
	}{
		{"create mode=2 pad=5", xen.CreateIOReqServer{HandleBufIOReq: 2, Pad: [3]byte{5}}},
		{"info id=3 port=0x1234", xen.GetIOReqServerInfo{ID: 3, Flags: 1, BufPort: 0x1234}},
		{"map id=1 space=2 first=0x10 last=0x11", xen.MapIORange{ID: 1, Range: xen.Range{Space: xen.SpacePCI, First: 0x10, Last: 0x11}}},
		{"unmap id=1 pad=2 first=5 last=6", xen.UnmapIORange{ID: 1, Pad: 2, Range: xen.Range{First: 5, Last: 6}}},
		{"state id=2 enabled=0xff pad=1", xen.SetIOReqServerState{ID: 2, Enabled: 255, Pad: 1}},
		{"destroy id=2 pad=3", xen.DestroyIOReqServer{ID: 2, Pad: 3}},
		{"claim id=2", xen.MapMemType{ID: 2, Type: 4, Flags: 2}},
		{"claim id=2 flags=0 opaque=7", xen.MapMemType{ID: 2, Type: 4, Opaque: 7}},
		{"settype first=0x400 nr=3 type=4", xen.SetMemType{First: 0x400, Nr: 3, Type: 4}},
	} {
		s, err := ParseStep(c.line)
		if err != nil {
			t.Fatal(err)
		}
		op, bufs, size := s.DMOp()
		if got := op.DecodeBody(); got != c.want || bufs != 1 || size != xen.DMOpSize {
			t.Errorf("%s: want %+v, got %+v in %d buffers of %d bytes", c.line, c.want, got, bufs, size)
		}
	}
}

func TestCodeIsWhatTheStepSays(t *testing.T) {
	for line, want := range map[string]string{
		"in port=5 size=1":                          "ec",
		"in port=5 size=2":                          "66ed",
		"out port=5":                                "ef",
		"ins port=5 gpa=0x400000 count=2 size=2":    "f3666d",
		"outs port=5 gpa=0x400000 rep=0 size=1":     "6e",
		"read gpa=0x400000 size=8":                  "488b06",
		"read gpa=0x400000 size=0x10":               "0f1006",
		"write gpa=0x400000 size=1":                 "8817",
		"write gpa=0x400000 size=0x10":              "0f1107",
		"movs from=1 to=2 size=8 count=3":           "f348a5",
		"stos gpa=1 size=2 count=3":                 "f366ab",
		"add gpa=0x400000 lock=1":                   "f00117",
		"xadd gpa=0x400000 size=1":                  "0fc017",
		"xchg gpa=0x400000 size=2":                  "668717",
		"cmpxchg gpa=0x400000 size=8 lock=1 old=77": "f0480fb117",
		"cmpxchg8b gpa=0x400000 lock=1":             "f00fc70f",
		"cmpxchg8b gpa=0x400000 size=0x10":          "480fc70f",
	} {
		s, err := ParseStep(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(s.Code()); got != want {
			t.Errorf("%s: want %s, got %s", line, want, got)
		}
	}
}

func TestRegistersAreMerged(t *testing.T) {
	const old, v = 0x1111111111111111, 0xaabbccddeeff9988
	for size, want := range map[uint64]uint64{
		1: 0x1111111111111188, 2: 0x1111111111119988, 4: 0xeeff9988, 8: v,
	} {
		if got := merge(old, v, size); got != want {
			t.Errorf("%d bytes: want %#x, got %#x", size, want, got)
		}
	}
}

func TestServeKeepsWhatIsWrittenAndMovesStrings(t *testing.T) {
	pool := make(Pool, PoolPages*xen.PageSize)
	base := guest.ProberPool.Addr()
	write := xen.IOReq{Type: xen.TypeCopy, Addr: base + 8, Data: 0x11223344, Size: 2, Count: 1}
	if answer, _ := Serve(write, 0, pool); answer != write.Data || !bytes.Equal(pool[8:12], []byte{0x44, 0x33, 0, 0}) {
		t.Errorf("a claimed write: want its 2 bytes stored, got % x, answer %#x", pool[8:12], answer)
	}
	read := xen.IOReq{Type: xen.TypePIO, Addr: 0x100, Data: base + 0x1007, Size: 4, Count: 2, Dir: xen.DirRead, DataIsPtr: true, DF: true}
	Serve(read, 3, pool)
	var b [8]byte
	pool.Read(base+0x1003, b[:])
	want := [8]byte{}
	for i, v := range []uint64{Value(0x100, 3, 1), Value(0x100, 3, 0)} {
		copy(want[4*i:], []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)})
	}
	if b != want {
		t.Errorf("INS downwards: want % x, got % x", want, b)
	}
	first := xen.IOReq{Type: xen.TypePIO, Addr: 0x100, Data: base + 8, Size: 2, Count: 2, DataIsPtr: true}
	if _, sum := Serve(first, 0, pool); sum == 0 {
		t.Error("OUTS: want a sum of what it wrote, got none")
	}
	outside := xen.IOReq{Type: xen.TypeCopy, Addr: base + PoolPages*xen.PageSize - 1, Size: 2, Count: 1, Data: 0xffff}
	if Serve(outside, 0, pool); pool[len(pool)-1] != 0 {
		t.Error("a write that is not all in the pool: want it dropped")
	}
}
