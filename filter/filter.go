package filter

import "github.com/iotrace-xen/iotrace/format"

// A Filter is a compiled expression.
type Filter struct {
	text  string
	nodes []node
	root  int
	tests []test
}

// A node is a part of the expression. Its operands are places in the list of
// nodes; of a test, x is its place in the list of tests.
type node struct {
	op   op
	x, y int
}

type op uint8

const (
	opTest op = iota
	opNot
	opAnd
	opOr
)

// Compile reads an expression. The error is an *Error.
func Compile(text string) (*Filter, error) {
	p := parser{text: text}
	if len(text) > maxText {
		return nil, p.fail(maxText, "an expression has at most %d bytes", maxText)
	}
	root, err := p.all()
	if err != nil {
		return nil, err
	}
	return &Filter{text: text, nodes: p.nodes, root: root, tests: p.tests}, nil
}

// String returns the expression as it was given to Compile.
func (f *Filter) String() string { return f.text }

// Match says whether the expression holds for e.
func (f *Filter) Match(e *format.Event) bool { return f.holds(f.root, e) }

func (f *Filter) holds(at int, e *format.Event) bool {
	switch n := &f.nodes[at]; n.op {
	case opNot:
		return !f.holds(n.x, e)
	case opAnd:
		return f.holds(n.x, e) && f.holds(n.y, e)
	case opOr:
		return f.holds(n.x, e) || f.holds(n.y, e)
	default:
		return f.tests[n.x].holds(e)
	}
}
