package template

import (
	"fmt"
	"slices"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// compiler makes a Program.
type compiler struct {
	conf Config
	prog *Program
	env  *fake.Env
	errs []*Error
	late []*Error // count if there are no others
	told int      // of the mistakes that were found here

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
	inPer     int // expressions that are computed for a key, around this one
	dotted    int // with, range and fragments, which give the dot a value, around it
	active    []string
	breaks    []*breaks
	halted    bool   // the rest of the text has no sense after a mistake
	closed    quotes // those of the string that was closed last
	array     bool   // the objects of the text stand in an array: told already
	fork      *state // where it stands, if not in st: the text that follows tells
	mistakes  int    // in the JSON of the text

	shapeStart  int
	shapeWeight float64
	weighted    bool // a weight stands before the next object
	sawObject   bool
	shared      int // how many of vars belong to all shapes
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
		c.agree()
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

// agree makes what is known of the body's variables hold for all shapes: one that
// has the same name in two is what both have in common, and null in the others.
func (c *compiler) agree() {
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

// parse parses a text and notes its fragments.
func (c *compiler) parse(t *Text) *parse.Tree {
	c.in = *t
	if bad := invalid(t.Text); bad >= 0 {
		c.errorAt(bad, "the byte 0x%02x is no UTF-8: templates are in UTF-8, and `iconv -f latin1 -t utf-8` converts a file from Latin-1", t.Text[bad])
		return nil
	}
	p := &parser{Text: *t}
	p.left, p.right = c.delims()
	tree, set := p.parse()
	c.errs = append(c.errs, p.errs...)
	c.late = append(c.late, p.late...)
	c.shift = len(p.prefix)
	t.moves, t.astray = p.moves, p.astray
	t.assigned = map[string]bool{}
	for _, m := range assigns.FindAllStringSubmatch(t.Text, -1) {
		t.assigned[m[1]] = true
	}
	for name, def := range set {
		if name != "template" {
			c.defs[name] = definition{def, *t, len(p.prefix)}
		}
	}
	return tree
}

// invalid is where a text has something that is no UTF-8, or -1.
func invalid(text string) int {
	for i, c := range text {
		if c == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return i
		}
	}
	return -1
}

// delims are the delimiters of the text.
func (c *compiler) delims() (left, right string) {
	if c.in.Left != "" {
		return c.in.Left, c.in.Right
	}
	return c.conf.Left, c.conf.Right
}

// start begins a text.
func (c *compiler) start(st state) {
	c.st = st
	c.halted = c.in.astray
	c.closed, c.array, c.fork, c.mistakes = quotes{}, false, nil, 0
	c.sawObject, c.weighted = false, false
	c.shapeStart, c.shapeWeight = len(c.prog.code), 1
	c.vars = slices.Clone(c.body)
	c.shared = len(c.vars)
}

// finish ends a text of JSON.
func (c *compiler) finish() {
	if c.halted || c.st.skip == toQuote || c.st.skip == toObject {
		return
	}
	end := len(c.in.Text)
	c.choose(end)
	if c.halted {
		return
	}
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
		c.errorAt(end, "the text ends before the JSON does: a %q is missing for the %q of %s", top.closing(), bracket(top), c.where(top.offset))
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

func (c *compiler) stop() { c.halted = true }

func (c *compiler) offset(p parse.Pos) int { return c.in.origin(int(p) - c.shift) }

// where names a place in the text.
func (c *compiler) where(offset int) string {
	e := jsonbody.ErrorAt(c.in.Text, offset, "")
	return fmt.Sprintf("line %d, column %d", e.Line, e.Column)
}

func (c *compiler) errorAt(offset int, format string, args ...any) {
	if c.told++; c.told > MaxMistakes {
		if c.told == MaxMistakes+1 {
			c.errs = append(c.errs, c.in.more(offset))
		}
		c.stop()
		return
	}
	c.errs = append(c.errs, &Error{c.in.Name, jsonbody.ErrorAt(c.in.Text, offset, fmt.Sprintf(format, args...))})
}

// list compiles nodes one after another. Where a mistake leaves it open how the
// JSON goes on, only the expressions are still looked at.
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
		c.json(string(n.Text), c.offset(n.Pos))
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
