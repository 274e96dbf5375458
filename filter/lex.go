package filter

import (
	"fmt"
	"strings"
)

// Limits of an expression.
const (
	maxText  = 4096 // bytes
	maxDepth = 100  // parentheses and negations inside each other
)

// An Error says where an expression is wrong.
type Error struct {
	Column int // in bytes, from 1
	Msg    string
}

func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Msg) }

// A token is a word, a quoted text, or an operator; "" at the end.
type token struct {
	text   string
	at     int // offset in bytes
	word   bool
	quoted bool
}

// operators, longer ones first.
var operators = []string{"==", "!=", "<=", ">=", "&&", "||", "..", "<", ">", "!", "(", ")", "{", "}", ","}

// words that stand for operators.
var words = map[string]string{"and": "&&", "or": "||", "not": "!"}

// next reads the next token.
func (p *parser) next() error {
	for p.pos < len(p.text) && strings.IndexByte(" \t\n\r", p.text[p.pos]) >= 0 {
		p.pos++
	}
	rest := p.text[p.pos:]
	p.tok = token{at: p.pos}
	if rest == "" {
		return nil
	}
	if rest[0] == '"' {
		return p.quoted(rest)
	}
	for _, o := range operators {
		if strings.HasPrefix(rest, o) {
			p.tok.text, p.pos = o, p.pos+len(o)
			return nil
		}
	}
	n := 0
	for n < len(rest) && wordByte(rest[n]) && !strings.HasPrefix(rest[n:], "..") {
		n++
	}
	if n == 0 {
		return p.fail(p.pos, "%q has no meaning here%s", rest[:1], hint(rest))
	}
	p.tok.text, p.tok.word, p.pos = rest[:n], true, p.pos+n
	if o, ok := words[p.tok.text]; ok {
		p.tok.text, p.tok.word = o, false
	}
	return nil
}

func (p *parser) quoted(rest string) error {
	text, _, closed := strings.Cut(rest[1:], `"`)
	if !closed {
		return p.fail(p.pos, "the quotes are not closed")
	}
	p.tok.text, p.tok.word, p.tok.quoted, p.pos = text, true, true, p.pos+len(text)+2
	return nil
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(`._-+:\`, c) >= 0
}

// hint says what was probably meant by an operator of other languages.
func hint(rest string) string {
	switch rest[0] {
	case '=':
		return "; equal is =="
	case '&', '|':
		return "; write && and ||"
	}
	return ""
}

func (p *parser) fail(at int, layout string, args ...any) error {
	return &Error{Column: at + 1, Msg: fmt.Sprintf(layout, args...)}
}
