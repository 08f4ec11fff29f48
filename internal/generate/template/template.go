// SPDX-License-Identifier: Apache-2.0

// Package template compiles templates of records.
//
// A template is JSON with actions of Go's text/template. An action in the place of
// a value is a typed value, one inside a string is interpolated:
//
//	{"user": "{{ $u := username }}{{ $u }}", "status": {{ weighted 200 9 500 1 }}}
//
// The normal path is [Compile], then [Program.Append] for each record. Compiling
// parses the actions with text/template/parse, follows the JSON through all
// branches, and returns a flat list of instructions that append MessagePack; what
// does not change from record to record is one literal. Nothing is reflected on,
// and making a record allocates nothing.
//
// # Terms
//
// A shape is one top-level object of a template; a template with several picks
// one for each record, by their weights. A fragment is a {{define}}. A member is
// a name and its value in an object.
//
// # Limits
//
// Objects and arrays nest up to [jsonbody.MaxDepth] levels. A loop runs at most
// [MaxLoop] times, all loops of one record together [MaxSteps] times, and none
// continues once a record has more than [MaxSize] bytes. A template
// compiles to at most [MaxCode] instructions, with its fragments put in where
// they are used.
package template

import (
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// The limits of templates.
const (
	MaxErrors = 100 // reported of the actions' syntax, and as many of the rest

	MaxLoop  = 10_000
	MaxSteps = 100_000
	MaxCode  = 100_000
	MaxSize  = 4 << 20
)

// Text is one of the texts that make a template.
type Text struct {
	Name string // of the option it comes from
	Text string

	Left, Right string // delimiters of actions; empty is those of the Config

	assigned map[string]bool // variables that get further values

	moves      []move // what was repaired in it
	unbalanced bool   // its blocks and ends do not match, so its JSON cannot be followed
}

// tooMany is the error in the place of those beyond MaxErrors.
func (t *Text) tooMany(offset int) *diag.Error {
	return t.errorf(offset, "too many errors: the first %d are shown", MaxErrors)
}

// errorf returns the error at an offset of the text.
func (t *Text) errorf(offset int, format string, args ...any) *diag.Error {
	e := diag.Errorf(t.Text, offset, format, args...)
	e.In = t.Name
	return e
}

// Config is what to compile.
type Config struct {
	Body     Text
	Metadata Text // one object; empty is none
	Tag      Text // empty is none

	Left, Right string // delimiters of actions; empty is {{ and }}

	Bodies          [][]byte // the MessagePack of bodies that come in turn, instead of Body
	LiteralMetadata []byte   // the MessagePack of the metadata, if Metadata is empty

	// Irregular, if not nil, is the share of the irregular shapes, from 0 to 1,
	// instead of that of the text.
	Irregular *float64

	Seed   uint64
	Stream string // the stream's name
	Files  fake.Files

	// Expressions are computed for a record on request, with its variables: see
	// [Program.Expression].
	Expressions []Text
}

// Errors are all the errors of a template, in the order of the text.
type Errors []*diag.Error

// Error returns one line for each error.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

// Program is a compiled template. It is not for use by several goroutines at
// once.
type Program struct {
	code     []instr // while it is compiled
	steps    []step
	prologue int // where the code before the shapes starts, or -1
	shapes   []shape
	alias    seed.Alias
	metadata int // where its code starts, or -1
	tag      int
	meta     []byte // without code for it

	expressions []fake.Gen

	members, metaMembers map[string]bool // the names that are known at the start

	inTurn bool // record k has shape k mod their number
	clear  bool // variables of one shape could show in another record
	pads   bool // a member pads the record

	rec  fake.Record
	made bool // rec has the variables of a record
	last int  // its shape
	run  machine
	tmp  []byte

	subprograms []int    // where the code of the fragments starts that are values
	bufPool     [][]byte // buffers for them
}

type shape struct {
	weight    float64
	irregular bool // weight is a share of all records
	start     int
	variables map[string]fake.Gen
}

// Compile compiles a template. Mistakes in the texts are [Errors].
func Compile(c Config) (*Program, error) {
	if c.Left == "" {
		c.Left = "{{"
	}
	if c.Right == "" {
		c.Right = "}}"
	}
	p := &Program{prologue: -1, metadata: -1, tag: -1, meta: c.LiteralMetadata, members: map[string]bool{}, metaMembers: map[string]bool{}}
	if p.meta == nil {
		p.meta = event.EmptyMap
	}
	p.run.frames = make([]frame, 1, jsonbody.MaxDepth)
	p.rec.Stream = seed.Stream(c.Seed, c.Stream)
	co := &compiler{conf: c, prog: p, env: &fake.Env{Seed: c.Seed, Stream: p.rec.Stream, Files: c.Files}}
	co.compile()
	if len(co.errs) > 0 {
		return nil, co.sorted()
	}
	if len(p.steps) > 8<<10 || co.env.HasTables() {
		// What was needed on the way may be ten times as large as what is kept,
		// and the process would hold on to it.
		debug.FreeOSMemory()
	}
	return p, nil
}

// Shapes returns how many shapes the template has.
func (p *Program) Shapes() int { return len(p.shapes) }

// HasIrregular reports whether the template has irregular shapes.
func (p *Program) HasIrregular() bool {
	return slices.ContainsFunc(p.shapes, func(s shape) bool { return s.irregular && s.weight > 0 })
}

// Irregular reports whether the record that was appended last has an irregular shape.
func (p *Program) Irregular() bool { return p.made && p.shapes[p.last].irregular }

// HasMember reports whether bodies may have a member of that name. Names that are
// made by actions are not known beforehand.
func (p *Program) HasMember(name string) bool { return p.members[name] }

// HasMetadata reports the same for the metadata, if it is a template.
func (p *Program) HasMetadata(name string) bool { return p.metaMembers[name] }

// RecordsPerTick returns how many records make a turn: those of Config.Bodies, else 1.
func (p *Program) RecordsPerTick() uint64 {
	if p.inTurn {
		return uint64(len(p.shapes))
	}
	return 1
}

// HasTag reports whether records have tags of their own.
func (p *Program) HasTag() bool { return p.tag >= 0 }

// Append appends record k as one event with time t, in nanoseconds since 1970.
func (p *Program) Append(dst []byte, form event.Form, t int64, k uint64) []byte {
	shape := p.begin(t, k)
	if p.metadata < 0 || form == event.Legacy {
		dst = event.AppendHead(dst, form, t, p.meta)
		return p.body(dst, shape)
	}
	// The metadata precedes the body, but uses its variables.
	p.tmp = p.body(p.tmp[:0], shape)
	dst = event.AppendHead(dst, form, t, nil)
	dst = p.exec(dst, p.metadata)
	return append(dst, p.tmp...)
}

// AppendBody appends the body of record k alone.
func (p *Program) AppendBody(dst []byte, t int64, k uint64) []byte {
	return p.body(dst, p.begin(t, k))
}

// AppendTag appends the tag of record k, which has time t; it is empty without a
// template for tags. It is cheapest right after Append of the same record, whose
// variables it has; otherwise it makes the body again to get them.
func (p *Program) AppendTag(dst []byte, t int64, k uint64) []byte {
	if p.tag < 0 {
		return dst
	}
	if !p.made || p.rec.K != k || p.rec.T != t {
		p.tmp = p.AppendBody(p.tmp[:0], t, k)
	}
	return p.exec(dst, p.tag)
}

// begin sets the record up and picks its shape.
func (p *Program) begin(t int64, k uint64) int {
	r := &p.rec
	r.K, r.T, p.made = k, t, true
	r.Key = seed.Record(r.Stream, k)
	r.Scratch = r.Scratch[:0]
	r.Dot = value.Null
	if p.clear {
		clear(r.Vars)
	}
	p.run.steps = 0
	if p.prologue >= 0 {
		p.exec(nil, p.prologue)
	}
	p.last = p.shapeOf(k)
	return p.last
}

// shapeOf picks the shape of record k, which is set up.
func (p *Program) shapeOf(k uint64) int {
	if len(p.shapes) == 1 {
		return 0
	}
	if p.inTurn {
		return int(k % uint64(len(p.shapes)))
	}
	rnd := seed.At(p.rec.Key, 0)
	return p.alias.Draw(&rnd)
}

func (p *Program) body(dst []byte, shape int) []byte {
	start := len(dst)
	if p.pads {
		p.run.padAt = -1
	}
	dst = p.exec(dst, p.shapes[shape].start)
	if p.pads && p.run.padAt >= 0 {
		dst = p.pad(dst, start)
	}
	return dst
}
