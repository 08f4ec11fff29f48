// SPDX-License-Identifier: Apache-2.0

package template

import (
	"maps"
	"slices"
	"strconv"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// A value of a record depends on the record and on the place of its calls, so that it
// may be computed where it is printed instead of where its variable is declared. A
// variable that a shape prints once, and that nothing else of it reads, then costs
// nothing, and neither does a variable of all shapes in a shape that does not use it.

// maxPrologues limits the instructions of all copies of the prologue.
const maxPrologues = 1 << 14

// declaration is a variable with one value.
type declaration struct {
	slot   int
	op     operand
	set    int // its opSet
	shape  int // that it belongs to, unless it belongs to all
	reads  []*read
	prints []print // its text or value, as a whole
	fixed  bool    // it must stay where it is
	chosen bool    // by an if

	uses  []int  // by shape: 0 not used, 1 printed once, or more
	moved []bool // by shape: it is not set, but computed where it is printed, if at all
}

// read is the use of a variable in an expression, a print included.
type read struct {
	of, by *declaration // by is nil if the expression is not that of a declaration
	at     int          // the next instruction
	shape  int
}

// print is an instruction that appends a variable.
type print struct {
	at    int
	instr instr // the same with the value itself
	shape int
}

// value returns the Gen of the variable after a record of a shape.
func (d *declaration) value(shape int) fake.Gen {
	return func(r *fake.Record) value.Value {
		if shape >= len(d.moved) || !d.moved[shape] {
			return r.Vars[d.slot]
		}
		for _, u := range d.op.reads {
			r.Vars[u.of.slot] = u.of.value(shape)(r)
		}
		return d.op.Gen(r)
	}
}

// declaring notes a declaration, whose opSet is the next instruction.
func (c *compiler) declaring(name string, slot int, op operand) *declaration {
	d := &declaration{slot: slot, op: op, set: len(c.prog.code), shape: len(c.prog.shapes)}
	d.fixed = op.tied || c.moves() || c.in.assigned[name]
	for _, r := range op.reads {
		r.by = d
	}
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
	r := &read{of: v.decl, at: len(c.prog.code), shape: len(c.prog.shapes)}
	v.decl.reads = append(v.decl.reads, r)
	c.read = append(c.read, r)
}

// inline computes the variables that a shape prints at most once where it prints them.
// It visits those that an expression reads after the variable of the expression.
func (c *compiler) inline() {
	code := c.prog.code
	many := (c.prologueEnd-c.prog.prologue)*len(c.prog.shapes) > maxPrologues
	last := c.lastSets()
	for _, d := range slices.Backward(c.declared) {
		d.uses = c.uses(d)
		if d.fixed || d.set >= len(code) || code[d.set].op != opSet {
			continue
		}
		common := c.inPrologue(d.set)
		moved := make([]bool, len(d.uses))
		for s := range moved {
			moved[s] = d.uses[s] <= 1
			for _, r := range d.op.reads {
				// Another variable must not have taken the slot.
				moved[s] = moved[s] && last[variablePlace{r.of.slot, s}] <= d.set && last[variablePlace{r.of.slot, -1}] <= d.set
			}
		}
		if common && many && slices.Contains(moved, false) {
			continue
		}
		d.moved = moved
		if !common && moved[c.shapeAt(d.shape)] {
			code[d.set] = instr{}
		}
		for _, p := range d.prints {
			if p.at < len(code) && moved[c.shapeAt(p.shape)] {
				code[p.at] = p.instr
			}
		}
	}
	c.prologues()
}

// variablePlace is a slot in a shape, -1 for the code of all shapes.
type variablePlace struct{ slot, shape int }

// lastSets returns the last opSet of a declaration for each place.
func (c *compiler) lastSets() map[variablePlace]int {
	last := map[variablePlace]int{}
	for _, d := range c.declared {
		shape := c.shapeAt(d.shape)
		if c.inPrologue(d.set) {
			shape = -1
		}
		last[variablePlace{d.slot, shape}] = d.set
	}
	return last
}

// inPrologue reports whether an instruction belongs to all shapes.
func (c *compiler) inPrologue(at int) bool {
	return c.prog.prologue >= 0 && c.prog.prologue <= at && at < c.prologueEnd
}

// shapeAt returns the shape of an index, which is beyond those of the body in metadata,
// tag and expressions: these count as one.
func (c *compiler) shapeAt(shape int) int { return min(shape, len(c.prog.shapes)) }

// uses returns how often each shape uses a variable, with 2 or more for any use but one
// print.
func (c *compiler) uses(d *declaration) []int {
	uses := make([]int, len(c.prog.shapes)+1)
	for _, p := range d.prints {
		uses[c.shapeAt(p.shape)]--
	}
	prints := slices.Clone(uses)
	for _, r := range d.reads {
		from := c.shapeAt(r.shape)
		to := from + 1
		if c.inPrologue(r.at) {
			from, to = 0, len(uses)
		}
		for s := from; s < to; s++ {
			switch {
			case r.by == nil:
				uses[s]++
			case r.by.moved == nil || !r.by.moved[s] || r.by.uses[s] > 0:
				uses[s] += 2
			}
		}
	}
	for s := range uses {
		// Every print is a read, too.
		if uses[s] > 0 {
			uses[s]++
		} else {
			uses[s] = -prints[s]
		}
	}
	return uses
}

// prologues makes for each shape the code of all shapes, without the variables that it does
// not set. Shapes that set the same ones share it.
func (c *compiler) prologues() {
	p := c.prog
	var all []instr
	if p.prologue >= 0 {
		all = slices.Clone(p.code[p.prologue:c.prologueEnd])
	}
	starts := map[string]int{}
	for s := range p.shapes {
		p.shapes[s].prologue = -1
		if all == nil {
			continue
		}
		var moved []byte
		code := slices.Clone(all)
		for _, d := range c.declared {
			if c.inPrologue(d.set) && d.moved != nil && d.moved[s] {
				code[d.set-p.prologue] = instr{}
				moved = strconv.AppendInt(append(moved, ' '), int64(d.set), 10)
			}
		}
		start, ok := starts[string(moved)]
		if !ok {
			start = len(p.code)
			starts[string(moved)] = start
			for i := range code {
				if jumps.has(code[i].op) {
					code[i].a += start - p.prologue
				}
			}
			p.code = append(p.code, code...)
		}
		p.shapes[s].prologue = start
	}
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
			gens[v.name] = v.decl.value(len(c.prog.shapes))
		}
	}
	return gens
}
