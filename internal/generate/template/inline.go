// SPDX-License-Identifier: Apache-2.0

package template

import (
	"maps"
	"slices"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// A value of a record depends on the record and on the place of its calls, so that it
// may be computed where it is printed instead of where its variable is declared. A
// variable that a record prints once, and that nothing else reads, then costs nothing.

// declaration is a variable with one value.
type declaration struct {
	slot   int
	op     operand
	set    int     // its opSet
	reads  int     // by all expressions, prints included
	prints []print // its text or value, as a whole
	fixed  bool    // it must stay where it is

	inlined bool // it is computed where it is printed
}

// value returns the value of the variable.
func (d *declaration) value(r *fake.Record) value.Value {
	if d.inlined {
		return d.op.Gen(r)
	}
	return r.Vars[d.slot]
}

// print is an instruction that appends a variable.
type print struct {
	at    int
	instr instr // the same with the value itself
	shape int
}

// declaring notes a declaration, whose opSet is the next instruction.
func (c *compiler) declaring(name string, slot int, op operand) *declaration {
	d := &declaration{slot: slot, op: op, set: len(c.prog.code)}
	d.fixed = op.omit || op.tied || c.moves() || c.in.assigned[name]
	c.declared = append(c.declared, d)
	return d
}

// moves reports whether an expression may have other values here than elsewhere in a
// record.
func (c *compiler) moves() bool { return c.loopDepth+c.dotted+c.fragments > 0 }

// printing notes that the next instruction appends a variable, and in is the same with
// the value itself.
func (c *compiler) printing(d *declaration, in instr) {
	if d == nil {
		return
	}
	d.fixed = d.fixed || c.moves()
	d.prints = append(d.prints, print{at: len(c.prog.code), instr: in, shape: len(c.prog.shapes)})
}

// reading notes that an expression reads a variable. Metadata and tag find those of all
// shapes by their names, where they are.
func (c *compiler) reading(v *variableInfo) {
	if c.in.Name != c.conf.Body.Name {
		for _, d := range c.declared {
			d.fixed = d.fixed || d.slot == v.slot
		}
	}
	if v.decl == nil || v.decl.fixed {
		c.changing++
		return
	}
	v.decl.reads++
}

// inline computes the variables that a record prints at most once where they are
// printed.
func (c *compiler) inline() {
	code := c.prog.code
	for _, d := range c.declared {
		if d.fixed || d.reads != len(d.prints) || d.often() || d.set >= len(code) || code[d.set].op != opSet {
			continue
		}
		code[d.set] = instr{}
		for _, p := range d.prints {
			if p.at < len(code) {
				code[p.at] = p.instr
			}
		}
		d.inlined = true
	}
}

// often reports whether a record prints a variable more than once.
func (d *declaration) often() bool {
	for i, p := range d.prints {
		for _, q := range d.prints[:i] {
			if p.shape == q.shape {
				return true
			}
		}
	}
	return false
}

// Variables returns the names of the variables that records have outside of all
// actions, sorted.
func (p *Program) Variables() []string {
	names := map[string]bool{}
	for _, s := range p.shapes {
		for name := range s.variables {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Variable returns the value of a variable of the record that was appended last, and
// whether it has one. Its text is valid until the next record.
func (p *Program) Variable(name string) (value.Value, bool) {
	if !p.made || p.last >= len(p.shapes) {
		return value.Null, false
	}
	gen, ok := p.shapes[p.last].variables[name]
	if !ok {
		return value.Null, false
	}
	return gen(&p.rec), true
}

// variables returns the Gens of the variables in scope at the end of a shape.
func (c *compiler) variables() map[string]fake.Gen {
	gens := map[string]fake.Gen{}
	for _, v := range c.vars {
		gens[v.name] = ofSlot(v.slot)
		if v.decl != nil {
			gens[v.name] = v.decl.value
		}
	}
	return gens
}
