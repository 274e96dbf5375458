package filter

// A parser turns the text into nodes and tests.
type parser struct {
	text  string
	pos   int // of what follows tok
	tok   token
	depth int
	nodes []node
	tests []test
}

// all parses the whole text.
func (p *parser) all() (root int, err error) {
	if err := p.next(); err != nil {
		return 0, err
	}
	if root, err = p.joined("||", opOr, p.conjunction); err != nil {
		return 0, err
	}
	if !p.atEnd() {
		return 0, p.fail(p.tok.at, "want && or || in front of %q", p.tok.text)
	}
	return root, nil
}

func (p *parser) atEnd() bool { return p.tok.text == "" && !p.tok.quoted }

// is says whether the token at hand is this operator.
func (p *parser) is(operator string) bool { return !p.tok.word && p.tok.text == operator }

func (p *parser) conjunction() (int, error) { return p.joined("&&", opAnd, p.factor) }

// joined parses what operator joins, one operand at least.
func (p *parser) joined(operator string, o op, operand func() (int, error)) (int, error) {
	x, err := operand()
	for err == nil && p.is(operator) {
		if err = p.next(); err != nil {
			break
		}
		var y int
		if y, err = operand(); err == nil {
			x = p.node(o, x, y)
		}
	}
	return x, err
}

func (p *parser) node(o op, x, y int) int {
	p.nodes = append(p.nodes, node{o, x, y})
	return len(p.nodes) - 1
}

// factor parses a negation, a parenthesis or a comparison.
func (p *parser) factor() (int, error) {
	p.depth++
	defer func() { p.depth-- }()
	switch at := p.tok.at; {
	case p.depth > maxDepth:
		return 0, p.fail(at, "more than %d parentheses and negations inside each other", maxDepth)
	case p.is("!"):
		if err := p.next(); err != nil {
			return 0, err
		}
		x, err := p.factor()
		return p.node(opNot, x, 0), err
	case p.is("("):
		return p.parenthesis(at)
	case !p.tok.word || p.tok.quoted:
		return 0, p.fail(at, "want a field%s", p.found())
	}
	return p.comparison()
}

// found says what stands where something else should.
func (p *parser) found() string {
	if p.atEnd() {
		return ", found the end"
	}
	return ", found \"" + p.tok.text + "\""
}

func (p *parser) parenthesis(at int) (int, error) {
	if err := p.next(); err != nil {
		return 0, err
	}
	x, err := p.joined("||", opOr, p.conjunction)
	if err == nil && !p.is(")") {
		err = p.fail(p.tok.at, "want ) for the ( in column %d%s", at+1, p.found())
	}
	if err == nil {
		err = p.next()
	}
	return x, err
}

// comparison parses FIELD, FIELD operator value, or FIELD in items.
func (p *parser) comparison() (int, error) {
	c := comparison{name: p.tok}
	if err := p.next(); err != nil {
		return 0, err
	}
	var err error
	switch o := p.tok.text; {
	case p.tok.word && o == "in":
		c.operator = "in"
		if err = p.next(); err == nil {
			err = p.items(&c)
		}
	case p.tok.word:
		err = p.fail(p.tok.at, "want an operator behind %q, found %q", c.name.text, o)
	case o == "==" || o == "!=" || o == "<" || o == "<=" || o == ">" || o == ">=":
		c.operator = o
		if err = p.next(); err == nil {
			err = p.value(&c, false)
		}
	}
	if err != nil {
		return 0, err
	}
	t, err := p.compile(&c)
	if err != nil {
		return 0, err
	}
	p.tests = append(p.tests, t)
	return p.node(opTest, len(p.tests)-1, 0), nil
}

// items parses a value or range, or several in braces.
func (p *parser) items(c *comparison) error {
	if !p.is("{") {
		return p.value(c, true)
	}
	for {
		if err := p.next(); err != nil {
			return err
		}
		if err := p.value(c, true); err != nil {
			return err
		}
		switch {
		case p.is("}"):
			return p.next()
		case !p.is(","):
			return p.fail(p.tok.at, "want , or } behind a value%s", p.found())
		}
	}
}

// value parses a value, or a range if there may be one.
func (p *parser) value(c *comparison, ranges bool) error {
	first, err := p.word()
	if err != nil {
		return err
	}
	last := first
	if ranges && p.is("..") {
		if err := p.next(); err != nil {
			return err
		}
		if last, err = p.word(); err != nil {
			return err
		}
	}
	c.items = append(c.items, item{first, last})
	return nil
}

func (p *parser) word() (token, error) {
	t := p.tok
	if !t.word {
		return t, p.fail(t.at, "want a value%s", p.found())
	}
	return t, p.next()
}
