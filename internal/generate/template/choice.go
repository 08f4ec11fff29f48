// SPDX-License-Identifier: Apache-2.0

package template

import (
	"maps"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// An if that only assigns to variables is a choice: each variable has one value, which
// depends on the condition. It is compiled like a new declaration of each, so that the
// values can be computed where they are printed, see inline.

// choiceVariables adds the variables that an if assigns to assigned, and those that it
// reads to read. It reports whether the if only assigns to variables.
func choiceVariables(n *parse.IfNode, assigned, read map[string]bool) bool {
	if len(n.Pipe.Decl) > 0 {
		return false
	}
	readVariables(n.Pipe, read)
	for _, l := range []*parse.ListNode{n.List, n.ElseList} {
		if l == nil {
			continue
		}
		for _, n := range l.Nodes {
			switch n := n.(type) {
			case *parse.TextNode:
				if strings.TrimSpace(string(n.Text)) != "" {
					return false
				}
			case *parse.ActionNode:
				if len(n.Pipe.Decl) != 1 || !n.Pipe.IsAssign {
					return false
				}
				assigned[n.Pipe.Decl[0].Ident[0]] = true
				readVariables(n.Pipe, read)
			case *parse.IfNode:
				if !choiceVariables(n, assigned, read) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

// readVariables adds the variables that a pipeline reads.
func readVariables(p *parse.PipeNode, read map[string]bool) {
	for _, cmd := range p.Cmds {
		for _, name := range variable.FindAllString(cmd.String(), -1) {
			read[name] = true
		}
	}
}

// isChoice reports whether an if that is not part of another action is a choice. Its
// values must not depend on each other, and fixed has the variables that get values in
// other ways.
func isChoice(n *parse.IfNode, fixed map[string]bool) bool {
	assigned, read := map[string]bool{}, map[string]bool{}
	if !choiceVariables(n, assigned, read) || len(assigned) == 0 {
		return false
	}
	for name := range assigned {
		if read[name] || fixed[name] {
			return false
		}
	}
	return true
}

// assignments returns the variables that get values outside of declarations and choices.
// Only the outermost ifs of root, if any, are choices.
func assignments(root *parse.ListNode, fragments map[string]*parse.Tree) map[string]bool {
	found := map[string]bool{}
	for _, f := range fragments {
		addAssignments(f.Root, f.Root == root, found)
	}
	for n := -1; root != nil && n < len(found); {
		n = len(found)
		addAssignments(root, true, found)
	}
	return found
}

// addAssignments adds the variables that a list assigns to found.
func addAssignments(l *parse.ListNode, outermost bool, found map[string]bool) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		var b *parse.BranchNode
		switch n := n.(type) {
		case *parse.ActionNode:
			if n.Pipe.IsAssign {
				for _, v := range n.Pipe.Decl {
					found[v.Ident[0]] = true
				}
			}
		case *parse.IfNode:
			if !outermost || !isChoice(n, found) {
				b = &n.BranchNode
			}
		case *parse.WithNode:
			b = &n.BranchNode
		case *parse.RangeNode:
			b = &n.BranchNode
		}
		if b == nil {
			continue
		}
		if b.Pipe.IsAssign {
			for _, v := range b.Pipe.Decl {
				found[v.Ident[0]] = true
			}
		}
		addAssignments(b.List, false, found)
		addAssignments(b.ElseList, false, found)
	}
}

// choice compiles an if that is a choice, and reports whether it did.
func (c *compiler) choice(n *parse.IfNode) bool {
	if c.in.Name != c.conf.Body.Name || c.depth+c.loopDepth+c.fragments+c.dotted > 0 || !isChoice(n, c.in.assigned) {
		return false
	}
	assigned := map[string]bool{}
	choiceVariables(n, assigned, map[string]bool{})
	c.choosing = map[int]bool{}
	for name := range assigned {
		v := c.variable(name)
		if v == nil {
			return false // which is an error
		}
		c.choosing[v.slot] = true
	}
	var names []string // in the order of the text
	values := c.choose(n, nil, &names)
	if values == nil {
		return true // the errors are reported
	}
	for _, name := range names {
		op := values[name]
		// Each variable has reads of its own.
		op.reads = slices.Clone(op.reads)
		for i, r := range op.reads {
			r = &read{of: r.of, at: r.at, shape: r.shape}
			r.of.reads = append(r.of.reads, r)
			op.reads[i] = r
		}
		slot := c.declare(name, op)
		d := c.declaring(name, slot, op)
		d.chosen = true
		c.vars[len(c.vars)-1].decl = d
		c.emit(instr{op: opSet, a: slot, gen: op.Gen})
	}
	return true
}

// choose compiles the values that an if assigns, or returns nil after an error. before
// has the values that were assigned before. It adds the names to names.
func (c *compiler) choose(n *parse.IfNode, before map[string]operand, names *[]string) map[string]operand {
	cond, ok := c.onlyPipe(n.Pipe)
	then := c.chosen(n.List, before, names)
	otherwise := c.chosen(n.ElseList, before, names)
	if !ok || then == nil || otherwise == nil {
		return nil
	}
	values := map[string]operand{}
	for _, name := range *names {
		a, isSet := then[name]
		b, isSetToo := otherwise[name]
		if !isSet && !isSetToo {
			continue
		}
		if !isSet {
			a = c.current(name, before)
		}
		if !isSetToo {
			b = c.current(name, before)
		}
		values[name] = either(cond, a, b)
	}
	return values
}

// chosen compiles the assignments of a branch.
func (c *compiler) chosen(l *parse.ListNode, before map[string]operand, names *[]string) map[string]operand {
	values := map[string]operand{}
	if l == nil {
		return values
	}
	all, sound := maps.Clone(before), true
	if all == nil {
		all = map[string]operand{}
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			name := n.Pipe.Decl[0].Ident[0]
			op, ok := c.onlyPipe(n.Pipe)
			sound = sound && ok && op.Gen != nil
			values[name], all[name] = op, op
			if !slices.Contains(*names, name) {
				*names = append(*names, name)
			}
		case *parse.IfNode:
			inner := c.choose(n, all, names)
			sound = sound && inner != nil
			maps.Copy(values, inner)
			maps.Copy(all, inner)
		}
	}
	if !sound {
		return nil
	}
	return values
}

// onlyPipe compiles a pipeline without recording which variables it reads: the caller may
// discard the result.
func (c *compiler) onlyPipe(p *parse.PipeNode) (operand, bool) {
	op, ok := c.pipe(p)
	for _, r := range op.reads {
		r.of.reads = slices.DeleteFunc(r.of.reads, func(x *read) bool { return x == r })
	}
	return op, ok
}

// current returns the value of a variable before an if.
func (c *compiler) current(name string, before map[string]operand) operand {
	if op, ok := before[name]; ok {
		return op
	}
	v := c.variable(name)
	if v.decl != nil && (v.decl.op.Const || v.decl.chosen && !v.decl.fixed && c.holds(v.decl)) {
		return v.decl.op
	}
	op := operand{Operand: fake.Operand{Gen: ofSlot(v.slot), Names: v.names, Kinds: v.kinds}, omit: v.omit}
	if v.decl == nil || v.decl.fixed {
		op.tied = true
		return op
	}
	op.reads = []*read{{of: v.decl, at: len(c.prog.code), shape: len(c.prog.shapes)}}
	return op
}

// holds reports whether the value of a variable can be computed again by the choice that
// is being compiled: nothing takes the slots of the variables that it reads.
func (c *compiler) holds(d *declaration) bool {
	for _, r := range d.op.reads {
		if c.choosing[r.of.slot] || slices.ContainsFunc(c.declared, func(x *declaration) bool { return x.slot == r.of.slot && x.set > d.set }) {
			return false
		}
	}
	return true
}

// either returns the value a if a condition is true, and b otherwise.
func either(cond, a, b operand) operand {
	op := operand{omit: a.omit || b.omit, tied: cond.tied || a.tied || b.tied, reads: slices.Concat(cond.reads, a.reads, b.reads)}
	is, then, otherwise := cond.Gen, a.Gen, b.Gen
	op.Gen = func(r *fake.Record) value.Value {
		if is(r).Truth() {
			return then(r)
		}
		return otherwise(r)
	}
	if a.Kinds != 0 && b.Kinds != 0 {
		op.Kinds = a.Kinds | b.Kinds
	}
	if a.Names == b.Names {
		op.Names = a.Names
	}
	if a, b := textOf(a), textOf(b); a != nil && b != nil {
		op.Text = func(dst []byte, r *fake.Record) []byte {
			if is(r).Truth() {
				return a(dst, r)
			}
			return b(dst, r)
		}
	}
	return op
}

// textOf returns what appends the text of a value, or nil if that is not known to be a
// string.
func textOf(op operand) fake.Append {
	if op.Const && op.Value.K == value.String {
		text := op.Value.S()
		return func(dst []byte, _ *fake.Record) []byte { return append(dst, text...) }
	}
	return op.Text
}
