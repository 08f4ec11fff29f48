// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// breaks are the break and continue actions of a loop.
type breaks struct {
	loop  int
	st    state // at the start of the body
	jumps []int // out of the loop
	again []int // to the next iteration
}

// branch compiles if and with.
func (c *compiler) branch(n *parse.BranchNode, word string) {
	scope := len(c.vars)
	gen := c.condition(n.Pipe)
	before := c.st.clone()
	jump, dot := len(c.prog.code), c.dots
	c.depth++
	if word == "with" {
		c.dots++
		c.emit(instr{op: opWith, b: dot, gen: gen})
		c.dotted++
		c.list(n.List)
		c.dotted--
		c.emit(instr{op: opUndot, b: dot})
	} else {
		c.emit(instr{op: opUnless, gen: gen})
		c.list(n.List)
	}
	then := c.st
	c.vars = c.vars[:scope]
	c.st = before.clone()
	if n.ElseList == nil {
		c.patch(jump)
	} else {
		skip := len(c.prog.code)
		c.emit(instr{op: opJump})
		c.patch(jump)
		c.list(n.ElseList)
		c.patch(skip)
		c.vars = c.vars[:scope]
	}
	c.depth--
	if c.lost {
		return
	}
	met, ok := meet(then, c.st)
	if !ok {
		c.fail(c.offset(n.Pos), "%s", mismatch(word, n.ElseList != nil, before, then, c.st))
		return
	}
	c.st = met
	c.topEnd()
}

// condition compiles the pipeline of an if or a with.
func (c *compiler) condition(p *parse.PipeNode) fake.Gen {
	op, ok := c.pipe(p)
	if len(p.Decl) > 0 {
		c.set(p, op)
		if v := c.variable(p.Decl[0].Ident[0]); v != nil {
			op.Operand = fake.Operand{Gen: ofSlot(v.slot)}
			if v.decl != nil {
				v.decl.fixed = true
			}
		}
	}
	if !ok || op.Gen == nil {
		return fake.Constant(value.Null).Gen
	}
	return op.Gen
}

// mismatch returns the error for branches that end in the states then and otherwise,
// which cannot be joined.
func mismatch(word string, hasElse bool, before, then, otherwise state) string {
	switch {
	case !hasElse && before.place == atValue:
		return fmt.Sprintf("without an else there is a name without a value if the condition of this %s is false; {{ else }}{{ omit }} omits the member", word)
	case !hasElse && before.place == atTop:
		return fmt.Sprintf("without an else there is no object if the condition of this %s is false", word)
	case then.place == otherwise.place:
		return fmt.Sprintf("this %s must close the objects, arrays and strings that it opens", word)
	case !hasElse:
		return fmt.Sprintf("this %s must end at the same place in the JSON as it begins: it begins %s and ends %s", word, before.place, then.place)
	}
	return fmt.Sprintf("the branches of this %s must end at the same place in the JSON: one ends %s, the other %s", word, then.place, otherwise.place)
}

// topEnd ends a shape whose object was inside an if.
func (c *compiler) topEnd() {
	if c.st.place == atTop && c.st.comma == after && c.depth == 0 && c.fragments == 0 {
		c.endShape()
	}
}

// patch makes the instruction at i jump to the next instruction.
func (c *compiler) patch(i int) {
	if i < len(c.prog.code) {
		c.prog.code[i].a = len(c.prog.code)
	}
}

// rangeNode compiles range.
func (c *compiler) rangeNode(n *parse.RangeNode) {
	scope := len(c.vars)
	op := c.rangeOperand(n.Pipe)
	before := c.st.clone()
	br := &breaks{loop: c.loops}
	c.loops++
	start := len(c.prog.code)
	c.emit(instr{op: opRange, b: br.loop, gen: op.Gen})
	c.depth++
	c.loopDepth++
	c.rangeBody(n, br)
	c.vars = c.vars[:scope]
	if n.ElseList == nil {
		c.patch(start)
		c.st = before
	} else {
		c.rangeElse(n, start, before)
		c.vars = c.vars[:scope]
	}
	if c.st.place == atMember || c.st.place == atElem {
		c.st.comma = maybe
	}
	for _, j := range br.jumps {
		c.patch(j)
	}
	c.depth--
	c.loopDepth--
}

// rangeOperand compiles the value that a range iterates over.
func (c *compiler) rangeOperand(p *parse.PipeNode) operand {
	op, ok := c.pipe(p)
	switch v := op.Value; {
	case !ok:
		return constant(value.Null)
	case op.Const && v.K == value.Int && v.Int() > MaxLoop:
		c.errorAt(c.offset(p.Pos), "range: expected at most %d iterations, found %d", MaxLoop, v.Int())
	case op.Const && v.K != value.Int && v.K != value.Raw, !op.Const && !op.Ranges():
		c.errorAt(c.offset(p.Pos), "range: expected a number, an array or an object, found %s", op.Kinds)
	}
	return op
}

// rangeBody compiles the body of a range. It must end at the place in the JSON where
// it begins.
func (c *compiler) rangeBody(n *parse.RangeNode, br *breaks) {
	next := len(c.prog.code)
	c.emit(instr{op: opNext, b: br.loop})
	switch d := n.Pipe.Decl; len(d) {
	case 1:
		c.emit(instr{op: opItem, a: c.declare(d[0].Ident[0], operand{}), b: br.loop})
	case 2:
		c.emit(instr{op: opIndex, a: c.declare(d[0].Ident[0], operand{}), b: br.loop})
		c.emit(instr{op: opItem, a: c.declare(d[1].Ident[0], operand{}), b: br.loop})
	}
	if c.st.place == atMember || c.st.place == atElem {
		c.st.comma = maybe
	}
	br.st = c.st.clone()
	c.breaks = append(c.breaks, br)
	c.dotted++
	c.list(n.List)
	c.dotted--
	c.breaks = c.breaks[:len(c.breaks)-1]
	for _, j := range br.again {
		c.patch(j)
	}
	c.emit(instr{op: opJump, a: next})
	c.patch(next)
	if _, ok := meet(br.st, c.st); ok || c.lost || c.st.dead {
		return
	}
	at := c.offset(n.Pos)
	switch {
	case br.st.place != c.st.place:
		c.fail(at, "the body of this range must end at the same place in the JSON as it begins: it begins %s and ends %s", br.st.place, c.st.place)
	case c.st.place == atTop:
		c.fail(at, "a range must not contain complete records: only an if can select one")
	default:
		c.fail(at, "this range must close the objects, arrays and strings that it opens")
	}
}

// rangeElse compiles the else of a range that starts at the instruction start, in
// the state before.
func (c *compiler) rangeElse(n *parse.RangeNode, start int, before state) {
	skip := len(c.prog.code)
	c.emit(instr{op: opJump})
	c.patch(start)
	then := c.st
	c.st = before
	c.list(n.ElseList)
	c.patch(skip)
	if c.lost {
		return
	}
	met, ok := meet(then, c.st)
	if !ok {
		c.fail(c.offset(n.Pos), "the else of this range must end at the same place in the JSON as it begins: it ends %s", c.st.place)
	}
	c.st = met
}

// leave compiles break and continue.
func (c *compiler) leave(pos parse.Pos, again bool) {
	if len(c.breaks) == 0 || c.lost {
		return // the parser has reported a break outside of a range
	}
	br := c.breaks[len(c.breaks)-1]
	if _, ok := meet(br.st, c.st); !ok {
		c.fail(c.offset(pos), "break and continue must be at the same place in the JSON as the start of the range: found one %s, expected %s", c.st.place, br.st.place)
		return
	}
	if !again {
		c.emit(instr{op: opBreak, b: br.loop})
		br.jumps = append(br.jumps, len(c.prog.code))
	} else {
		br.again = append(br.again, len(c.prog.code))
	}
	c.emit(instr{op: opJump})
	c.st.dead = true
}
