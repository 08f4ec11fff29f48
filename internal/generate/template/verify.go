// SPDX-License-Identifier: Apache-2.0

package template

import (
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// expression compiles one of Config.Expressions: a text with one action. It may use the
// variables of the body, and the dot.
func (c *compiler) expression(t Text) {
	p := c.parse(t)
	if p.tree == nil {
		return
	}
	c.begin(p, nil, state{place: inText})
	var action *parse.ActionNode
	for _, n := range p.tree.Root.Nodes {
		if a, ok := n.(*parse.ActionNode); ok && c.offset(a.Pos) >= 0 {
			action = a
		}
	}
	if action == nil || len(action.Pipe.Decl) > 0 {
		c.errorAt(0, "expected an expression, such as $status")
		return
	}
	c.dotted++
	op, ok := c.pipe(action.Pipe)
	c.dotted--
	if ok {
		c.prog.expressions = append(c.prog.expressions, op.Gen)
	}
}

// Expression returns the value of Config.Expressions[i] for the record that was last
// appended. The dot is the value given. The result is valid until the next record.
func (p *Program) Expression(i int, dot value.Value) value.Value {
	p.rec.Dot = dot
	return p.expressions[i](&p.rec)
}
