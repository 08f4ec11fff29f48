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
			case "weight":
				c.weight(n.Pipe.Cmds[0])
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
	if c.halted || c.st.skip != nothing {
		return
	}
	if !ok {
		if isHole(n.Pipe) && c.st.guess() {
			c.stop()
		}
		if isHole(n.Pipe) && !c.st.wants() {
			return
		}
		op = constant(value.Null) // the JSON goes on
	}
	at := c.offset(n.Pipe.Pos)
	switch c.st.place {
	case inText, inName, inString:
		if op.Const {
			c.literalText(op.Value.AppendText(nil))
			return
		}
		switch {
		case op.slot > 0:
			c.emit(instr{op: opTextVar, a: op.slot - 1})
		case op.Text != nil:
			c.emit(instr{op: opTextPut, put: op.Text})
		default:
			c.emit(instr{op: opTextVal, gen: op.Gen})
		}
	case atTop:
		c.mistake(at, "expected a JSON object before any value")
		c.st.skip = toObject
	case atColon:
		c.mistake(at, "expected a colon after the name, found an action")
		if c.st.place = atValue; c.adjoinsAction(at) {
			c.st.place, c.st.skip = atColon, toQuote
			return
		}
		c.emitValue(op)
	case atMember, atElem:
		if c.st.comma == after {
			what := "value"
			if c.st.place == atMember {
				what = "name"
			}
			c.mistake(at, "expected a comma before this %s", what)
			if c.adjoinsAction(at) {
				c.st.skip = toQuote
				return
			}
			if c.st.place == atMember && !c.leads(at) {
				return
			}
			c.st.comma = sep
		}
		c.member()
		if c.st.place == atMember {
			if op.Text != nil {
				c.emit(instr{op: opStrPut, put: op.Text})
			} else {
				c.emit(instr{op: opStrVal, gen: op.Gen})
			}
			c.st.place = atColon
			return
		}
		c.emitValue(op)
	case atValue:
		c.emitValue(op)
	}
}

// emitValue appends a value in the place of one.
func (c *compiler) emitValue(op operand) {
	room := jsonbody.MaxDepth - len(c.st.stack)
	switch top := c.st.top(); {
	case op.Const:
		c.emit(instr{op: opLit, lit: string(op.Value.Within(room).Append(nil))})
	case op.omit && top != nil:
		top.counted = true
		c.emit(instr{op: opMember, a: room, gen: op.Gen})
	case op.Pack != nil:
		c.emit(instr{op: opPack, put: op.Pack})
	case op.Text != nil:
		c.emit(instr{op: opStrPut, put: op.Text})
	default:
		c.emit(instr{op: opVal, a: room, gen: op.Gen})
	}
	c.closeValue()
}

// standIn goes on behind something that is wrong as if it were one value.
func (c *compiler) standIn() {
	switch {
	case c.halted:
	case !c.st.wants():
		c.stop()
	case c.st.place == atElem:
		c.member()
		c.emitValue(constant(value.Null))
	case c.st.place == atValue:
		c.emitValue(constant(value.Null))
	}
}

// padding compiles {{ pad N }}.
func (c *compiler) padding(cmd *parse.CommandNode) {
	const most = 1 << 20
	at := c.offset(cmd.Position())
	var n *parse.NumberNode
	if len(cmd.Args) == 2 {
		n, _ = cmd.Args[1].(*parse.NumberNode)
	}
	switch {
	case n == nil || !n.IsInt || n.Int64 < 1 || n.Int64 > most:
		c.errorAt(at, "pad takes the size of the whole record in bytes, a number from 1 to %d", most)
		c.standIn()
	case c.halted:
	case c.st.place != atValue:
		c.errorAt(at, "pad stands in the place of a member's value, not %s", c.st.place)
		c.standIn()
	case c.in.Name != c.conf.Body.Name || c.env.Nested > 0:
		c.errorAt(at, "pad can stand in the body only")
		c.closeValue()
	case c.loopDepth > 0:
		c.errorAt(at, "pad can't stand in a range: a record is padded once")
		c.closeValue()
	case c.st.padded:
		c.errorAt(at, "this is the second pad of the record, which is padded once")
		c.closeValue()
		c.standIn()
	default:
		c.prog.pads, c.st.padded = true, true
		c.emit(instr{op: opPad, a: int(n.Int64)})
		c.closeValue()
	}
}

// weight handles {{ weight N }}, which stands before an object.
func (c *compiler) weight(cmd *parse.CommandNode) {
	at := c.offset(cmd.Position())
	outside := c.depth == 0 && c.fragments == 0 && c.in.Name == c.conf.Body.Name && !c.in.astray
	switch open := len(c.st.stack); {
	case outside && (c.halted || c.st.skip != nothing):
		c.halted = false
		c.newShape() // here the JSON begins anew, whatever was before
	case outside && open > 0 && !c.st.inString() && c.unmatched(c.behind(at)) == 0:
		c.mistake(at, "the object before this weight is not closed: a %q is missing for the %q of %s", c.st.top().closing(), bracket(c.st.top()), c.where(c.st.top().offset))
		c.newShape()
	}
	if c.st.place != atTop || c.depth > 0 || c.fragments > 0 || c.in.Name != c.conf.Body.Name {
		c.errorAt(at, "weight stands before an object of the body, outside of everything else")
		c.standIn()
		return
	}
	var n *parse.NumberNode
	if len(cmd.Args) == 2 {
		n, _ = cmd.Args[1].(*parse.NumberNode)
	}
	if n == nil || !n.IsFloat || n.Float64 < 0 || math.IsInf(n.Float64, 0) {
		c.errorAt(at, "weight takes one number, not negative: weight 90")
		return
	}
	if c.weighted && !c.halted {
		c.errorAt(at, "a second weight for the same object")
	}
	c.share()
	c.weighted = true
	c.shapeWeight = n.Float64
}
