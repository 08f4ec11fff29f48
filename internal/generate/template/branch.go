package template

import (
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// breaks are the jumps out of a loop.
type breaks struct {
	loop  int
	st    state
	jumps []int
	again []int // jumps to the next round
}

// branch compiles if and with.
func (c *compiler) branch(n *parse.BranchNode, word string) {
	scope := len(c.vars)
	op, ok := c.pipe(n.Pipe)
	if len(n.Pipe.Decl) > 0 {
		c.set(n.Pipe, op)
		name := n.Pipe.Decl[0].Ident[0]
		if v := c.variable(name); v != nil {
			op.Operand = fake.Operand{Gen: ofSlot(v.slot), Names: v.names}
		}
	}
	if !ok || op.Gen == nil {
		op.Operand = fake.Constant(value.Null)
	}
	c.branchAtColon(n.List, c.offset(n.Pos))
	dot := c.dots
	jump := len(c.prog.code)
	if word == "with" {
		c.dots++
		c.emit(instr{op: opWith, b: dot, gen: op.Gen})
	} else {
		c.emit(instr{op: opUnless, gen: op.Gen})
	}
	c.depth++
	before := c.st.clone()
	halted, mistakes := c.halted, c.mistakes
	if word == "with" {
		c.dotted++
	}
	c.list(n.List)
	c.settle()
	if word == "with" {
		c.dotted--
		c.emit(instr{op: opUndot, b: dot})
	}
	then := c.st
	thenHalted := c.halted
	c.halted = halted || thenHalted && before.inString()
	c.vars = c.vars[:scope]
	skip := len(c.prog.code)
	if n.ElseList != nil {
		c.emit(instr{op: opJump})
	}
	c.patch(jump)
	c.st = before.clone()
	c.list(n.ElseList)
	c.settle()
	if n.ElseList != nil {
		c.patch(skip)
	}
	c.vars = c.vars[:scope]
	c.depth--
	c.halted = c.halted || thenHalted
	if c.halted {
		return
	}
	met, ok := meet(then, c.st)
	if !ok {
		at := c.offset(n.Pos)
		switch {
		case c.mistakes > mistakes:
			// It may follow from what was told.
		case n.ElseList == nil && before.place == atValue:
			c.errorAt(at, "without an else there is a name without a value if this %s does not hold; {{ else }}{{ omit }} leaves the member out", word)
		case n.ElseList == nil && before.place == atTop:
			c.errorAt(at, "without an else there is no object if this %s does not hold", word)
		case then.place == c.st.place:
			c.errorAt(at, "what this %s opens must be closed within it", word)
		case n.ElseList == nil:
			c.errorAt(at, "the JSON must stand where it stood after this %s: it begins %s and ends %s", word, before.place, then.place)
		default:
			c.errorAt(at, "the branches of this %s must leave the JSON at the same place: one ends %s, the other %s", word, then.place, c.st.place)
		}
		met = then
		c.forks(&met, before)
	}
	c.st = met
	c.topEnd()
}

// topEnd ends a shape whose object stood within an if.
func (c *compiler) topEnd() {
	if c.st.place == atTop && c.st.comma == after && c.depth == 0 && c.fragments == 0 {
		c.endShape()
	}
}

// patch makes the instruction at i jump to here.
func (c *compiler) patch(i int) {
	if i < len(c.prog.code) {
		c.prog.code[i].a = len(c.prog.code)
	}
}

// rangeNode compiles range.
func (c *compiler) rangeNode(n *parse.RangeNode) {
	scope := len(c.vars)
	op, ok := c.pipe(n.Pipe)
	if !ok {
		op.Operand = fake.Constant(value.Null)
	}
	if op.Const {
		at := c.offset(n.Pipe.Pos)
		switch v := op.Value; {
		case v.K == value.Int && v.Int() > MaxLoop:
			c.errorAt(at, "a loop runs at most %d times", MaxLoop)
		case ok && v.K != value.Int && v.K != value.Raw:
			c.errorAt(at, "range takes a number, an array or an object, found %s", op.Kinds)
		}
	}
	c.branchAtColon(n.List, c.offset(n.Pos))
	if ok && !op.Const && !op.Ranges() {
		c.errorAt(c.offset(n.Pipe.Pos), "range takes a number, an array or an object, found %s", op.Kinds)
	}
	loop := c.loops
	c.loops++
	begin := len(c.prog.code)
	c.emit(instr{op: opRange, b: loop, gen: op.Gen})
	c.depth++
	c.loopDepth++
	next := len(c.prog.code)
	c.emit(instr{op: opNext, b: loop})
	switch d := n.Pipe.Decl; len(d) {
	case 1:
		c.emit(instr{op: opItem, a: c.declare(d[0].Ident[0], operand{}), b: loop})
	case 2:
		c.emit(instr{op: opIndex, a: c.declare(d[0].Ident[0], operand{}), b: loop})
		c.emit(instr{op: opItem, a: c.declare(d[1].Ident[0], operand{}), b: loop})
	}
	before := c.st.clone()
	if c.st.place == atMember || c.st.place == atElem {
		c.st.comma = maybe
	}
	br := &breaks{loop: loop, st: c.st.clone()}
	c.breaks = append(c.breaks, br)
	halted, mistakes := c.halted, c.mistakes
	c.dotted++
	c.list(n.List)
	c.settle()
	c.dotted--
	c.breaks = c.breaks[:len(c.breaks)-1]
	for _, j := range br.again {
		c.patch(j)
	}
	c.emit(instr{op: opJump, a: next})
	c.vars = c.vars[:scope]
	c.patch(next)
	end := c.st
	if !c.halted && !end.dead {
		if _, ok := meet(br.st, end); !ok {
			at := c.offset(n.Pos)
			switch {
			case c.mistakes > mistakes:
				// It may follow from what was told.
			case br.st.place != end.place:
				c.errorAt(at, "what this range repeats must end where it began: it begins %s and ends %s", br.st.place, end.place)
			case end.place == atTop:
				c.errorAt(at, "a range can't stand around whole objects: a record has one, and further ones are other records")
				c.stop()
			default:
				c.errorAt(at, "what this range opens must be closed within it")
			}
			if before.place == atValue {
				c.st = before
				c.st.top().wrong = true // perhaps it should be an array
				c.closeValue()
				before = c.st
			}
			c.forks(&before, end)
		}
	}
	if n.ElseList != nil {
		skip := len(c.prog.code)
		c.emit(instr{op: opJump})
		c.patch(begin)
		after := c.st
		c.st = before.clone()
		was := c.halted
		c.halted = halted
		c.list(n.ElseList)
		c.settle()
		c.halted = c.halted || was
		c.vars = c.vars[:scope]
		if !c.halted {
			met, ok := meet(after, c.st)
			if !ok {
				c.errorAt(c.offset(n.Pos), "the else of this range must leave the JSON where it stood: it ends %s", c.st.place)
				c.stop()
			}
			c.st = met
		}
		c.patch(skip)
	} else {
		c.patch(begin)
		c.st = before
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

// leave compiles break and continue.
func (c *compiler) leave(pos parse.Pos, again bool) {
	if len(c.breaks) == 0 || c.halted {
		return // the parser has seen to the first
	}
	br := c.breaks[len(c.breaks)-1]
	if _, ok := meet(br.st, c.st); !ok {
		c.errorAt(c.offset(pos), "the JSON must stand here as at the start of the range: it is %s, not %s", c.st.place, br.st.place)
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
