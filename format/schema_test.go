package format

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// object is a JSON object whose keys stay in order.
type object []member

type member struct {
	key   string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		v, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(append(b, '"'), m.key...), `":`...), v...)
	}
	return append(b, '}'), nil
}

// TestEventSchema keeps events.schema.json, the JSON Schema of one line of JSON
// Lines, equal to the table.
func TestEventSchema(t *testing.T) {
	const name = "events.schema.json"
	js, err := json.Marshal(lineSchema())
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, js, "", " "); err != nil {
		t.Fatal(err)
	}
	want.WriteByte('\n')
	if *update {
		if err := os.WriteFile(name, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%s is not what the table says, %v; go test -update writes it", name, err)
	}
}

func lineSchema() object {
	lines := []any{
		ref("header"), ref("end"),
	}
	defs := object{
		{"u64", object{{"type", "integer"}, {"minimum", 0}, {"maximum", json.Number("18446744073709551615")}}},
		{"hex", object{{"type", "string"}, {"pattern", "^0x[0-9A-Fa-f]{1,}$"}}},
		{"header", lineSchemaOf("The first line: version and header.", []member{
			{"iotrace", object{{"const", jsonVersion}}}, {"header", object{{"type", "object"}}}, {"comment", object{{"type", "string"}}},
		}, "iotrace", "header")},
		{"end", lineSchemaOf("The last line: how many events there are.", []member{
			{"end", lineSchemaOf("", []member{{"events", ref("u64")}}, "events")},
		}, "end")},
	}
	for k := range Kinds() {
		lines = append(lines, ref(k.String()))
		defs = append(defs, member{k.String(), kindSchema(k)})
	}
	lines, defs = append(lines, ref("unnamed")), append(defs, member{"unnamed", unnamedSchema()})
	return object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "A line of an iotrace trace as JSON Lines, version 1"},
		{"oneOf", lines},
		{"$defs", defs},
	}
}

func ref(name string) object { return object{{"$ref", "#/$defs/" + name}} }

// lineSchemaOf is the schema of an object with no other members than these.
func lineSchemaOf(what string, members []member, required ...string) object {
	o := object{{"type", "object"}}
	if what != "" {
		o = append(o, member{"description", what})
	}
	return append(o, member{"properties", object(members)}, member{"required", required}, member{"additionalProperties", false})
}

func kindSchema(k Kind) object {
	members := []member{{"seq", ref("u64")}, {"time_ns", ref("u64")}, {"kind", object{{"const", k.String()}}}}
	required := []string{"seq", "time_ns", "kind"}
	if k.InKeyFrame() {
		members = append(members, member{"keyframe", object{{"const", true}}})
		required = append(required, "keyframe")
	} else {
		members = append(members, member{"keyframe", object{{"const", false}}})
	}
	for i := range specs[k].fields {
		f := &specs[k].fields[i]
		members = append(members, member{f.name, fieldSchema(f)})
	}
	for slot := range extraFields {
		if plans[k].free[slot] != 0 {
			members = append(members, member{extraNames[slot], fieldSchema(&extraFields[slot])})
		}
	}
	return lineSchemaOf("", append(members, member{"comment", object{{"type", "string"}}}), required...)
}

// unnamedSchema is of events whose kind has no name.
func unnamedSchema() object {
	members := []member{{"seq", ref("u64")}, {"time_ns", ref("u64")},
		{"kind", object{{"type", "string"}, {"pattern", "^kind[0-9]+$"}}}, {"keyframe", object{{"type", "boolean"}}}}
	for slot, name := range extraNames {
		members = append(members, member{name, fieldSchema(&extraFields[slot])})
	}
	return lineSchemaOf("An event of a kind that this version has no name for.",
		append(members, member{"comment", object{{"type", "string"}}}), "seq", "time_ns", "kind")
}

// fieldSchema is the schema of a field's value.
func fieldSchema(f *field) object {
	c := f.column()
	switch f.shown() {
	case showHex:
		return ref("hex")
	case showRaw:
		return object{{"anyOf", []any{ref("hex"), object{{"type", "null"}}}}}
	case showFlag:
		return object{{"type", "boolean"}}
	case showID:
		return object{{"type", []string{"integer", "null"}}, {"minimum", 0}, {"maximum", c.mask()}}
	case showChars:
		return object{{"type", "string"}, {"maxLength", 8}, {"pattern", `^[\u0000-\u00ff]*$`}}
	case showName:
		var names []string
		for _, name := range enums[f.typ].names {
			names = append(names, name)
		}
		number := object{{"type", "string"}, {"pattern", "^" + enums[f.typ].prefix + "[0-9]+$"}}
		return object{{"anyOf", []any{object{{"enum", names}}, number}}}
	case showDec:
		if c.bits == 64 {
			return ref("u64")
		}
		return object{{"type", "integer"}, {"minimum", 0}, {"maximum", c.mask()}}
	}
	limit := int64(c.mask() >> 1)
	return object{{"type", "integer"}, {"minimum", -limit - 1}, {"maximum", limit}}
}
