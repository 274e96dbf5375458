package driver

import "github.com/iotrace-xen/iotrace/xen"

// opField is one field of a dm_op: bits [shift, shift+bits) of a word of its union.
type opField struct {
	name        string
	word        uint8
	shift, bits uint8
	out         bool // Xen fills it in
}

// ops are the operations that a call line can name, with the layout of
// public/hvm/dm_op.h.
var ops = map[xen.DMOpCode][]opField{
	xen.OpCreateIOReqServer: {{"bufmode", 0, 0, 8, false}, {"id", 0, 32, 16, true}},
	xen.OpGetIOReqServerInfo: {
		{"server", 0, 0, 16, false}, {"flags", 0, 16, 16, false},
		{"bufport", 0, 32, 32, true}, {"gfn", 1, 0, 64, true}, {"bufgfn", 2, 0, 64, true},
	},
	xen.OpMapIORange:          rangeFields,
	xen.OpUnmapIORange:        rangeFields,
	xen.OpSetIOReqServerState: {{"server", 0, 0, 16, false}, {"enabled", 0, 16, 8, false}},
	xen.OpDestroyIOReqServer:  {{"server", 0, 0, 16, false}},
	xen.OpSetMemType:          {{"nr", 0, 0, 32, false}, {"type", 0, 32, 16, false}, {"first", 1, 0, 64, false}},
	xen.OpInjectMSI:           {{"data", 0, 0, 32, false}, {"addr", 1, 0, 64, false}},
	xen.OpMapMemType:          {{"server", 0, 0, 16, false}, {"type", 0, 16, 16, false}, {"flags", 0, 32, 32, false}, {"opaque", 1, 0, 64, true}},
}

var rangeFields = []opField{
	{"server", 0, 0, 16, false}, {"space", 0, 32, 32, false}, {"first", 1, 0, 64, false}, {"last", 2, 0, 64, false},
}

// opNamed returns the operation that Xen's header, or a shorter form of its name,
// calls so.
func opNamed(name string) (xen.DMOpCode, bool) {
	short := map[string]xen.DMOpCode{
		"map_io_range": xen.OpMapIORange, "unmap_io_range": xen.OpUnmapIORange, "map_mem_type": xen.OpMapMemType,
	}
	if op, ok := short[name]; ok {
		return op, true
	}
	for op := range ops {
		if op.String() == name {
			return op, true
		}
	}
	return 0, false
}

// A Lookup returns a value of a hook as it was found, false if it was not.
type Lookup func(name string) (uint64, bool)

// Call returns the dm_op that a RoleCall hook stands for as it is made. known is
// false if not all that it takes was found.
func (h Hook) Call(value Lookup) (op xen.DMOp, known bool) {
	w, known := h.words(value, false)
	return xen.DMOpFromWords(h.Op, 0, w), known
}

// Result returns the union as Xen leaves it. known is false if not all that Xen
// fills in was found.
func (h Hook) Result(value Lookup) (w [3]uint64, known bool) { return h.words(value, true) }

func (h Hook) words(value Lookup, out bool) (w [3]uint64, known bool) {
	known = true
	for _, f := range ops[h.Op] {
		if f.out && !out {
			continue
		}
		v, ok := value(f.name)
		known = known && ok
		w[f.word] |= v & (1<<f.bits - 1) << f.shift
	}
	return w, known
}
