package format

import (
	"strconv"

	"github.com/iotrace-xen/iotrace/xen"
)

// An enum is how the numbers of one fieldType are written. A number without a
// name is written as prefix and number, which reads back as that number.
type enum struct {
	name   func(uint64) string // total: the name, or prefix and number
	prefix string
	values []uint64 // at least those that have names
}

var enums = [numFieldTypes]enum{
	typeDMOp:    {func(v uint64) string { return xen.DMOpCode(v).String() }, "dm_op", upTo(63)},
	typeHyper:   {func(v uint64) string { return xen.Hypercall(v).String() }, "hypercall", upTo(63)},
	typeIoctl:   {func(v uint64) string { return xen.Ioctl(v).String() }, "ioctl", ioctls()},
	typeReqType: {func(v uint64) string { return xen.IOReqType(v).String() }, "type", upTo(15)},
	typeState:   {func(v uint64) string { return xen.State(v).String() }, "state", upTo(15)},
	typeDir:     {func(v uint64) string { return xen.Dir(v).String() }, "dir", upTo(1)},
	typeProbe:   {func(v uint64) string { return enumName(probeNames, v) }, "", upTo(63)},
	typeReason:  {func(v uint64) string { return enumName(reasonNames, v) }, "", upTo(63)},
	typeWhat:    {func(v uint64) string { return enumName(whatNames, v) }, "", upTo(63)},
	typeTri:     {func(v uint64) string { return enumName(triNames, v) }, "", upTo(2)},
	typeSource:  {func(v uint64) string { return enumName(pagesFromNames, v) }, "", upTo(15)},
	typePages:   {pageTypesName, "", upTo(255)},
	typeLife:    {func(v uint64) string { return enumName(lifeNames, v) }, "", upTo(15)},
	typeKind:    {func(v uint64) string { return Kind(v).String() }, "kind", upTo(255)},
	typeSpace:   {func(v uint64) string { return xen.Space(v).String() }, "space", upTo(15)},
}

// names yields the numbers that have a name, and the names.
func (e *enum) names(yield func(uint64, string) bool) {
	for _, v := range e.values {
		if name := e.name(v); name != e.prefix+uitoa(v) && !yield(v, name) {
			return
		}
	}
}

// enumValues are the numbers by name, for each enum, and enumNames the names
// by number.
var (
	enumValues = buildEnumValues()
	enumNames  = buildEnumNames()
)

func buildEnumValues() (all [numFieldTypes]map[string]uint64) {
	for t := range enums {
		all[t] = make(map[string]uint64)
		for v, name := range enums[t].names {
			all[t][name] = v
		}
	}
	return all
}

func buildEnumNames() (all [numFieldTypes]map[uint64]string) {
	for t := range enums {
		all[t] = make(map[uint64]string)
		for v, name := range enums[t].names {
			all[t][v] = name
		}
	}
	return all
}

// buildNameTokens returns the names of the small numbers of each enum.
func buildNameTokens() (all [numFieldTypes][]token) {
	const small = 64
	for t := range enums {
		for v, name := range enums[t].names {
			if v >= small {
				continue
			}
			for uint64(len(all[t])) <= v {
				all[t] = append(all[t], token{})
			}
			all[t][v] = tokenOf(name)
		}
	}
	return all
}

func upTo(last uint64) []uint64 {
	all := make([]uint64, 0, last+1)
	for v := range last + 1 {
		all = append(all, v)
	}
	return all
}

// ioctls lists what xen.Ioctl has names for; their numbers are far apart.
func ioctls() []uint64 {
	var all []uint64
	for _, c := range [...]xen.Ioctl{
		xen.PrivcmdHypercall, xen.PrivcmdMmap, xen.PrivcmdMmapBatch, xen.PrivcmdMmapBatchV2, xen.PrivcmdDMOp,
		xen.PrivcmdRestrict, xen.PrivcmdMmapResource, xen.PrivcmdIRQFD, xen.PrivcmdIOEventFD, xen.PrivcmdGetGSI,
		xen.PrivcmdUnimplProbe, xen.EvtchnBindVIRQ, xen.EvtchnBindInterdomain, xen.EvtchnBindUnbound,
		xen.EvtchnUnbind, xen.EvtchnNotify, xen.EvtchnReset, xen.EvtchnRestrictDomID, xen.EvtchnBindStatic,
	} {
		all = append(all, uint64(c))
	}
	return all
}

// appendEnum appends the name of v, or prefix and number.
func appendEnum(b []byte, t fieldType, v uint64) []byte {
	if name, ok := enumNames[t][v]; ok {
		return append(b, name...)
	}
	return strconv.AppendUint(append(b, enums[t].prefix...), v, 10)
}

// parseEnum is the inverse of appendEnum; it takes a bare number too.
func parseEnum(t fieldType, s []byte) (uint64, bool) {
	if v, ok := enumValues[t][string(s)]; ok {
		return v, true
	}
	if p := enums[t].prefix; len(s) > len(p) && string(s[:len(p)]) == p {
		return parseDecimal(s[len(p):])
	}
	return parseNumber(s)
}
