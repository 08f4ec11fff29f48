// SPDX-License-Identifier: Apache-2.0

package template

import (
	"maps"
	"regexp"
	"slices"
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// definition is a fragment.
type definition struct {
	tree  *parse.Tree
	in    Text
	shift int
}

// dollar matches the variable $, which is the dot passed to a fragment.
var dollar = regexp.MustCompile(`\$(?:[^\pL\p{Nd}_]|$)`)

// template compiles {{ template "name" dot }}: the fragment is expanded in place.
func (c *compiler) template(n *parse.TemplateNode) {
	var op operand
	if n.Pipe != nil {
		op, _ = c.pipe(n.Pipe)
	}
	if op.Gen == nil {
		op.Operand = fake.Constant(value.Null)
	}
	dot := c.dots
	c.dots++
	c.emit(instr{op: opDot, b: dot, gen: op.Gen})
	c.fragment(n.Name, c.offset(n.Pos))
	c.emit(instr{op: opUndot, b: dot})
	c.topEnd()
}

// fragment compiles a fragment in place.
func (c *compiler) fragment(name string, at int) {
	def, ok := c.defs[name]
	if !ok {
		c.errorAt(at, "unknown fragment %q%s", name, units.Hint(name, slices.Sorted(maps.Keys(c.defs)), ""))
		c.standIn()
		return
	}
	if slices.Contains(c.active, name) {
		c.fail(at, "fragment %q uses itself", name)
		return
	}
	if c.lost && len(c.active) > 0 {
		return
	}
	was := c.scope
	c.scope = scope{in: def.in, shift: def.shift}
	c.active = append(c.active, name)
	c.fragments++
	if dollar.MatchString(def.tree.Root.String()) {
		c.emit(instr{op: opSet, a: c.declare("$", operand{}), gen: dot})
	}
	c.list(def.tree.Root)
	c.fragments--
	c.active = c.active[:len(c.active)-1]
	c.scope = was
}

// fragmentValue compiles (fragment "name" dot): the output of the fragment as a
// value.
func (c *compiler) fragmentValue(at int, args []parse.Node, piped *operand) (operand, bool) {
	var name *parse.StringNode
	if len(args) > 0 {
		name, _ = args[0].(*parse.StringNode)
	}
	given := constant(value.Null)
	switch {
	case c.atStart > 0:
		c.errorAt(at, "cardinality: fragments are not known at the start, when the values are computed")
		return operand{}, false
	case name == nil || len(args) > 2 || len(args) == 2 && piped != nil:
		c.errorAt(at, "fragment: expected the name of a fragment and its dot, as in fragment \"line\" $row")
		return operand{}, false
	case len(args) == 2:
		op, ok := c.expr(args[1])
		if !ok {
			return operand{}, false
		}
		given = op
	case piped != nil:
		given = *piped
	}
	if len(c.prog.code) >= MaxCode {
		return operand{}, false // already reported
	}
	index, ok := c.subprogram(name.Text, at)
	if !ok {
		return operand{}, false
	}
	// Functions called by the code may use the scratch space, so its output goes to another
	// buffer. A fragment does not use itself, so no other call needs this buffer.
	var buf []byte
	p, dot := c.prog, given.Gen
	return operand{Operand: fake.Operand{Gen: func(r *fake.Record) value.Value {
		was := r.Dot
		r.Dot = dot(r)
		buf = p.exec(buf[:0], p.subprograms[index])
		at := len(r.Scratch)
		r.Scratch = append(r.Scratch, buf...)
		r.Dot = was
		v, _ := value.First(value.OfBytes(r.Scratch[at:]).S())
		return v
	}}}, true
}

// subprogram compiles a fragment to code that the surrounding code jumps over, and
// returns its index in Program.subprograms.
func (c *compiler) subprogram(name string, at int) (index int, ok bool) {
	jump, errs := len(c.prog.code), len(c.errs)
	c.emit(instr{op: opJump})
	start := len(c.prog.code)
	was := c.position
	c.position = position{st: state{place: atValue}}
	c.env.Nested++
	c.fragment(name, at)
	c.env.Nested--
	if !c.lost && (c.st.place != atTop || c.st.comma != after) {
		c.errorAt(at, "fragment %q must be one JSON value to be used here", name)
	}
	c.emit(instr{op: opEnd})
	c.patch(jump)
	c.position = was
	if len(c.errs) > errs {
		return 0, false
	}
	c.prog.subprograms = append(c.prog.subprograms, start)
	return len(c.prog.subprograms) - 1, true
}
