// SPDX-License-Identifier: Apache-2.0

// Package template compiles templates of records.
//
// A template is JSON with actions of Go's text/template. An action in place of a
// value is a typed value. An action inside a string is interpolated:
//
//	{"user": "{{ $u := username }}{{ $u }}", "status": {{ weighted 200 9 500 1 }}}
//
// The normal path is [Compile], then [Program.Append] for each record. Compile parses
// the actions with text/template/parse and the JSON on all branches between them. The
// result is a flat list of instructions that append MessagePack, in which parts that
// are equal in all records are literals. Making a record uses no reflection and does
// not allocate.
//
// # Terms
//
// A shape is one top-level object of a template. If there are several, each record has
// one of them, chosen by weight. A fragment is a {{define}}. A member is a name and
// its value in an object.
//
// # Limits
//
// Objects and arrays nest up to [jsonbody.MaxDepth] levels. A loop has at most
// [MaxLoop] iterations, all loops of one record together have at most [MaxSteps], and
// a loop ends when the record exceeds [MaxSize] bytes. A template compiles to at most
// [MaxCode] instructions, with all fragments expanded.
package template

import (
	"runtime/debug"
	"slices"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/lives"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// The limits of templates.
const (
	MaxErrors = 100 // reported in the syntax of actions, and as many others

	MaxLoop  = 10_000
	MaxSteps = 100_000
	MaxCode  = 100_000
	MaxSize  = 4 << 20
)

// Text is one of the texts of a template.
type Text struct {
	Name string // of its option
	Text string

	Left, Right string // delimiters of actions; "" means those of the Config

	assigned map[string]bool // variables to which other values are assigned

	moves      []move // the repairs
	unbalanced bool   // blocks and ends do not match, so the JSON cannot be followed
}

// errorf returns an error at an offset of the text.
func (t *Text) errorf(offset int, format string, args ...any) *diag.Error {
	e := diag.Errorf(t.Text, offset, format, args...)
	e.In = t.Name
	return e
}

// Config is the input of [Compile].
type Config struct {
	Body     Text
	Metadata Text // one object, or empty
	Tag      Text // may be empty

	Left, Right string // delimiters of actions; "" means {{ and }}

	Bodies          [][]byte // bodies in MessagePack, repeated in order, instead of Body
	LiteralMetadata []byte   // metadata in MessagePack, if Metadata is empty

	// Irregular, if not nil, is the share of the irregular shapes, from 0 to 1,
	// instead of that of the text.
	Irregular *float64

	Seed   uint64
	Stream string // name of the stream
	Files  fake.Files

	// Expressions are computed for a record on request, with its variables: see
	// [Program.Expression].
	Expressions []Text
}

// Errors are all errors of a template, in the order of the text.
type Errors []*diag.Error

// Error returns one line for each error.
func (es Errors) Error() string {
	return diag.Join(es)
}

// Unwrap returns the errors.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

// Program is a compiled template. It is not safe for concurrent use.
type Program struct {
	code     []instr // during compilation
	steps    []step
	prologue int // during compilation: index of the code before the shapes, or -1
	shapes   []shape
	alias    seed.Alias
	metadata int    // index of the code of the metadata, or -1
	tag      int    // index of the code of the tag, or -1
	meta     []byte // the metadata, unless code makes it

	expressions []fake.Gen

	lives *lives.Stream // nil if the records are not transitions

	members, metaMembers map[string]bool // constant names of members

	inTurn bool // shapes are used in order instead of by weight
	clear  bool // variables of one shape could be visible in a record of another
	pads   bool // a member pads the record

	rec  fake.Record
	made bool // rec has the variables of a record
	last int  // its shape
	run  machine
	tmp  []byte

	subprograms []int // indexes of the code of fragments that are used as values
}

type shape struct {
	weight    float64
	irregular bool // weight is a share of all records
	prologue  int  // index of the code before it that belongs to all shapes, or -1
	start     int
	variables map[string]fake.Gen
}

// Compile compiles a template. Errors in the texts are returned as [Errors].
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
	p.lives = co.env.Lives()
	if len(p.steps) > 8<<10 || co.env.HasTables() {
		// Compiling may have allocated ten times as much memory as the program needs.
		// Return it to the operating system.
		debug.FreeOSMemory()
	}
	return p, nil
}

// Shapes returns the number of shapes.
func (p *Program) Shapes() int { return len(p.shapes) }

// HasIrregular reports whether the template has irregular shapes.
func (p *Program) HasIrregular() bool {
	return slices.ContainsFunc(p.shapes, func(s shape) bool { return s.irregular && s.weight > 0 })
}

// Irregular reports whether the record that was appended last has an irregular shape.
func (p *Program) Irregular() bool { return p.made && p.shapes[p.last].irregular }

// HasMember reports whether a body may have a member of that name. It does not know
// names that actions produce.
func (p *Program) HasMember(name string) bool { return p.members[name] }

// HasMetadata reports the same for the metadata, if it is a template.
func (p *Program) HasMetadata(name string) bool { return p.metaMembers[name] }

// RecordsPerTick returns the number of Config.Bodies, or 1 if there are none.
func (p *Program) RecordsPerTick() uint64 {
	if p.inTurn {
		return uint64(len(p.shapes))
	}
	return 1
}

// Lives returns the stream of transitions that the records are, or nil. Record k must
// have the time of its record k.
func (p *Program) Lives() *lives.Stream { return p.lives }

// HasTag reports whether records have tags of their own.
func (p *Program) HasTag() bool { return p.tag >= 0 }

// HasMetadataTemplate reports whether records have metadata of their own.
func (p *Program) HasMetadataTemplate() bool { return p.metadata >= 0 }

// SetFile sets the file that the next record is replayed from.
func (p *Program) SetFile(name string) { p.rec.File = name }

// AppendMetadata appends the metadata of record k alone, which has time t.
func (p *Program) AppendMetadata(dst []byte, t int64, k uint64) []byte {
	if p.metadata < 0 {
		return append(dst, p.meta...)
	}
	p.tmp = p.AppendBody(p.tmp[:0], t, k)
	return p.exec(dst, p.metadata)
}

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

// AppendTag appends the tag of record k, which has time t. Without a template for
// tags, it appends nothing. It is fastest directly after Append of the same record:
// otherwise it makes the body again to compute the variables.
func (p *Program) AppendTag(dst []byte, t int64, k uint64) []byte {
	if p.tag < 0 {
		return dst
	}
	if !p.made || p.rec.K != k || p.rec.T != t {
		p.tmp = p.AppendBody(p.tmp[:0], t, k)
	}
	return p.exec(dst, p.tag)
}

// begin starts record k and returns the index of its shape.
func (p *Program) begin(t int64, k uint64) int {
	r := &p.rec
	r.K, r.T, p.made = k, t, true
	r.Key = seed.Record(r.Stream, k)
	r.Scratch = r.Scratch[:0]
	r.Dot = value.Null
	if p.clear {
		clear(r.Vars)
	}
	p.run.steps, p.run.depth = 0, 0 // a record whose function panicked has no end
	p.last = p.shapeOf(k)
	if first := p.shapes[p.last].prologue; first >= 0 {
		p.exec(nil, first)
	}
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
