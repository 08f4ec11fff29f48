// SPDX-License-Identifier: Apache-2.0

package template

import (
	"math"
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// action compiles {{ ... }}: a declaration, an assignment or a value.
func (c *compiler) action(n *parse.ActionNode) {
	if c.offset(n.Pos) < 0 {
		return // of the parser's prefix
	}
	if len(n.Pipe.Decl) == 0 && len(n.Pipe.Cmds) == 1 {
		if id, ok := n.Pipe.Cmds[0].Args[0].(*parse.IdentifierNode); ok {
			switch id.Ident {
			case "weight", "irregular":
				c.shapeWeight(n.Pipe.Cmds[0], id.Ident)
				return
			case "pad":
				c.padding(n.Pipe.Cmds[0])
				return
			}
		}
	}
	op, ok := c.pipe(n.Pipe)
	if len(n.Pipe.Decl) > 0 {
		c.set(n.Pipe, op)
		return
	}
	if !ok {
		if isPlaceholder(n.Pipe) {
			c.lost = c.lost || c.st.mayName()
			if !c.st.wants() {
				return
			}
		}
		op = constant(value.Null)
	}
	if !c.lost {
		c.put(op, c.offset(n.Pipe.Pos))
	}
}

// put appends the value of an action at an offset: as a name, a value or text,
// depending on the place.
func (c *compiler) put(op operand, at int) {
	switch c.st.place {
	case inText, inName, inString:
		c.putText(op)
	case atTop:
		c.fail(at, "expected a JSON object before any value")
	case atColon:
		c.fail(at, "expected a colon after the name, found an action")
	case atMember:
		if c.st.comma == after {
			c.fail(at, "expected a comma before this name")
			return
		}
		c.member()
		if op.Text != nil {
			c.emit(instr{op: opStrPut, put: op.Text})
		} else {
			c.emit(instr{op: opStrVal, gen: op.Gen})
		}
		c.st.place = atColon
	case atElem:
		if c.st.comma == after {
			c.fail(at, "expected a comma before this value")
			return
		}
		c.member()
		c.emitValue(op)
	case atValue:
		c.emitValue(op)
	}
}

// putText appends the text of a value to the open string.
func (c *compiler) putText(op operand) {
	switch {
	case op.Const:
		c.literalText(op.Value.AppendText(nil))
	case op.slot > 0:
		if op.decl != nil {
			c.printing(op.decl, textInstr(op.decl.op))
		}
		c.emit(instr{op: opTextVar, a: op.slot - 1})
	default:
		c.emit(textInstr(op))
	}
}

// textInstr returns the instruction that appends the text of a value.
func textInstr(op operand) instr {
	switch {
	case op.Const:
		return instr{op: opText, lit: string(op.Value.AppendText(nil))}
	case op.Text != nil:
		return instr{op: opTextPut, put: op.Text}
	}
	return instr{op: opTextVal, gen: op.Gen}
}

// emitValue appends a JSON value.
func (c *compiler) emitValue(op operand) {
	room := jsonbody.MaxDepth - len(c.st.stack)
	if top := c.st.top(); op.omit && top != nil {
		top.counted = true
		if op.decl != nil {
			c.printing(op.decl, instr{op: opMember, a: room, gen: op.decl.op.Gen})
		}
		c.emit(instr{op: opMember, a: room, gen: op.Gen})
	} else {
		if op.decl != nil {
			c.printing(op.decl, valueInstr(op.decl.op, room))
		}
		c.emit(valueInstr(op, room))
	}
	c.closeValue()
}

// valueInstr returns the instruction that appends a value, with room for so many
// levels.
func valueInstr(op operand, room int) instr {
	switch {
	case op.Const:
		return instr{op: opLit, lit: string(op.Value.Within(room).Append(nil))}
	case op.Pack != nil:
		return instr{op: opPack, put: op.Pack}
	case op.Text != nil:
		return instr{op: opStrPut, put: op.Text}
	}
	return instr{op: opVal, a: room, gen: op.Gen}
}

// onlyNumber returns the only argument of a command, or nil if it is not a number.
func onlyNumber(cmd *parse.CommandNode) (n *parse.NumberNode) {
	if len(cmd.Args) == 2 {
		n, _ = cmd.Args[1].(*parse.NumberNode)
	}
	return n
}

// padding compiles {{ pad N }}.
func (c *compiler) padding(cmd *parse.CommandNode) {
	const most = 1 << 20
	at, n := c.offset(cmd.Position()), onlyNumber(cmd)
	switch {
	case n == nil || !n.IsInt || n.Int64 < 1 || n.Int64 > most:
		c.errorAt(at, "pad: expected the size of the whole record in bytes, from 1 to %d", most)
		c.standIn()
	case c.lost:
	case c.st.place != atValue:
		c.errorAt(at, "pad must be the value of a member: this pad is %s", c.st.place)
		c.standIn()
	case c.in.Name != c.conf.Body.Name || c.env.Nested > 0:
		c.errorAt(at, "pad must be in the body")
		c.closeValue()
	case c.loopDepth > 0:
		c.errorAt(at, "pad must not be in a range: a record is padded once")
		c.closeValue()
	case c.st.padded:
		c.errorAt(at, "second pad in the record: a record is padded once")
		c.closeValue()
		c.standIn()
	default:
		c.prog.pads, c.st.padded = true, true
		c.emit(instr{op: opPad, a: int(n.Int64)})
		c.closeValue()
	}
}

// shapeWeight compiles {{ weight N }} or {{ irregular SHARE }}, which precedes an
// object.
func (c *compiler) shapeWeight(cmd *parse.CommandNode, word string) {
	at := c.offset(cmd.Position())
	if c.outermost() {
		switch top := c.st.top(); {
		case c.lost:
			c.abandon()
		case top != nil && c.st.comma == after && c.st.place != atValue && !c.st.inString():
			c.errorAt(at, "the object before this %s is not closed: expected %q to close the %q of %s", word, top.closing, top.opening, c.where(top.offset))
			c.abandon()
		}
	}
	if c.st.place != atTop || c.depth > 0 || c.fragments > 0 || c.in.Name != c.conf.Body.Name {
		c.errorAt(at, "%s must precede an object of the body, outside of all objects, actions and fragments", word)
		c.standIn()
		return
	}
	n := onlyNumber(cmd)
	switch {
	case word == "irregular" && (n == nil || !n.IsFloat || !(n.Float64 >= 0 && n.Float64 <= 1)):
		c.errorAt(at, "irregular: expected a share of all records from 0 to 1, as in irregular 0.02")
		return
	case n == nil || !n.IsFloat || n.Float64 < 0 || math.IsInf(n.Float64, 0):
		c.errorAt(at, "weight: expected a number of 0 or more, as in weight 90")
		return
	case c.weighted && !c.lost:
		c.errorAt(at, "second weight for the same object")
	}
	c.endPrologue()
	c.weighted = true
	c.weight, c.irregular = n.Float64, word == "irregular"
}
