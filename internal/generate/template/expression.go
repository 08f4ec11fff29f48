// SPDX-License-Identifier: Apache-2.0

package template

import (
	"errors"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// operand is a compiled expression.
type operand struct {
	fake.Operand
	omit bool         // may be omit
	slot int          // 1 + the slot of the variable; 0 if the expression is not a variable
	decl *declaration // of that variable, if it is known
	tied bool         // reads a variable that is assigned again

	reads []*read // of variables with one value
}

// pipe compiles a pipeline. The value of a command is the last argument of the next.
func (c *compiler) pipe(p *parse.PipeNode) (operand, bool) {
	var op operand
	ok := true
	changing, read := c.changing, len(c.read)
	for i, cmd := range p.Cmds {
		var piped *operand
		if i > 0 {
			o := op
			piped = &o
		}
		var good bool
		op, good = c.command(cmd, piped, ok)
		ok = ok && good
	}
	op.tied, op.reads = c.changing > changing, c.read[read:len(c.read):len(c.read)]
	return op, ok
}

// command compiles one command of a pipeline. If sound is false, the piped value is
// unknown because of an error.
func (c *compiler) command(cmd *parse.CommandNode, piped *operand, sound bool) (operand, bool) {
	first := cmd.Args[0]
	if id, ok := first.(*parse.IdentifierNode); ok {
		return c.call(id, cmd.Args[1:], piped, sound)
	}
	if len(cmd.Args) > 1 || piped != nil {
		c.errorAt(c.offset(first.Position()), "%s is not a function and takes no arguments", first)
		return operand{}, false
	}
	return c.expr(first)
}

// expr compiles an argument.
func (c *compiler) expr(n parse.Node) (operand, bool) {
	switch n := n.(type) {
	case *parse.BoolNode:
		return constant(value.OfBool(n.True)), true
	case *parse.StringNode:
		return constant(value.OfString(n.Text)), true
	case *parse.NilNode:
		return constant(value.Null), true
	case *parse.NumberNode:
		switch {
		case n.IsInt && !strings.ContainsAny(n.Text, ".eEpP") || n.IsInt && strings.HasPrefix(n.Text, "0x"):
			return constant(value.OfInt(n.Int64)), true
		case n.IsFloat:
			return constant(value.OfFloat(n.Float64)), true
		}
		c.errorAt(c.offset(n.Pos), "invalid number %s: expected an integer or a double", n.Text)
		return operand{}, false
	case *parse.DotNode:
		return c.ofDot(n.String(), nil, n.Pos)
	case *parse.FieldNode:
		return c.ofDot(n.String(), n.Ident, n.Pos)
	case *parse.VariableNode:
		name := n.Ident[0]
		v := c.variable(name)
		if v == nil {
			if name == "$" {
				c.errorAt(c.offset(n.Pos), "$ has no value: a template has no data")
			} else {
				c.unknownVariable(name, n.Pos)
			}
			return operand{}, false
		}
		if !c.known(name, n.Pos) {
			return operand{}, false
		}
		op := operand{Operand: fake.Operand{Gen: ofSlot(v.slot), Names: v.names, Kinds: v.kinds}, omit: v.omit}
		c.reading(v)
		if len(n.Ident) == 1 {
			op.slot, op.decl = v.slot+1, v.decl
		}
		return c.fields(op, n.Ident[1:], n.Pos)
	case *parse.ChainNode:
		op, ok := c.expr(n.Node)
		if !ok {
			return op, false
		}
		return c.fields(op, n.Field, n.Pos)
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			c.errorAt(c.offset(n.Pos), "a variable cannot be declared here")
			return operand{}, false
		}
		return c.pipe(n)
	case *parse.IdentifierNode:
		return c.call(n, nil, nil, true)
	}
	c.errorAt(c.offset(n.Position()), "unexpected %s", n)
	return operand{}, false
}

// known reports whether values of a record can be used here: the values of a
// cardinality are computed before the first record.
func (c *compiler) known(what string, pos parse.Pos) bool {
	if c.atStart > 0 {
		c.errorAt(c.offset(pos), "cardinality: %s is not known at the start, when the values are computed", what)
	}
	return c.atStart == 0
}

// ofDot compiles the dot, or .a.b. what is its text.
func (c *compiler) ofDot(what string, names []string, pos parse.Pos) (operand, bool) {
	if !c.known(what, pos) {
		return operand{}, false
	}
	if c.dotted+c.fragments > 0 {
		return c.fields(operand{Operand: fake.Operand{Gen: dot}}, names, pos)
	}
	hint := ""
	if v := "$" + strings.TrimPrefix(strings.Split(what, ".")[1], "."); v != "$" && c.variable(v) != nil {
		hint = "; did you mean " + v + "?"
	}
	c.errorAt(c.offset(pos), "%s has no value here: only with, range and fragments set the dot%s", what, hint)
	return operand{}, false
}

// ofSlot returns the Gen of a variable.
func ofSlot(slot int) fake.Gen {
	return func(r *fake.Record) value.Value { return r.Vars[slot] }
}

func dot(r *fake.Record) value.Value { return r.Dot }

func constant(v value.Value) operand { return operand{Operand: fake.Constant(v)} }

// fields compiles .a.b after an operand.
func (c *compiler) fields(op operand, names []string, pos parse.Pos) (operand, bool) {
	for i, name := range names {
		if i == 0 && op.Names != nil && !slices.Contains(*op.Names, name) {
			c.errorAt(c.offset(pos), "unknown column %s%s", name, units.Hint(name, *op.Names, strings.Join(*op.Names, ", ")))
			return operand{}, false
		}
		if op.Kinds != 0 && !op.HasFields() {
			c.errorAt(c.offset(pos), ".%s: expected an object or a row, found %s", name, op.Kinds)
			return operand{}, false
		}
		from := op.Gen
		op = operand{Operand: fake.Operand{Gen: func(r *fake.Record) value.Value { return from(r).Field(name) }}}
	}
	return op, true
}

// call compiles a call of a function. sound is false after an error in the expression.
func (c *compiler) call(id *parse.IdentifierNode, args []parse.Node, piped *operand, sound bool) (operand, bool) {
	at := c.offset(id.Pos)
	if id.Ident == placeholder && len(c.errs) > 0 {
		return operand{}, false // already reported
	}
	f := fake.Find(id.Ident)
	if f == nil {
		c.errorAt(at, "unknown function %s%s", id.Ident, fake.HintFunc(id.Ident))
		for _, a := range args {
			c.expr(a)
		}
		return operand{}, false
	}
	switch f.Name {
	case "omit":
		if len(args) == 0 && piped == nil {
			op := constant(value.Omitted)
			op.Const = false
			op.omit = true
			return op, true
		}
	case "weight", "irregular", "pad":
		c.errorAt(at, "%s must be in an action of its own", f.Name)
		return operand{}, false
	case "fragment":
		return c.fragmentValue(at, args, piped)
	}
	sound = c.allowed(f, at) && sound
	c.places++
	call := &fake.Call{Func: f, Place: c.places, Env: c.env}
	omit := false
	offsets := make([]int, 0, len(args)+1)
	for i, a := range args {
		compile := c.expr
		if f.Keyed && i == len(args)-1 {
			compile = func(a parse.Node) (operand, bool) { return c.keyed(call, a) }
		}
		op, ok := compile(a)
		sound = sound && ok
		omit = omit || op.omit
		call.Args = append(call.Args, op.Operand)
		offsets = append(offsets, c.offset(a.Position()))
	}
	if piped != nil && f.Keyed {
		c.errorAt(at, "%s takes no piped value: write its EXPRESSION in parentheses, as in %s", f.Name, f.Example)
		return operand{}, false
	}
	if piped != nil {
		omit = omit || piped.omit
		call.Args = append(call.Args, piped.Operand)
		offsets = append(offsets, at)
	}
	if !sound {
		return operand{}, false
	}
	op, err := call.Build()
	if err != nil {
		var arg *fake.ArgError
		if errors.As(err, &arg) && arg.Arg >= 0 && arg.Arg < len(offsets) {
			at = offsets[arg.Arg]
		}
		c.errorAt(at, "%v", err)
		return operand{}, false
	}
	return operand{Operand: op, omit: omit && !op.Const}, true
}

// allowed reports whether a function may be called here: within per and cardinality, not
// all can. If not, it reports an error.
func (c *compiler) allowed(f *fake.Func, at int) bool {
	switch {
	case c.inPer > 0 && f.Follows != fake.Nothing:
		c.errorAt(at, "per has one value for each key, but %s depends on the record's %s: compute what depends on the key in a variable before", f.Name, f.Follows)
	case c.atStart > 0 && f.Follows == fake.TheTime:
		c.errorAt(at, "cardinality: %s depends on the time, which is not known at the start, when the values are computed", f.Name)
	default:
		return true
	}
	return false
}

// keyed compiles the expression of a call of per or of cardinality. An expression has the
// same value for the same key anywhere in a template.
func (c *compiler) keyed(call *fake.Call, a parse.Node) (operand, bool) {
	within := &c.atStart
	if call.Func.Name == "per" {
		within = &c.inPer
	}
	c.places = seed.Text(a.String()) | 1<<63
	call.Set = c.places
	c.env.Nested++
	*within++
	op, ok := c.expr(a)
	c.env.Nested--
	*within--
	c.places = call.Place
	return op, ok
}
