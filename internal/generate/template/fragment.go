package template

import (
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

// dollar finds the variable $, which is the dot that a fragment is given.
var dollar = regexp.MustCompile(`\$(?:[^\pL\p{Nd}_]|$)`)

// template compiles {{ template "name" dot }}: the fragment is put in here.
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

// fragment puts the code of a fragment in.
func (c *compiler) fragment(name string, at int) {
	def, ok := c.defs[name]
	if !ok {
		var names []string
		for n := range c.defs {
			names = append(names, n)
		}
		slices.Sort(names)
		hint := ""
		if near := units.Nearest(name, names); near != "" {
			hint = "; the nearest one is " + near
		}
		c.errorAt(at, "there is no fragment %q%s", name, hint)
		c.standIn()
		return
	}
	if slices.Contains(c.active, name) {
		c.errorAt(at, "the fragment %q uses itself", name)
		c.stop()
		return
	}
	if c.halted && len(c.active) > 0 {
		return
	}
	in, shift, vars, brk := c.in, c.shift, c.vars, c.breaks
	c.in, c.shift, c.vars, c.breaks = def.in, def.shift, nil, nil
	c.active = append(c.active, name)
	c.fragments++
	if dollar.MatchString(def.tree.Root.String()) {
		c.emit(instr{op: opSet, a: c.declare("$", operand{}), gen: dot})
	}
	c.list(def.tree.Root)
	c.fragments--
	c.active = c.active[:len(c.active)-1]
	c.in, c.shift, c.vars, c.breaks = in, shift, vars, brk
}

// fragmentValue compiles (fragment "name" dot): what the fragment gives, as a
// value.
func (c *compiler) fragmentValue(at int, args []parse.Node, piped *operand) (operand, bool) {
	var name *parse.StringNode
	if len(args) > 0 {
		name, _ = args[0].(*parse.StringNode)
	}
	given := operand{Operand: fake.Constant(value.Null)}
	if c.atStart > 0 {
		c.errorAt(at, "cardinality computes its values at the start, where fragments are not known")
		return operand{}, false
	}
	switch {
	case name == nil || len(args) > 2 || len(args) == 2 && piped != nil:
		c.errorAt(at, "fragment takes the name of a fragment, and the dot that it is given: fragment \"line\" $row")
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
		return operand{}, false // told already
	}
	st, depth, loopDepth, halted := c.st, c.depth, c.loopDepth, c.halted
	// Its code stands aside, jumped over.
	jump := len(c.prog.code)
	c.emit(instr{op: opJump})
	start := len(c.prog.code)
	c.st, c.depth, c.loopDepth, c.halted = state{place: atValue}, 0, 0, false
	c.env.Nested++
	errs := len(c.errs)
	c.fragment(name.Text, at)
	c.env.Nested--
	if !c.halted && (c.st.place != atTop || c.st.comma != after) {
		c.errorAt(at, "the fragment %q must be one JSON value to be used here", name.Text)
	}
	c.emit(instr{op: opEnd})
	c.patch(jump)
	c.st, c.depth, c.loopDepth, c.halted = st, depth, loopDepth, halted
	if len(c.errs) > errs {
		return operand{}, false
	}
	p := c.prog
	p.asides = append(p.asides, start)
	aside := len(p.asides) - 1
	dotGen := given.Gen
	return operand{Operand: fake.Operand{Gen: func(r *fake.Record) value.Value {
		was := r.Dot
		r.Dot = dotGen(r)
		// The code composes in memory of its own: what it calls may use the
		// scratch space, too.
		tmp := p.take()
		tmp = p.exec(tmp, p.asides[aside])
		at := len(r.Scratch)
		r.Scratch = append(r.Scratch, tmp...)
		p.give(tmp)
		r.Dot = was
		v, _ := value.First(value.OfBytes(r.Scratch[at:]).S())
		return v
	}}}, true
}

// take and give lend memory to code that stands aside.
func (p *Program) take() []byte {
	if n := len(p.spare); n > 0 {
		b := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return b[:0]
	}
	return make([]byte, 0, 512)
}

func (p *Program) give(b []byte) { p.spare = append(p.spare, b) }
