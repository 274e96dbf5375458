package format

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docTypes are the names that FORMAT.md has for the types of fields.
var docTypes = [numFieldTypes]string{
	typeDec: "decimal", typeInt: "signed", typeHex: "hex", typeRaw: "raw: hex, if seen", typeBool: "flag",
	typeSeen: "flag: raw fields were seen", typeChars: "chars", typeDom: "id", typeServer: "id", typeVCPU: "id",
	typeDMOp: "dm_op", typeHyper: "hypercall", typeIoctl: "ioctl", typeReqType: "request type", typeState: "slot state",
	typeDir: "direction", typeProbe: "probe", typeReason: "reason", typeWhat: "what",
	typeTri: "tri", typeSource: "source of pages", typePages: "page types", typeLife: "life", typeSpace: "address space", typeKind: "kind",
}

// TestFormatDocHasTheTable keeps the end of FORMAT.md equal to the table.
func TestFormatDocHasTheTable(t *testing.T) {
	const name, mark = "FORMAT.md", "<!-- kinds -->\n"
	doc, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text, _, ok := strings.Cut(string(doc), mark)
	if !ok {
		t.Fatalf("%s has no line %q", name, mark)
	}
	want := text + mark + kindTables()
	if string(doc) == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the table says; go test -update writes it", name)
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func kindTables() string {
	var b strings.Builder
	for k := range Kinds() {
		fmt.Fprintf(&b, "\n### %d %v\n\n| field | type | word | bits |\n|---|---|---|---|\n", k, k)
		for _, f := range specs[k].fields {
			c := f.column()
			where := fmt.Sprintf("%d | %d..%d", c.slot, c.shift, int(c.shift)+int(c.bits)-1)
			if c.slot >= NumWords {
				where = " | "
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", f.name, docTypes[f.typ], where)
		}
	}
	b.WriteString("\n### Enumerations\n\n")
	for typ, e := range enums {
		if e.name == nil {
			continue
		}
		var names []string
		for _, v := range docValues(fieldType(typ)) {
			if name := e.name(v); name != e.prefix+uitoa(v) {
				names = append(names, fmt.Sprintf("%s %s", uitoaHex(fieldType(typ), v), name))
			}
		}
		fmt.Fprintf(&b, "* %s: %s\n", docTypes[typ], strings.Join(names, ", "))
	}
	return b.String()
}

// docValues are the numbers of an enumeration that the document lists: of sets
// of page types, those of one and those with a name of their own.
func docValues(typ fieldType) []uint64 {
	if typ != typePages {
		return enums[typ].values
	}
	return []uint64{0, 1, 2, 4, 8, 16, 32, 64, 128, 0xef, 0xff}
}

// uitoaHex writes ioctls as everybody else does.
func uitoaHex(typ fieldType, v uint64) string {
	if typ == typeIoctl {
		return fmt.Sprintf("0x%x", v)
	}
	return uitoa(v)
}
