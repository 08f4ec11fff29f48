// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"slices"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// compiler makes a Program. Its state is grouped by lifetime: reports belong to the
// compilation, shapes to a text, scope to a text or fragment, and position to a text
// or to a fragment that is used as a value.
type compiler struct {
	conf Config
	prog *Program
	env  *fake.Env
	defs map[string]definition

	reports
	shapes
	scope
	position
	context

	places uint64 // function calls so far
	loops  int    // so far

	declared []*declaration
	read     []*read      // so far
	choosing map[int]bool // slots of the variables that the current choice assigns
	changing int          // reads so far of variables that get further values, or stay where they are
	dots     int          // saved dots so far

	prologueEnd int // index behind the code of the prologue
}

// reports are the errors found so far.
type reports struct {
	errs     []*diag.Error
	fallback []*diag.Error // reported only without others
	reported int           // number of errors, even of those beyond MaxErrors
}

// report adds an error at an offset of a text, and reports whether there are too many.
func (r *reports) report(t *Text, offset int, format string, args ...any) (tooMany bool) {
	switch r.reported++; {
	case r.reported <= MaxErrors:
		r.errs = append(r.errs, t.errorf(offset, format, args...))
	case r.reported == MaxErrors+1:
		r.errs = append(r.errs, t.errorf(offset, "too many errors: the first %d are shown", MaxErrors))
	}
	return r.reported > MaxErrors
}

// shapes is what the compiler knows about the objects of the text it compiles.
type shapes struct {
	names  map[string]bool // of the members of the outermost objects
	body   []variableInfo  // variables of all shapes, for metadata and tag
	shared int             // number of variables in scope that belong to all shapes

	start     int // index of the current shape's first instruction
	weight    float64
	weighted  bool // a weight or irregular precedes the current shape
	irregular bool // and weight is a share of all records
	sawObject bool // a shape precedes the current one
}

// scope is the state that a fragment does not share with the text that uses it.
type scope struct {
	in     Text
	shift  int            // to subtract from positions in its trees
	vars   []variableInfo // in scope, innermost last
	breaks []*breaks      // loops around, innermost last
}

// position is a position in the JSON.
type position struct {
	st        state
	depth     int  // number of enclosing ifs and loops
	loopDepth int  // number of enclosing loops
	lost      bool // after an error: the JSON is not followed until the next object
}

// context describes what encloses the node that is being compiled.
type context struct {
	active    []string // fragments, outermost first
	fragments int      // their number
	atStart   int      // number of expressions that are computed once, at the start
	inPer     int      // number of expressions that are computed for a key
	dotted    int      // number of with and range actions, which set the dot
}

// part is one text of a template, parsed.
type part struct {
	text  Text
	tree  *parse.Tree // nil if the text is empty or cannot be parsed
	shift int         // to subtract from positions in the tree
}

func (c *compiler) compile() {
	c.defs = map[string]definition{}
	var bodyPart part
	if len(c.conf.Bodies) == 0 {
		bodyPart = c.parse(c.conf.Body)
	}
	var metadata, tag part
	if c.conf.Metadata.Text != "" {
		metadata = c.parse(c.conf.Metadata)
	}
	if c.conf.Tag.Text != "" {
		tag = c.parse(c.conf.Tag)
	}
	switch {
	case len(c.conf.Bodies) > 0:
		c.fixedBodies()
	case bodyPart.tree != nil:
		c.compileBody(bodyPart)
	default:
		metadata.tree, tag.tree = nil, nil // they may use variables of the body
	}
	if metadata.tree != nil {
		c.compileMetadata(metadata)
	}
	if tag.tree != nil {
		c.begin(tag, nil, state{place: inText})
		c.prog.tag = len(c.prog.code)
		c.list(tag.tree.Root)
		c.emit(instr{op: opEnd})
	}
	for _, e := range c.conf.Expressions {
		c.expression(e)
	}
	if len(c.errs) == 0 {
		c.errs = c.fallback
	}
	if len(c.errs) == 0 {
		c.complete()
	}
}

// fixedBodies makes each of Config.Bodies a shape.
func (c *compiler) fixedBodies() {
	c.prog.inTurn = true
	c.begin(part{text: c.conf.Body}, nil, state{})
	for _, b := range c.conf.Bodies {
		c.emit(instr{op: opLit, lit: string(b)})
		c.endShape()
	}
}

func (c *compiler) compileBody(p part) {
	c.begin(p, c.prog.members, state{})
	c.list(p.tree.Root)
	c.finish()
	if c.lost {
		c.body = append(c.body, c.vars[c.shared:]...) // their object is not complete
	}
	if c.in.unbalanced {
		// The scopes of its variables are unknown.
		for _, name := range variable.FindAllString(c.in.Text, -1) {
			c.body = append(c.body, variableInfo{name: name})
		}
	}
	c.body = append(c.vars[:c.shared:c.shared], c.body...)
	c.vars, c.shared = nil, 0
	c.mergeScopes()
}

func (c *compiler) compileMetadata(p part) {
	prog := c.prog
	before := len(prog.shapes)
	c.begin(p, prog.metaMembers, state{})
	c.list(p.tree.Root)
	c.finish()
	if len(prog.shapes) > before {
		prog.metadata = prog.shapes[before].start
	}
	if n := len(prog.shapes) - before; n > 1 {
		c.errorAt(0, "expected one JSON object, found %d", n)
	}
	prog.shapes = prog.shapes[:min(before, len(prog.shapes))]
}

// complete makes the program ready to run.
func (c *compiler) complete() {
	p := c.prog
	weights, problem := shapeWeights(p.shapes, c.conf.Irregular)
	if problem != "" {
		c.in = c.conf.Body
		c.errorAt(0, "%s", problem)
		return
	}
	p.alias = seed.NewAlias(weights)
	p.clear = len(p.shapes) > 1 && (p.metadata >= 0 || p.tag >= 0 || len(p.expressions) > 0)
	c.inline()
	p.run.loops = make([]loop, c.loops)
	p.run.dots = make([]value.Value, c.dots)
	p.optimize()
}

// shapeWeights returns the weights of shapes, or what is wrong with them. Irregular
// shapes have shares of all records, and the others share the rest. share, if not nil,
// is that of all irregular ones together.
func shapeWeights(shapes []shape, share *float64) (weights []float64, problem string) {
	regular, irregular := 0.0, 0.0
	for _, s := range shapes {
		if s.irregular {
			irregular += s.weight
		} else {
			regular += s.weight
		}
		weights = append(weights, s.weight)
	}
	const slack = 1e-9 // of sums of shares
	switch {
	case regular+irregular <= 0:
		return nil, "the weights of all objects are 0, expected at least one above 0"
	case irregular > 1+slack:
		return nil, fmt.Sprintf("the shares of all irregular objects are %.6g together, expected at most 1", irregular)
	case regular <= 0 && irregular < 1-slack:
		return nil, "all objects are irregular or have the weight 0, expected a regular one"
	case irregular <= 0:
		return weights, ""
	}
	total := irregular
	if share != nil {
		total = *share
	}
	for i, s := range shapes {
		if s.irregular {
			weights[i] *= total / irregular
		} else if regular > 0 {
			weights[i] *= (1 - total) / regular
		}
	}
	return weights, ""
}

// mergeScopes generalizes the properties of the body's variables to all shapes. If
// two shapes have rows of the same name, any column is valid, and is null for the
// rows that lack it.
func (c *compiler) mergeScopes() {
	columns := map[string]*[]string{}
	for i := range c.body {
		v := &c.body[i]
		v.kinds = 0
		if names, ok := columns[v.name]; ok && names != v.names {
			v.names = nil
		}
		columns[v.name] = v.names
	}
}

// parse parses a text and stores its fragments.
func (c *compiler) parse(t Text) part {
	c.in = t
	if bad := invalid(t.Text); bad >= 0 {
		c.errorAt(bad, "byte 0x%02x is not UTF-8: templates are in UTF-8; `iconv -f latin1 -t utf-8` converts a file from Latin-1", t.Text[bad])
		return part{}
	}
	p := &parser{Text: t}
	p.left, p.right = c.delims()
	tree, set := p.parse()
	c.errs = append(c.errs, p.errs...)
	c.fallback = append(c.fallback, p.fallback...)
	if tree != nil {
		root := tree.Root
		if t.Name != c.conf.Body.Name {
			root = nil
		}
		p.assigned = assignments(root, set)
	}
	for name, def := range set {
		if name != "template" {
			c.defs[name] = definition{def, p.Text, len(p.prefix)}
		}
	}
	return part{p.Text, tree, len(p.prefix)}
}

// invalid returns the offset of the first byte that is not UTF-8, or -1.
func invalid(text string) int {
	for i, c := range text {
		if c == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return i
		}
	}
	return -1
}

// delims returns the delimiters of the text.
func (c *compiler) delims() (left, right string) {
	if c.in.Left != "" {
		return c.in.Left, c.in.Right
	}
	return c.conf.Left, c.conf.Right
}

// begin starts to compile a text. The names of its members are added to names.
func (c *compiler) begin(p part, names map[string]bool, st state) {
	c.scope = scope{in: p.text, shift: p.shift, vars: slices.Clone(c.body)}
	c.position = position{st: st, lost: p.text.unbalanced}
	c.shapes = shapes{names: names, body: c.body, shared: len(c.vars), start: len(c.prog.code), weight: 1}
}

// finish ends a text of JSON.
func (c *compiler) finish() {
	if c.lost {
		return
	}
	end, top := len(c.in.Text), c.st.top()
	switch {
	case c.st.inString():
		c.fail(c.st.str.offset, "this string is not closed: expected '\"'")
	case top != nil:
		c.fail(end, "unexpected end of the text: expected %q to close the %q of %s", top.closing, top.opening, c.where(top.offset))
	case !c.sawObject:
		c.fail(end, "expected a JSON object, found nothing")
	case c.weighted:
		c.fail(end, "expected a JSON object after this weight, found nothing")
	}
}

// endShape ends a top-level object.
func (c *compiler) endShape() {
	c.emit(instr{op: opEnd})
	p := c.prog
	p.shapes = append(p.shapes, shape{weight: c.weight, irregular: c.irregular, start: c.start, variables: c.variables()})
	c.sawObject, c.weighted = true, false
	c.start, c.weight, c.irregular = len(p.code), 1, false
	c.st.comma, c.st.padded = none, false
	c.body = append(c.body, c.vars[c.shared:]...)
	c.vars = c.vars[:c.shared]
}

// endPrologue ends the code before the first object. The code and its variables
// belong to all objects.
func (c *compiler) endPrologue() {
	p := c.prog
	empty := len(p.code) == c.start && len(c.vars) == c.shared
	if c.sawObject || p.prologue >= 0 || c.depth > 0 || c.fragments > 0 || empty || c.in.Name != c.conf.Body.Name {
		return
	}
	c.emit(instr{op: opEnd})
	p.prologue = c.start
	c.start = len(p.code)
	c.prologueEnd = c.start
	c.shared = len(c.vars)
}

func (c *compiler) emit(in instr) {
	if len(c.prog.code) >= MaxCode {
		if !c.lost {
			c.fail(0, "the template is too large: it compiles to more than %d instructions, with all fragments expanded", MaxCode)
		}
		return
	}
	c.prog.code = append(c.prog.code, in)
}

func (c *compiler) offset(p parse.Pos) int { return c.in.origin(int(p) - c.shift) }

func (c *compiler) errorAt(offset int, format string, args ...any) {
	c.lost = c.report(&c.in, offset, format, args...) || c.lost
}

// list compiles nodes in sequence.
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
		c.json(string(n.Text), c.offset(n.Pos))
	case *parse.ActionNode:
		c.action(n)
	case *parse.IfNode:
		if !c.choice(n) {
			c.branch(&n.BranchNode, "if")
		}
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
