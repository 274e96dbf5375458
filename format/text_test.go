package format

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

const textHead = "iotrace-text 1\nheader {}\n"

// TestTextByHand shows what may be written by hand and how it is read.
func TestTextByHand(t *testing.T) {
	in := `# what is tested

iotrace-text 1   # the version of this form
header {"writer": "by hand", "later": "keys are ignored"}

- 0 ioreq dom=1 server=0 vcpu=0 addr=503 type=0 dir=read
	-  1.5	ioreq  size=0x4 dom=1 type=type99 df=1 # keys in any order
7 1.000000001 lost cpu=-9223372036854775808 count=0xffffffffffffffff probe=ring dom=2
- 18446744073.709551615 kind60 x7=1 vcpu=65535
=- 2 kind100 x0=0x1 # a key-frame may have comments

# and empty lines
=3 1 kind200
- 2 process comm=a\x20\xff comm2=` + "\r" + `
end events=7
# nothing follows
`
	want := []Event{blank(KindIOReq, 0), blank(KindIOReq, 1_500_000_000), blank(KindLost, 1_000_000_001),
		blank(60, math.MaxUint64), blank(100, 2_000_000_000), blank(200, 1_000_000_000), blank(KindProcess, 2_000_000_000)}
	want[0].Dom, want[0].Server, want[0].VCPU, want[0].W[4], want[0].W[3] = 1, 0, 0, 503, 1<<8
	want[1].Seq, want[1].Dom, want[1].W[6], want[1].W[3] = 1, 1, 4, 99|1<<9
	want[2].Seq, want[2].Dom = 7, 2
	want[2].W[0], want[2].W[2], want[2].W[3] = uint64(ProbeRing), 1<<63, math.MaxUint64
	want[3].Seq, want[3].W[7] = 8, 1
	want[4].Seq, want[4].W[0] = 9, 1
	want[5].Seq = 3
	want[6].Seq, want[6].W[1] = 9, 'a'|' '<<8|0xff<<16
	got, closed, err := readAll([]byte(in))
	if err != nil || !closed {
		t.Fatalf("closed %v, %v", closed, err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", lines(got), lines(want))
	}
}

// TestSeconds writes times and reads them back.
func TestSeconds(t *testing.T) {
	for ns, want := range map[uint64]string{0: "0.000000000", 1: "0.000000001", 168837506928: "168.837506928", math.MaxUint64: "18446744073.709551615"} {
		if got := FormatSeconds(ns); got != want {
			t.Errorf("%d ns are %q, want %q", ns, got, want)
		}
		if back, ok := ParseSeconds(want); !ok || back != ns {
			t.Errorf("%q is %d ns, %v", want, back, ok)
		}
	}
}

func lines(events []Event) []byte {
	var b []byte
	for _, e := range events {
		b = append(AppendText(b, e), '\n')
	}
	return b
}

func TestTextErrorsHaveAPlace(t *testing.T) {
	long := strings.Repeat("x", maxEventLine)
	cases := []struct {
		in           string
		line, column int
		want         error
		says         string
	}{
		{"", 1, 1, ErrTruncated, ""},
		{"iotrace-text 0\n", 1, 14, ErrVersion, `development`},
		{"iotrace-text 2\n", 1, 14, ErrVersion, `"2"`},
		{"iotrace-text 1 x\n", 1, 16, ErrMalformed, "too much"},
		{"iotrace-text 1\n", 2, 1, ErrTruncated, ""},
		{"iotrace-text 1\nheader {\n", 2, 1, ErrMalformed, "JSON"},
		{"iotrace-text 1\nheader {} {}\n", 2, 1, ErrMalformed, ""},
		{"iotrace-text 1\nend events=0\n", 2, 1, ErrMalformed, "header"},
		{textHead, 3, 1, ErrTruncated, ""},
		{textHead + "0 0 clock", 3, 1, ErrTruncated, ""},
		{textHead + "end events=0", 3, 1, ErrTruncated, ""},
		{textHead + "x 0 clock\n", 3, 1, ErrMalformed, "sequence"},
		{textHead + "-1 0 clock\n", 3, 1, ErrMalformed, "sequence"},
		{textHead + "18446744073709551616 0 clock\n", 3, 1, ErrMalformed, "sequence"},
		{textHead + "0 0 clock\n0 0 clock\n", 4, 1, ErrMalformed, "want 1"},
		{textHead + "18446744073709551615 0 clock\n- 0 clock\n", 3, 1, ErrMalformed, "sequence"},
		{textHead + "0 0 kind64\n", 3, 1, ErrMalformed, "key-frames only"},
		{textHead + "=0 0 clock\n", 3, 1, ErrMalformed, "happened"},
		{textHead + "5 0 clock\n =5 0 kind64\n", 4, 2, ErrMalformed, "want 6"},
		{textHead + "=5 0 kind64\n4 0 clock\n", 4, 1, ErrMalformed, "want 5"},
		{textHead + "=- 0 kind128\n", 3, 1, ErrMalformed, "copy"},
		{textHead + "= 0 kind64\n", 3, 1, ErrMalformed, "sequence"},
		{textHead + "0\n", 3, 2, ErrMalformed, "time"},
		{textHead + "0 1. clock\n", 3, 3, ErrMalformed, "time"},
		{textHead + "0 0.1234567890 clock\n", 3, 3, ErrMalformed, "time"},
		{textHead + "0 18446744073.709551616 clock\n", 3, 3, ErrMalformed, "time"},
		{textHead + "0 18446744074 clock\n", 3, 3, ErrMalformed, "time"},
		{textHead + "0 0 tick\n", 3, 5, ErrMalformed, "kind"},
		{textHead + "0 0 kind0\n", 3, 5, ErrMalformed, "kind"},
		{textHead + "0 0 kind256\n", 3, 5, ErrMalformed, "kind"},
		{textHead + "0 0 clock  tsc\n", 3, 12, ErrMalformed, "key=value"},
		{textHead + "0 0 clock addr=1\n", 3, 11, ErrMalformed, "clock has no \"addr\""},
		{textHead + "0 0 clock tsc=1 tsc=1\n", 3, 17, ErrMalformed, "twice"},
		{textHead + "0 0 clock x7=1 x7=1\n", 3, 16, ErrMalformed, "twice"},
		{textHead + "0 0 clock tsc=\n", 3, 15, ErrMalformed, "no value"},
		{textHead + "0 0 clock tsc=0x\n", 3, 15, ErrMalformed, "no value"},
		{textHead + "0 0 clock tsc=0x10000000000000000\n", 3, 15, ErrMalformed, "no value"},
		{textHead + "0 0 clock x0=1\n", 3, 14, ErrMalformed, "no value"}, // word 0 is wall_ns
		{textHead + "0 0 domain_found dom=65536\n", 3, 22, ErrMalformed, "no value"},
		{textHead + "0 0 domain_found vcpus=4294967296\n", 3, 24, ErrMalformed, "no value"},
		{textHead + "0 0 ioreq df=2\n", 3, 14, ErrMalformed, "no value"},
		{textHead + "0 0 ioreq type=pioo\n", 3, 16, ErrMalformed, "no value"},
		{textHead + "0 0 ioreq type=type256\n", 3, 16, ErrMalformed, "no value"},
		{textHead + "0 0 lost cpu=-9223372036854775809\n", 3, 14, ErrMalformed, "no value"},
		{textHead + "0 0 process comm=123456789\n", 3, 18, ErrMalformed, "no value"},
		{textHead + "0 0 process comm=\\xg0\n", 3, 18, ErrMalformed, "no value"},
		{textHead + "0 0 process comm=\"a\"\n", 3, 18, ErrMalformed, "no value"},
		{textHead + "0 0 clock " + long + "\n", 3, 1, ErrTooLarge, ""},
		{textHead + "end\n", 3, 4, ErrMalformed, "events=N"},
		{textHead + "end events=1\n", 3, 5, ErrMalformed, "there are 0"},
		{textHead + "end events=0 x\n", 3, 14, ErrMalformed, "too much"},
		{textHead + "end events=0\nend events=0\n", 4, 1, ErrMalformed, "behind"},
	}
	for _, c := range cases {
		_, _, err := readAll([]byte(c.in))
		if c.in == "" {
			_, err = NewTextReader(strings.NewReader(c.in))
		}
		var text *TextError
		if !errors.As(err, &text) || !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", abbreviate(c.in), err, c.want)
			continue
		}
		if text.Line != c.line || text.Column != c.column || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want line %d, column %d, %q", abbreviate(c.in), err, c.line, c.column, c.says)
		}
	}
}

func abbreviate(s string) string { return s[max(0, len(s)-60):] }

func TestTextCutAtEveryByte(t *testing.T) {
	want := session(20)
	b := textOf(t, testHeader, want)
	for cut := range len(b) {
		got, closed, err := readAll(b[:cut])
		if !errors.Is(err, ErrTruncated) || closed {
			t.Fatalf("cut at %d: closed %v, %v", cut, closed, err)
		}
		if n := max(0, bytes.Count(b[:cut], []byte("\n"))-2); !slices.Equal(got, want[:n]) {
			t.Fatalf("cut at %d: %d events, want %d", cut, len(got), n)
		}
	}
}

func TestHeaderLineMayBeLong(t *testing.T) {
	h := Header{Kernel: strings.Repeat("k", 200<<10)}
	tr, err := Open(bytes.NewReader(textOf(t, h, nil)))
	if err != nil || tr.Header().Kernel != h.Kernel {
		t.Errorf("long header: %v", err)
	}
	h.Kernel = strings.Repeat("k", maxHeaderJSON)
	if _, err := NewWriter(&bytes.Buffer{}, h, WriterOptions{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too long a header: %v", err)
	}
	if _, err := NewTextWriter(&bytes.Buffer{}, h); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too long a header as text: %v", err)
	}
	in := "iotrace-text 1\nheader {\"kernel\":\"" + h.Kernel + "\"}\n"
	if _, err := Open(strings.NewReader(in)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too long a header read: %v", err)
	}
}

func TestSelectionKeepsItsNumbers(t *testing.T) {
	var want []Event
	for _, e := range session(200) {
		if e.Kind == KindIOReq {
			want = append(want, e)
		}
	}
	got, _, err := readAll(textOf(t, testHeader, want))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d events of %d, %v", len(got), len(want), err)
	}
}

func TestTextWriterRefusesAndEnds(t *testing.T) {
	var b bytes.Buffer
	w, err := NewTextWriter(&b, Header{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(Event{}); err != ErrInvalidKind {
		t.Errorf("event without kind: %v", err)
	}
	if err := w.Write(blank(KindClock, 0)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if events, closed, err := readAll(b.Bytes()); len(events) != 1 || closed || !errors.Is(err, ErrTruncated) {
		t.Errorf("flushed only: %d events, closed %v, %v", len(events), closed, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(blank(KindClock, 0)); err != ErrClosed {
		t.Errorf("Write after Close: %v", err)
	}
	if err := w.Close(); err != ErrClosed {
		t.Errorf("second Close: %v", err)
	}
}

// slowText is what AppendText promises, spelled out for fields alone.
func slowText(e Event) string {
	var b strings.Builder
	for _, f := range specs[e.Kind].fields {
		if v := f.column().get(&e); f.typ != typeDom && f.typ != typeServer && f.typ != typeVCPU &&
			f.typ != typeBool && f.typ != typeSeen && f.typ != typeRaw {
			b.WriteString(" " + f.name + "=" + string(appendValue(nil, &f, v)))
		}
	}
	return b.String()
}

func TestTextShowsEveryFieldThatIsNoFlag(t *testing.T) {
	rng := newRand(11)
	for k := range Kinds() {
		for _, e := range []Event{fieldEvent(rng, k), blank(k, 0)} {
			text := string(AppendText(nil, e))
			for _, want := range strings.Fields(slowText(e)) {
				if !strings.Contains(text+" ", " "+want+" ") {
					t.Errorf("%s lacks %s", text, want)
				}
			}
		}
	}
}

func TestUnseenPayloadIsNotShown(t *testing.T) {
	r := IOReq{Dom: 1, Req: xen.IOReq{Addr: 0}}
	if text := string(AppendText(nil, r.Event(KindIOReq, 0))); strings.Contains(text, "data=") {
		t.Errorf("unseen data in %s", text)
	}
	r.DataKnown = true
	if text := string(AppendText(nil, r.Event(KindIOReq, 0))); !strings.HasSuffix(text, " data_known=1 data=0x0") {
		t.Errorf("no data in %s", text)
	}
}
