// SPDX-License-Identifier: Apache-2.0

package template

import (
	"slices"
	"strings"
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// variableInfo is a variable in scope.
type variableInfo struct {
	name  string
	slot  int
	omit  bool      // may be omitted
	names *[]string // columns of a row
	kinds fake.Kinds
	decl  *declaration // nil if it has no value of its own
}

// set compiles a declaration or an assignment.
func (c *compiler) set(p *parse.PipeNode, op operand) {
	if len(p.Decl) != 1 {
		c.errorAt(c.offset(p.Pos), "only range declares two variables")
		return
	}
	name := p.Decl[0].Ident[0]
	if !p.IsAssign {
		c.declare(name, op)
	}
	v := c.variable(name)
	switch {
	case v == nil:
		c.unknownVariable(name, p.Decl[0].Pos)
		return
	case p.IsAssign:
		v.omit, v.names = v.omit || op.omit, nil
	case op.Gen != nil:
		v.decl = c.declaring(name, v.slot, op)
	}
	if op.Gen != nil {
		c.emit(instr{op: opSet, a: v.slot, gen: op.Gen})
	}
}

// declare adds a variable to the scope and returns its slot.
func (c *compiler) declare(name string, op operand) int {
	r := &c.prog.rec
	slot := len(r.Vars)
	if c.depth == 0 && c.fragments == 0 {
		// Metadata and tag know a variable of another shape, or of all shapes, by its
		// name.
		for _, v := range slices.Concat(c.vars[:c.shared], c.body) {
			if v.name == name {
				slot = v.slot
			}
		}
	}
	if slot == len(r.Vars) {
		r.Vars = append(r.Vars, value.Null)
	}
	v := variableInfo{name: name, slot: slot, omit: op.omit, names: op.Names, kinds: op.Kinds}
	if c.in.assigned[name] {
		v.kinds = 0 // assignments may change it
	}
	c.vars = append(c.vars, v)
	return slot
}

func (c *compiler) unknownVariable(name string, pos parse.Pos) {
	var names []string
	for _, v := range c.vars {
		if !slices.Contains(names, v.name) {
			names = append(names, v.name)
		}
	}
	hint := units.Hint(name, names, "")
	switch {
	case hint != "":
	case c.fragments > 0:
		hint = ": a fragment has no variables but the dot that is passed to it"
	case len(names) > 0:
		hint = ": expected one of " + strings.Join(names, ", ")
	}
	c.errorAt(c.offset(pos), "unknown variable %s%s", name, hint)
}

// variable returns the innermost variable of a name, or nil.
func (c *compiler) variable(name string) *variableInfo {
	for i, v := range slices.Backward(c.vars) {
		if v.name == name {
			return &c.vars[i]
		}
	}
	return nil
}
