package template

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/body"
	"github.com/gdummy/gdummy/internal/fake"
	"github.com/gdummy/gdummy/internal/seed"
	"github.com/gdummy/gdummy/internal/spell"
	"github.com/gdummy/gdummy/internal/value"
)

// compiler makes a Program.
type compiler struct {
	conf Config
	prog *Program
	env  *fake.Env
	errs []*Error
	late []*Error // count if there are no others

	in     Text // the text that is being compiled
	shift  int  // how much positions of its trees are too high
	defs   map[string]definition
	places uint64 // calls so far

	st    state
	loops int
	dots  int

	names     map[string]bool // of members of the outermost objects of the text
	vars      []variableInfo  // in scope, innermost last
	body      []variableInfo  // of all shapes, for metadata and tag
	depth     int             // of ifs and loops
	loopDepth int
	fragments int // being put in
	atStart   int // expressions that are computed at the start, around this one
	active    []string
	breaks    []*breaks
	halted    bool // the rest of the text has no sense after a mistake

	shapeStart  int
	shapeWeight float64
	weighted    bool // a weight stands before the next object
	sawObject   bool
	shared      int // how many of vars belong to all shapes
}

// definition is a fragment.
type definition struct {
	tree  *parse.Tree
	in    Text
	shift int
}

// variableInfo is a variable in scope.
type variableInfo struct {
	name  string
	slot  int
	omit  bool      // may be omit
	names *[]string // its columns, if it is a row
}

// breaks are the jumps out of a loop.
type breaks struct {
	loop  int
	st    state
	jumps []int
	again []int // jumps to the next round
}

// operand is a compiled expression.
type operand struct {
	fake.Operand
	omit bool // may be omit
	slot int  // of the variable that it is, from 1 on; 0 if it is none
}

func (c *compiler) compile() {
	c.defs = map[string]definition{}
	var bodyTree *parse.Tree
	if len(c.conf.Bodies) == 0 {
		bodyTree = c.parse(&c.conf.Body)
	}
	var metaTree, tagTree *parse.Tree
	metaShift, tagShift := 0, 0
	bodyShift := c.shift
	if c.conf.Metadata.Text != "" {
		metaTree = c.parse(&c.conf.Metadata)
		metaShift = c.shift
	}
	if c.conf.Tag.Text != "" {
		tagTree = c.parse(&c.conf.Tag)
		tagShift = c.shift
	}
	for _, b := range c.conf.Bodies {
		c.start(state{})
		c.emit(instr{op: opLit, lit: string(b)})
		c.endShape()
		c.prog.turn = true
	}
	if bodyTree == nil && !c.prog.turn {
		metaTree, tagTree = nil, nil // they may know its variables
	}
	p := c.prog
	if bodyTree != nil {
		c.in, c.shift, c.names = c.conf.Body, bodyShift, p.members
		c.start(state{})
		c.list(bodyTree.Root)
		c.finish()
		if c.halted {
			c.body = append(c.body, c.vars[c.shared:]...) // their object never ended
		}
		if c.in.astray { // nor can their scopes be told
			for _, name := range variable.FindAllString(c.in.Text, -1) {
				c.body = append(c.body, variableInfo{name: name})
			}
		}
		c.body = append(c.vars[:c.shared:c.shared], c.body...)
		c.vars, c.shared = nil, 0
	}
	if metaTree != nil {
		c.in, c.shift, c.names = c.conf.Metadata, metaShift, p.metaMembers
		shapes := len(p.shapes)
		c.start(state{})
		c.list(metaTree.Root)
		c.finish()
		if len(p.shapes) > shapes {
			p.metadata = p.shapes[shapes].start
		}
		if n := len(p.shapes) - shapes; n > 1 {
			c.errorAt(0, "%d JSON objects were given, expected one", n)
		}
		p.shapes = p.shapes[:min(shapes, len(p.shapes))]
	}
	if tagTree != nil {
		c.in, c.shift = c.conf.Tag, tagShift
		c.start(state{place: inText})
		p.tag = len(p.code)
		c.list(tagTree.Root)
		c.emit(instr{op: opEnd})
	}
	if len(c.errs) == 0 {
		c.errs = c.late
	}
	if len(c.errs) > 0 {
		return
	}
	weights := make([]float64, len(p.shapes))
	sum := 0.0
	for i, s := range p.shapes {
		weights[i] = s.weight
		sum += s.weight
	}
	if sum <= 0 {
		c.in = c.conf.Body
		c.errorAt(0, "all objects have the weight 0, expected one with more")
		return
	}
	p.alias = seed.NewAlias(weights)
	p.clear = len(p.shapes) > 1 && (p.metadata >= 0 || p.tag >= 0)
	p.run.loops = make([]loop, c.loops)
	p.run.dots = make([]value.Value, c.dots)
	p.optimize()
}

// parse parses a text and notes its fragments.
func (c *compiler) parse(t *Text) *parse.Tree {
	p := &parser{Text: *t, left: c.conf.Left, right: c.conf.Right}
	if t.Left != "" {
		p.left, p.right = t.Left, t.Right
	}
	tree, set := p.parse()
	c.errs = append(c.errs, p.errs...)
	c.late = append(c.late, p.late...)
	c.shift = len(p.prefix)
	t.moves, t.astray = p.moves, p.astray
	for name, def := range set {
		if name != "template" {
			c.defs[name] = definition{def, *t, len(p.prefix)}
		}
	}
	return tree
}

// start begins a text.
func (c *compiler) start(st state) {
	c.st = st
	c.halted = c.in.astray
	c.sawObject, c.weighted = false, false
	c.shapeStart, c.shapeWeight = len(c.prog.code), 1
	c.vars = slices.Clone(c.body)
	c.shared = len(c.vars)
}

// finish ends a text of JSON.
func (c *compiler) finish() {
	if c.halted {
		return
	}
	end := len(c.in.Text)
	switch c.st.place {
	case atTop:
		switch {
		case !c.sawObject:
			c.errorAt(end, "expected a JSON object, found nothing")
		case c.weighted:
			c.errorAt(end, "a weight stands here, but no object after it")
		}
		return
	case inName, inString:
		c.errorAt(c.st.str.offset, "this string is not closed: a '\"' is missing")
		return
	}
	if top := c.st.top(); top != nil {
		closing := "']'"
		if top.isMap {
			closing = "'}'"
		}
		c.errorAt(end, "the text ends before the JSON does: a %s is missing for the %q of %s", closing, bracket(top), c.where(top.offset))
	}
}

// endShape ends a top-level object.
func (c *compiler) endShape() {
	c.emit(instr{op: opEnd})
	p := c.prog
	p.shapes = append(p.shapes, shape{weight: c.shapeWeight, start: c.shapeStart})
	c.sawObject, c.weighted = true, false
	c.shapeStart, c.shapeWeight = len(p.code), 1
	c.st.comma, c.st.padded = none, false
	c.body = append(c.body, c.vars[c.shared:]...)
	c.vars = c.vars[:c.shared]
}

// share ends the code before the first object: it and its variables belong to
// all objects.
func (c *compiler) share() {
	p := c.prog
	if c.sawObject || p.prologue >= 0 || c.depth > 0 || c.fragments > 0 || len(p.code) == c.shapeStart && len(c.vars) == c.shared || c.in.Name != c.conf.Body.Name {
		return
	}
	c.emit(instr{op: opEnd})
	p.prologue = c.shapeStart
	c.shapeStart = len(p.code)
	c.shared = len(c.vars)
}

// weight handles {{ weight N }}, which stands before an object.
func (c *compiler) weight(cmd *parse.CommandNode) {
	at := c.offset(cmd.Position())
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

func (c *compiler) emit(in instr) {
	if len(c.prog.code) >= MaxCode {
		if !c.halted {
			c.errorAt(0, "the template is too large: more than %d instructions, with all fragments put in", MaxCode)
		}
		c.stop()
		return
	}
	c.prog.code = append(c.prog.code, in)
}

func (c *compiler) stop()         { c.halted = true }
func (c *compiler) stopped() bool { return c.halted }

func (c *compiler) offset(p parse.Pos) int { return c.in.origin(int(p) - c.shift) }

// where names a place in the text.
func (c *compiler) where(offset int) string {
	e := body.ErrorAt(c.in.Text, offset, "")
	return fmt.Sprintf("line %d, column %d", e.Line, e.Column)
}

func (c *compiler) errorAt(offset int, format string, args ...any) {
	c.errs = append(c.errs, &Error{c.in.Name, body.ErrorAt(c.in.Text, offset, fmt.Sprintf(format, args...))})
}

// list compiles nodes one after another. After a mistake in the JSON only the
// expressions are still looked at.
func (c *compiler) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		c.node(n)
	}
}

func (c *compiler) node(n parse.Node) {
	if c.st.dead {
		return
	}
	switch n := n.(type) {
	case *parse.TextNode:
		if c.halted {
			return
		}
		before := len(c.errs)
		c.json(string(n.Text), c.offset(n.Pos))
		if len(c.errs) > before {
			c.stop()
		}
	case *parse.ActionNode:
		c.action(n)
	case *parse.IfNode:
		c.branch(&n.BranchNode, "if")
	case *parse.WithNode:
		c.branch(&n.BranchNode, "with")
	case *parse.RangeNode:
		c.rangeNode(n)
	case *parse.TemplateNode:
		c.template(n)
	case *parse.BreakNode:
		c.leave(n.Pos, false)
	case *parse.ContinueNode:
		c.leave(n.Pos, true)
	}
}

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
	if c.halted {
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
		c.errorAt(at, "expected a JSON object before any value")
		c.stop()
	case atColon:
		c.errorAt(at, "expected a colon after the name, found an action")
		c.stop()
	case atMember, atElem:
		if c.st.comma == after && c.st.place == atMember {
			c.errorAt(at, "expected a comma before this name")
			c.stop()
			return
		}
		if c.st.comma == after {
			c.errorAt(at, "expected a comma before this value")
			c.stop()
			return
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
	room := body.MaxDepth - len(c.st.stack)
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

// set compiles a declaration or an assignment.
func (c *compiler) set(p *parse.PipeNode, op operand) {
	if len(p.Decl) != 1 {
		c.errorAt(c.offset(p.Pos), "only range has two variables")
		return
	}
	name := p.Decl[0].Ident[0]
	slot := -1
	if p.IsAssign {
		for i := len(c.vars) - 1; i >= 0; i-- {
			if c.vars[i].name == name {
				slot = c.vars[i].slot
				c.vars[i].omit = c.vars[i].omit || op.omit
				c.vars[i].names = nil
				break
			}
		}
		if slot < 0 {
			c.unknownVariable(name, p.Decl[0].Pos)
			return
		}
	} else {
		slot = c.declare(name, op)
	}
	if op.Gen != nil {
		c.emit(instr{op: opSet, a: slot, gen: op.Gen})
	}
}

// declare brings a variable into scope and returns its slot.
func (c *compiler) declare(name string, op operand) int {
	r := &c.prog.rec
	slot := len(r.Vars)
	for _, v := range c.body {
		if v.name == name && c.depth == 0 && c.fragments == 0 {
			slot = v.slot // of another shape: metadata and tag know it by name
		}
	}
	if slot == len(r.Vars) {
		r.Vars = append(r.Vars, value.Null)
	}
	c.vars = append(c.vars, variableInfo{name, slot, op.omit, op.Names})
	return slot
}

func (c *compiler) unknownVariable(name string, pos parse.Pos) {
	var names []string
	for _, v := range c.vars {
		names = append(names, v.name)
	}
	hint := ""
	if near := spell.Nearest(name, names); near != "" {
		hint = "; the nearest one is " + near
	} else if c.fragments > 0 {
		hint = ": a fragment sees only the dot that it is given"
	}
	c.errorAt(c.offset(pos), "the variable %s is not known here%s", name, hint)
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
	halted := c.halted
	c.list(n.List)
	if word == "with" {
		c.emit(instr{op: opUndot, b: dot})
	}
	then := c.st
	thenHalted := c.halted
	c.halted = halted
	c.vars = c.vars[:scope]
	skip := len(c.prog.code)
	if n.ElseList != nil {
		c.emit(instr{op: opJump})
	}
	c.patch(jump)
	c.st = before
	c.list(n.ElseList)
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
		c.stop()
		return
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
			c.errorAt(at, "range takes a number, an array or an object, found %s", v.K)
		}
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
	halted := c.halted
	c.list(n.List)
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
			case br.st.place != end.place:
				c.errorAt(at, "what this range repeats must end where it began: it begins %s and ends %s", br.st.place, end.place)
			case end.place == atTop:
				c.errorAt(at, "a range can't stand around whole objects: a record has one, and further ones are other records")
			default:
				c.errorAt(at, "what this range opens must be closed within it")
			}
			c.stop()
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
		if near := spell.Nearest(name, names); near != "" {
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
	c.list(def.tree.Root)
	c.fragments--
	c.active = c.active[:len(c.active)-1]
	c.in, c.shift, c.vars, c.breaks = in, shift, vars, brk
}

// variable returns the variable of a name, or nil.
func (c *compiler) variable(name string) *variableInfo {
	for i := len(c.vars) - 1; i >= 0; i-- {
		if c.vars[i].name == name {
			return &c.vars[i]
		}
	}
	return nil
}

// pipe compiles a pipeline: each command's value is the last argument of the
// next.
func (c *compiler) pipe(p *parse.PipeNode) (operand, bool) {
	var op operand
	ok := true
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
	return op, ok
}

// command compiles one command of a pipeline. Unless sound, the value piped to
// it is not known because of a mistake.
func (c *compiler) command(cmd *parse.CommandNode, piped *operand, sound bool) (operand, bool) {
	first := cmd.Args[0]
	if id, ok := first.(*parse.IdentifierNode); ok {
		return c.call(id, cmd.Args[1:], piped, sound)
	}
	if len(cmd.Args) > 1 || piped != nil {
		c.errorAt(c.offset(first.Position()), "%s is not a function and can't be given arguments", first)
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
		c.errorAt(c.offset(n.Pos), "the number %s can't be used here", n.Text)
		return operand{}, false
	case *parse.DotNode:
		if !c.known(n.String(), n.Pos) {
			return operand{}, false
		}
		return operand{Operand: fake.Operand{Gen: dot}}, true
	case *parse.FieldNode:
		if !c.known(n.String(), n.Pos) {
			return operand{}, false
		}
		return c.fields(operand{Operand: fake.Operand{Gen: dot}}, n.Ident, n.Pos)
	case *parse.VariableNode:
		name := n.Ident[0]
		v := c.variable(name)
		if v == nil {
			if name == "$" {
				c.errorAt(c.offset(n.Pos), "$ has no value: a template is given no data")
			} else {
				c.unknownVariable(name, n.Pos)
			}
			return operand{}, false
		}
		if !c.known(name, n.Pos) {
			return operand{}, false
		}
		op := operand{fake.Operand{Gen: ofSlot(v.slot), Names: v.names}, v.omit, 0}
		if len(n.Ident) == 1 {
			op.slot = v.slot + 1
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
			c.errorAt(c.offset(n.Pos), "a variable can't be declared here")
			return operand{}, false
		}
		return c.pipe(n)
	case *parse.IdentifierNode:
		return c.call(n, nil, nil, true)
	}
	c.errorAt(c.offset(n.Position()), "%s can't be used here", n)
	return operand{}, false
}

// known says whether what belongs to a record can be used here: the values of a
// cardinality are computed before there are records.
func (c *compiler) known(what string, pos parse.Pos) bool {
	if c.atStart > 0 {
		c.errorAt(c.offset(pos), "cardinality computes its values at the start, where %s is not known", what)
	}
	return c.atStart == 0
}

// ofSlot gives the value of a variable.
func ofSlot(slot int) fake.Gen {
	return func(r *fake.Record) value.Value { return r.Vars[slot] }
}

func dot(r *fake.Record) value.Value { return r.Dot }

func constant(v value.Value) operand { return operand{Operand: fake.Constant(v)} }

// fields compiles .a.b behind an operand.
func (c *compiler) fields(op operand, names []string, pos parse.Pos) (operand, bool) {
	for i, name := range names {
		if i == 0 && op.Names != nil && !slices.Contains(*op.Names, name) {
			hint := "it has " + strings.Join(*op.Names, ", ")
			if near := spell.Nearest(name, *op.Names); near != "" {
				hint = "the nearest one is " + near
			}
			c.errorAt(c.offset(pos), "the row has no column %s; %s", name, hint)
			return operand{}, false
		}
		from := op.Gen
		op = operand{Operand: fake.Operand{Gen: func(r *fake.Record) value.Value { return from(r).Field(name) }}}
	}
	return op, true
}

// call compiles a call of a function.
func (c *compiler) call(id *parse.IdentifierNode, args []parse.Node, piped *operand, sound bool) (operand, bool) {
	at := c.offset(id.Pos)
	if id.Ident == hole && len(c.errs) > 0 {
		return operand{}, false // told already
	}
	f := fake.Find(id.Ident)
	if f == nil {
		hint := ""
		if near := spell.Nearest(id.Ident, fake.Names()); near != "" {
			hint = "; the nearest one is " + near
		}
		c.errorAt(at, "there is no function %s%s", id.Ident, hint)
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
	case "weight", "pad":
		c.errorAt(at, "%s stands in an action of its own", f.Name)
		return operand{}, false
	case "fragment":
		return c.fragmentValue(at, args, piped)
	}
	c.places++
	call := &fake.Call{Func: f, Place: c.places, Env: c.env}
	ok := sound
	omit := false
	offsets := make([]int, 0, len(args)+1)
	places := c.places
	for i, a := range args {
		if f.Keyed && i == len(args)-1 {
			// The same expression under the same key is the same value, wherever
			// it stands.
			c.places = seed.Text(a.String()) | 1<<63
			call.Set = c.places
			c.env.Nested++
			if f.Name == "cardinality" {
				c.atStart++
			}
		}
		op, good := c.expr(a)
		if f.Keyed && i == len(args)-1 {
			c.env.Nested--
			if f.Name == "cardinality" {
				c.atStart--
			}
			c.places = places
		}
		ok = ok && good
		omit = omit || op.omit
		call.Args = append(call.Args, op.Operand)
		offsets = append(offsets, c.offset(a.Position()))
	}
	if piped != nil && f.Keyed {
		c.errorAt(at, "nothing can be piped into %s: its EXPRESSION stands behind it in parentheses, %s", f.Name, f.Example)
		return operand{}, false
	}
	if piped != nil {
		omit = omit || piped.omit
		call.Args = append(call.Args, piped.Operand)
		offsets = append(offsets, at)
	}
	if !ok {
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
		v, _ := value.First(value.OfBytes(r.Scratch[at:]).S)
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
