package format

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// kaitai reads bytes as a Kaitai Struct description says: as much of that language as
// iotrace.ksy uses. Anything else in it fails.
type kaitai struct {
	types map[string]ksyType
	enums map[string]map[uint64]string
}

type ksyType struct {
	Seq       []ksyField `yaml:"seq"`
	Instances map[string]struct {
		Value string `yaml:"value"`
	} `yaml:"instances"`
}

type ksyField struct {
	ID       string `yaml:"id"`
	Type     any    `yaml:"type"`
	Size     string `yaml:"size"`
	Contents any    `yaml:"contents"`
	Repeat   string `yaml:"repeat"`
	Enum     string `yaml:"enum"`
	Encoding string `yaml:"encoding"`
	Valid    any    `yaml:"valid"`
	Doc      string `yaml:"doc"`
}

// ksyObject is what was read of a type: numbers, byte strings, objects and lists of them.
type ksyObject map[string]any

func readKSY(t *testing.T) (kaitai, ksyType) {
	t.Helper()
	raw, err := os.ReadFile("iotrace.ksy")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Meta  map[string]string            `yaml:"meta"`
		Seq   []ksyField                   `yaml:"seq"`
		Types map[string]ksyType           `yaml:"types"`
		Enums map[string]map[uint64]string `yaml:"enums"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	if file.Meta["endian"] != "le" {
		t.Fatalf("endian %q", file.Meta["endian"])
	}
	return kaitai{file.Types, file.Enums}, ksyType{Seq: file.Seq}
}

// read takes an object of a type from the front of b.
func (k *kaitai) read(typ ksyType, b *bytes.Reader) (ksyObject, error) {
	o := ksyObject{}
	for i := range typ.Seq {
		f := &typ.Seq[i]
		if f.Repeat == "" {
			v, err := k.field(f, o, b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.ID, err)
			}
			o[f.ID] = v
			continue
		}
		var all []any
		for b.Len() > 0 {
			v, err := k.field(f, o, b)
			if err != nil {
				return nil, fmt.Errorf("%s %d: %w", f.ID, len(all), err)
			}
			all = append(all, v)
		}
		o[f.ID] = all
	}
	return o, nil
}

func (k *kaitai) field(f *ksyField, o ksyObject, b *bytes.Reader) (any, error) {
	if f.Contents != nil {
		want := contents(f.Contents)
		got := make([]byte, len(want))
		if _, err := b.Read(got); err != nil || !bytes.Equal(got, want) {
			return nil, fmt.Errorf("%x, want %x: %v", got, want, err)
		}
		return got, nil
	}
	if f.Size != "" {
		return k.sized(f, o, b)
	}
	switch name := f.Type.(string); name {
	case "u1", "u2", "u4", "u8":
		return k.number(f, int(name[1]-'0'), b)
	default:
		typ, known := k.types[name]
		if !known {
			return nil, fmt.Errorf("no type %q", name)
		}
		return k.read(typ, b)
	}
}

// contents are the bytes of a list of numbers and strings.
func contents(list any) (b []byte) {
	for _, x := range list.([]any) {
		switch x := x.(type) {
		case int:
			b = append(b, byte(x))
		case string:
			b = append(b, x...)
		}
	}
	return b
}

func (k *kaitai) number(f *ksyField, n int, b *bytes.Reader) (any, error) {
	var raw [8]byte
	if got, err := b.Read(raw[:n]); err != nil || got != n {
		return nil, fmt.Errorf("%d of %d bytes: %v", got, n, err)
	}
	v := le.Uint64(raw[:])
	switch valid := f.Valid.(type) {
	case int:
		if v != uint64(valid) {
			return nil, fmt.Errorf("%d, valid is %d", v, valid)
		}
	case map[string]any:
		if v > uint64(valid["max"].(int)) {
			return nil, fmt.Errorf("%d, valid is at most %v", v, valid["max"])
		}
	}
	if f.Enum != "" {
		name := k.enums[f.Enum][v]
		if name == "" {
			return nil, fmt.Errorf("%d is not in enum %s", v, f.Enum)
		}
		return f.Enum + "::" + name, nil
	}
	return v, nil
}

// sized takes a field with a size: bytes, a string, or a type that must be all of it.
func (k *kaitai) sized(f *ksyField, o ksyObject, b *bytes.Reader) (any, error) {
	size := sizeOf(f.Size, o)
	if size > uint64(b.Len()) {
		return nil, fmt.Errorf("%d bytes of %d", b.Len(), size)
	}
	part := make([]byte, size)
	_, _ = b.Read(part)
	sw, isSwitch := f.Type.(map[string]any)
	if !isSwitch {
		return part, nil
	}
	name, listed := sw["cases"].(map[string]any)[lookUp(sw["switch-on"].(string), o).(string)]
	if !listed {
		return part, nil
	}
	in := bytes.NewReader(part)
	v, err := k.read(k.types[name.(string)], in)
	if err == nil && in.Len() != 0 {
		err = fmt.Errorf("%d bytes behind %v", in.Len(), name)
	}
	return v, err
}

// sizeOf reckons a difference of fields and numbers.
func sizeOf(expr string, o ksyObject) (n uint64) {
	for i, term := range strings.Split(expr, " - ") {
		v, err := strconv.ParseUint(term, 10, 64)
		if err != nil {
			v = lookUp(term, o).(uint64)
		}
		if i == 0 {
			n = v
		} else {
			n -= v
		}
	}
	return n
}

func lookUp(path string, o ksyObject) any {
	first, rest, deeper := strings.Cut(path, ".")
	if deeper {
		return lookUp(rest, o[first].(ksyObject))
	}
	return o[first]
}

// TestKaitaiDescribesTheFile: who reads a trace by iotrace.ksy finds what this package
// does, in the file that is never written anew and in one with all kinds of blocks.
func TestKaitaiDescribesTheFile(t *testing.T) {
	golden, err := os.ReadFile("testdata/v1.0-small.iot")
	if err != nil {
		t.Fatal(err)
	}
	k, whole := readKSY(t)
	for _, raw := range [][]byte{golden, binaryOf(t, testHeader, session(2000), 300)} {
		o, err := k.read(whole, bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if json := o["header"].(ksyObject)["json"].([]byte); !bytes.Contains(raw[fixedHead:], json) || !bytes.HasPrefix(json, []byte(`{"writer":`)) {
			t.Errorf("header %.60q", json)
		}
		blocks, want := o["blocks"].([]any), blockHeaders(t, raw)
		if len(blocks) != len(want) {
			t.Fatalf("%d blocks, want %d", len(blocks), len(want))
		}
		entries := uint64(0)
		for i := range blocks {
			if k.checkBlock(t, blocks[i].(ksyObject), &want[i]); want[i].hasEvents() {
				entries++
			}
			if index, isIndex := blocks[i].(ksyObject)["body"].(ksyObject); isIndex != (want[i].kind == blockIndex) || isIndex && index["num_entries"] != entries {
				t.Errorf("block %d of kind %d: index %v, %d entries, want %d", i, want[i].kind, isIndex, index["num_entries"], entries)
			}
		}
	}
}

func (k *kaitai) checkBlock(t *testing.T, block ksyObject, want *blockHeader) {
	t.Helper()
	h := block["header"].(ksyObject)
	for name, v := range map[string]uint64{
		"flags": uint64(want.flags), "num_events": uint64(want.count), "len_body": uint64(want.csize), "len_payload": uint64(want.usize),
		"first_seq": want.firstSeq, "last_seq": want.lastSeq, "first_time": want.firstTime, "last_time": want.lastTime,
		"lost": want.lost, "events_before": want.before, "key_frame_events_before": want.stateBefore,
		"ofs_index": want.index, "segment": uint64(want.segment), "body_crc32c": uint64(want.payloadCRC),
	} {
		if h[name] != v {
			t.Errorf("%s %v, want %d", name, h[name], v)
		}
	}
	if kind := "block_kind::" + k.enums["block_kind"][uint64(want.kind)]; h["kind"] != kind {
		t.Errorf("kind %v, want %s", h["kind"], kind)
	}
}

// TestKaitaiFlags: the flags that iotrace.ksy names are the bits that they are here.
func TestKaitaiFlags(t *testing.T) {
	k, _ := readKSY(t)
	flags := k.types["block_header"].Instances
	for name, bit := range map[string]uint8{"critical": blockCritical, "opens_segment": blockOpens, "sparse": blockSparse} {
		m := regexp.MustCompile(`^\(flags & (\d+)\) != 0$`).FindStringSubmatch(flags[name].Value)
		if m == nil || m[1] != strconv.Itoa(int(bit)) {
			t.Errorf("%s is %q, want bit %d", name, flags[name].Value, bit)
		}
		delete(flags, name)
	}
	if len(flags) != 0 {
		t.Errorf("unknown flags %v", flags)
	}
}
