package format

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

const jsonHead = "{\"iotrace\":1,\"header\":{}}\n"

// TestJSONByHand shows what may be written by hand or by other tools.
func TestJSONByHand(t *testing.T) {
	in := ` { "comment" : "what \ud83d\ude00 is tested", "header" : {"writer":"by hand", "later": [1]}, "iotrace" : 1 }

{"seq":0,"time_ns":0,"kind":"ioreq","dom":1,"server":null,"addr":"0x1F7","type":"type99","dir":"read","df":true}
	{ "dom" : 2 , "count":18446744073709551615, "cpu":-9223372036854775808,"comment":"keys in any order","probe":"ring","reason":"77",
`
	in = strings.TrimSuffix(in, "\n") + ` "kind":"lost", "time_ns":18446744073709551615, "seq":7 }` + "\r\n" +
		`{"seq":9,"time_ns":1,"kind":"kind100","keyframe":true,"x0":"0x1","dom":3,"vcpu":null}` + "\n" +
		`{"seq":3,"time_ns":1,"kind":"kind200","keyframe":true}` + "\n" +
		`{"seq":9,"time_ns":1,"kind":"process","keyframe":false,"comm":"\u0061\u00ff` + "\u00e9" + `\"\/","comm2":""}` + "\n" +
		`{"s\u0065q":10,"time_ns":1,"kind":"buf_ioreq","data_known":false,"data":null}` + "\n" +
		` {"end" : {"events" : 6} } `
	want := []Event{blank(KindIOReq, 0), blank(KindLost, math.MaxUint64), blank(100, 1), blank(200, 1), blank(KindProcess, 1), blank(KindBufIOReq, 1)}
	want[0].Dom, want[0].W[3], want[0].W[4] = 1, 99|1<<8|1<<9, 0x1f7
	want[1].Seq, want[1].Dom, want[1].W = 7, 2, [NumWords]uint64{uint64(ProbeRing), 77, 1 << 63, math.MaxUint64}
	want[2].Seq, want[2].Dom, want[2].W[0] = 9, 3, 1
	want[3].Seq = 3
	want[4].Seq, want[4].W[1] = 9, 'a'|0xff<<8|0xe9<<16|'"'<<24|'/'<<32
	want[5].Seq = 10
	got, closed, err := readAll([]byte(strings.TrimSpace(in)))
	if err != nil || !closed {
		t.Fatalf("closed %v, %v", closed, err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", lines(got), lines(want))
	}
}

func TestJSONErrorsHaveAPlace(t *testing.T) {
	clock := `{"seq":0,"time_ns":0,"kind":"clock"`
	long := strings.Repeat("x", maxEventLine)
	cases := []struct {
		in           string
		line, column int
		want         error
		says         string
	}{
		{"{\n", 1, 2, ErrMalformed, "ends before"},
		{"{", 1, 2, ErrTruncated, ""},
		{"{}\n", 1, 1, ErrNotTrace, ""},
		{`{"seq":0}` + "\n", 1, 2, ErrNotTrace, ""},
		{`{"iotrace":2}` + "\n", 1, 12, ErrVersion, "form 2"},
		{`{"iotrace":1}` + "\n", 1, 1, ErrNotTrace, ""},
		{`{"iotrace":1,"header":[]}` + "\n", 1, 23, ErrMalformed, ""},
		{`{"iotrace":1,"more":1}` + "\n", 1, 14, ErrMalformed, "more"},
		{strings.TrimSpace(jsonHead), 2, 1, ErrTruncated, ""},
		{jsonHead, 2, 1, ErrTruncated, ""},
		{jsonHead + clock, 2, 36, ErrTruncated, ""},
		{jsonHead + clock + "\n", 2, 36, ErrMalformed, "ends before"},
		{jsonHead + "[]\n", 2, 1, ErrMalformed, "'{'"},
		{jsonHead + clock + "} x\n", 2, 38, ErrMalformed, "behind"},
		{jsonHead + clock + ",}\n", 2, 37, ErrMalformed, ""},
		{jsonHead + clock + ",,}\n", 2, 37, ErrMalformed, ""},
		{jsonHead + clock + ` "tsc":1}` + "\n", 2, 37, ErrMalformed, "','"},
		{jsonHead + clock + `,"tsc" 1}` + "\n", 2, 43, ErrMalformed, "':'"},
		{jsonHead + clock + `,"addr":1}` + "\n", 2, 37, ErrMalformed, `clock has no "addr"`},
		{jsonHead + clock + `,"tsc":1,"tsc":1}` + "\n", 2, 45, ErrMalformed, "twice"},
		{jsonHead + clock + `,"x7":"0x1","x7":"0x1"}` + "\n", 2, 48, ErrMalformed, "twice"},
		{jsonHead + clock + `,"seq":1}` + "\n", 2, 37, ErrMalformed, "twice"},
		{jsonHead + clock + `,"tsc":1.0}` + "\n", 2, 43, ErrMalformed, "fraction"},
		{jsonHead + clock + `,"tsc":1e3}` + "\n", 2, 43, ErrMalformed, "exponent"},
		{jsonHead + clock + `,"tsc":01}` + "\n", 2, 43, ErrMalformed, "whole"},
		{jsonHead + clock + `,"tsc":-1}` + "\n", 2, 43, ErrMalformed, "negative"},
		{jsonHead + clock + `,"tsc":"1"}` + "\n", 2, 43, ErrMalformed, "whole"},
		{jsonHead + clock + `,"tsc":null}` + "\n", 2, 43, ErrMalformed, "whole"},
		{jsonHead + clock + `,"tsc":18446744073709551616}` + "\n", 2, 43, ErrMalformed, "64 bits"},
		{jsonHead + clock + `,"x0":"0x1"}` + "\n", 2, 42, ErrMalformed, "no value of x0"},
		{jsonHead + clock + `,"x7":1}` + "\n", 2, 42, ErrMalformed, ""},
		{jsonHead + clock + `,"dom":65536}` + "\n", 2, 43, ErrMalformed, "no value of dom"},
		{jsonHead + clock + `,"comment":"` + "\x01" + `"}` + "\n", 2, 47, ErrMalformed, "string"},
		{jsonHead + clock + `,"comment":"\x"}` + "\n", 2, 48, ErrMalformed, "escape"},
		{jsonHead + clock + `,"comment":"\ud800"}` + "\n", 2, 48, ErrMalformed, "escape"},
		{jsonHead + clock + `,"comment":1}` + "\n", 2, 47, ErrMalformed, ""},
		{jsonHead + clock + `,"keyframe":true}` + "\n", 2, 29, ErrMalformed, "key-frame"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"kind100"}` + "\n", 2, 29, ErrMalformed, "keyframe"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"tick"}` + "\n", 2, 29, ErrMalformed, "kind"},
		{jsonHead + `{"seq":0,"time_ns":0}` + "\n", 2, 21, ErrMalformed, "without kind"},
		{jsonHead + `{"seq":0,"time_ns":0,"tsc":1}` + "\n", 2, 22, ErrMalformed, "without kind"},
		{jsonHead + `{"time_ns":0,"kind":"clock"}` + "\n", 2, 28, ErrMalformed, "without seq"},
		{jsonHead + `{"seq":0,"kind":"clock"}` + "\n", 2, 24, ErrMalformed, "without time_ns"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"domain_found","vcpus":4294967296}` + "\n", 2, 52, ErrMalformed, "too large"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"domain_found","dom":65536}` + "\n", 2, 50, ErrMalformed, "too large"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"ioreq","type":"pioo"}` + "\n", 2, 44, ErrMalformed, "no value of type"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"ioreq","df":1}` + "\n", 2, 42, ErrMalformed, "true or false"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"ioreq","addr":"503"}` + "\n", 2, 44, ErrMalformed, "0x"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"ioreq","data":null,"data_known":true}` + "\n", 2, 44, ErrMalformed, "was seen"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"lost","cpu":-9223372036854775809}` + "\n", 2, 42, ErrMalformed, "too large"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"process","comm":"123456789"}` + "\n", 2, 46, ErrMalformed, "8 characters"},
		{jsonHead + `{"seq":0,"time_ns":0,"kind":"process","comm":"` + "\u0101" + `"}` + "\n", 2, 46, ErrMalformed, "U+00FF"},
		{jsonHead + clock + "}\n" + clock + "}\n", 3, 1, ErrMalformed, "want 1"},
		{jsonHead + long + "x\n", 2, 1, ErrTooLarge, ""},
		{jsonHead + `{"end":1}` + "\n", 2, 8, ErrMalformed, ""},
		{jsonHead + `{"end":{"event":0}}` + "\n", 2, 9, ErrMalformed, "events"},
		{jsonHead + `{"end":{"events":0}` + "\n", 2, 20, ErrMalformed, ""},
		{jsonHead + `{"end":{"events":1}}` + "\n", 2, 1, ErrMalformed, "there are 0"},
		{jsonHead + `{"end":{"events":0}}` + "\n" + clock + "}\n", 3, 1, ErrMalformed, "behind"},
	}
	for _, c := range cases {
		_, _, err := readAll([]byte(c.in))
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

// TestJSONCutAtEveryByte knows a line without its end for a whole one only if
// the object is whole.
func TestJSONCutAtEveryByte(t *testing.T) {
	want := session(20)
	b := jsonOf(t, testHeader, want)
	for cut := 1; cut < len(b)-1; cut++ {
		got, closed, err := readAll(b[:cut])
		if !errors.Is(err, ErrTruncated) || closed {
			t.Fatalf("cut at %d: closed %v, %v", cut, closed, err)
		}
		whole := max(0, bytes.Count(append(b[:cut:cut], b[cut]), []byte("\n"))-1)
		if !slices.Equal(got, want[:whole]) {
			t.Fatalf("cut at %d: %d events, want %d", cut, len(got), whole)
		}
	}
	if got, closed, err := readAll(b[:len(b)-1]); err != nil || !closed || !slices.Equal(got, want) {
		t.Errorf("without the last line end: %d events, closed %v, %v", len(got), closed, err)
	}
}

func TestJSONWriterRefusesAndEnds(t *testing.T) {
	var b bytes.Buffer
	w, err := NewJSONWriter(&b, Header{})
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
	if w.Write(blank(KindClock, 0)) != ErrClosed || w.Close() != ErrClosed {
		t.Error("a closed writer takes more")
	}
	if _, err := NewJSONWriter(&b, Header{Kernel: strings.Repeat("k", maxHeaderJSON)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too long a header: %v", err)
	}
}

func TestEveryEventSurvivesJSON(t *testing.T) {
	rng := newRand(13)
	for _, n := range []int{0, 1, 100, 3000} {
		want := anyEvents(rng, n)
		b := jsonOf(t, testHeader, want)
		got, closed, err := readAll(b)
		if err != nil || !closed || !slices.Equal(got, want) {
			t.Fatalf("%d events: closed %v, %v", n, closed, err)
		}
		if again := jsonOf(t, testHeader, got); !bytes.Equal(b, again) {
			t.Errorf("%d events: JSON, events, JSON is not the same", n)
		}
	}
}

// TestFieldsInAnyOrder reads each kind with its members backwards, the slow way
// of the parser, and must find the same events.
func TestFieldsInAnyOrder(t *testing.T) {
	for _, e := range append(everyKind(), anyEvents(newRand(17), 500)...) {
		line := AppendJSON(nil, e)
		members := splitMembers(line)
		slices.Reverse(members)
		s := jsonScanner{line: []byte("{" + strings.Join(members, " ,\t") + "}")}
		var got Event
		if err := s.event(&got); err != nil || got != e {
			t.Fatalf("%s: %v", s.line, err)
		}
		tokens := strings.Fields(string(AppendText(nil, e)))
		slices.Reverse(tokens[3:])
		p := lineParser{line: []byte(strings.Join(tokens, "  "))}
		if err := p.event(&got, p.next(), 0); err != nil || got != e {
			t.Fatalf("%s: %v", p.line, err)
		}
	}
}

// splitMembers returns the members of an object without commas in its strings.
func splitMembers(line []byte) []string {
	var all []string
	depth, begin := false, 1
	for i, c := range line {
		switch {
		case c == '"' && line[i-1] != '\\':
			depth = !depth
		case !depth && (c == ',' || c == '}'):
			all = append(all, string(line[begin:i]))
			begin = i + 1
		}
	}
	return all
}
