// SPDX-License-Identifier: Apache-2.0

// Package fake is the registry of the functions that templates call.
//
// [Table] has one row for each function: its name, documentation, arguments with types
// and defaults, an example, and how to build a call. The compiler of templates, the
// documentation and the tests read it.
//
// A call is built once, when a template is compiled. [Call.Build] checks constant
// arguments, builds tables of weights, reads files, and returns a [Gen], which is then
// called for each record. A Gen draws random numbers from the key of the record and
// from its place in the template, so its value does not depend on earlier records. It
// does not allocate: text that it composes is in the scratch space of the record.
//
// Functions that seem to have memory are closed forms of the record's number: walks
// are noise, shuffles are permutations, and the states of state machines are hashed.
//
// A value that cannot be computed, such as a division by zero or a missing field, is
// null. The last bit of floating-point results may differ between processor
// architectures.
package fake

import (
	"fmt"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Record is the record being made.
type Record struct {
	K      uint64 // number in the stream
	T      int64  // in nanoseconds since 1970
	Key    uint64 // of its random numbers; loops and per change it
	Stream uint64 // key of the stream
	File   string // that the record is replayed from

	Scratch []byte        // text composed for this record
	Vars    []value.Value // variables of the template
	Dot     value.Value
}

// rand returns the random numbers of a place in the template.
func (r *Record) rand(place uint64) seed.Rand { return seed.At(r.Key, place) }

// maxScratch is the maximum size of the scratch space, in bytes: a template that
// doubles a text repeatedly must not exhaust the memory of its host.
const maxScratch = 4 << 20

// full reports whether the scratch space has reached its maximum size.
func (r *Record) full() bool { return len(r.Scratch) > maxScratch }

// text returns the scratch space from start on as a string.
func (r *Record) text(start int) value.Value {
	if r.full() {
		return value.Null
	}
	return value.OfBytes(r.Scratch[start:])
}

// row returns a row with the values in the scratch space from start on.
func (r *Record) row(start int, names *[]string) value.Value {
	if r.full() {
		return value.Null
	}
	return value.OfRow(r.Scratch[start:], names)
}

// Gen returns the value of a call for a record.
type Gen func(r *Record) value.Value

// Append appends the value of a call for a record, without using a [value.Value] or
// the scratch space.
type Append func(dst []byte, r *Record) []byte

// Operand is an argument of a call.
type Operand struct {
	Gen   Gen
	Const bool        // always Value
	Value value.Value // if Const
	Names *[]string   // columns, if the value is a row of a known table
	Kinds Kinds       // possible types of the value, if known

	Text Append // appends the text; nil if the value may be something else than a string
	Pack Append // appends the value as MessagePack; may be nil
}

// Constant returns the operand of a constant.
func Constant(v value.Value) Operand {
	return Operand{Gen: func(*Record) value.Value { return v }, Const: true, Value: v, Kinds: kinds(v.K)}
}

// Env is the environment in which the calls of a template are built.
type Env struct {
	Seed   uint64
	Stream uint64 // key of the stream
	Files  Files

	// Nested is the number of enclosing values that are not part of the record.
	Nested int

	pools   map[string]*pool
	tables  map[string]*table
	lists   map[string]*pool
	indexes map[column]*index
	clocks  map[string]*clock
	recent  *clockCache
	lives   *livesStream
	curves  map[call]*seed.Curve
	zipfs   map[call]*seed.Alias
	ranks   int // total of zipfs
	sets    map[set][]value.Value
	making  making // total of sets
}

// put sets a member of a map of Env, which may be nil.
func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

// call identifies a call with numeric arguments. Equal calls share their tables.
type call struct {
	function string
	a, b     float64
}

// Func is one row of the registry.
type Func struct {
	Name    string
	Section string
	Doc     string
	Args    []Arg
	Result  string // the type of its value, in words
	Example string // an expression, or if Form is set, a template

	// Pure functions depend only on their arguments.
	Pure bool

	// Follows is the property of the record on which the value depends, besides its
	// random numbers.
	Follows Follows

	// Form functions are built by the compiler itself.
	Form bool

	// Keyed functions compute their last argument with a separate key, so that equal
	// expressions have equal values anywhere in a template.
	Keyed bool

	build func(c *Call) (Gen, error)
}

// Follows is a property of a record on which values may depend.
type Follows uint8

// The properties of records.
const (
	Nothing Follows = iota
	TheNumber
	TheTime
)

// String returns the name of the property, as used in errors.
func (f Follows) String() string { return [...]string{"nothing", "number", "time"}[f] }

// Call is a call of a function that is being built.
type Call struct {
	Func  *Func
	Place uint64 // of its random numbers
	Set   uint64 // place of the last argument, if Func.Keyed is set
	Args  []Operand
	Env   *Env

	// The function sets Names if its values are rows of a table, Kinds if their types
	// are not those of Func.Result, and Text and Pack if it has them, see [Operand].
	Names      *[]string
	Kinds      Kinds
	Text, Pack Append
}

// texts builds a function whose values are the texts that appendTo appends. appendTo
// must not evaluate arguments: they may use the scratch space to which it appends.
func (c *Call) texts(appendTo Append) Gen {
	c.Text = appendTo
	return func(r *Record) value.Value {
		start := len(r.Scratch)
		r.Scratch = appendTo(r.Scratch, r)
		return r.text(start)
	}
}

// textsOfArgs is texts for an appendTo that evaluates arguments.
func (c *Call) textsOfArgs(appendTo Append) Gen {
	c.Text = appendTo
	var buf []byte
	return func(r *Record) value.Value {
		buf = appendTo(buf[:0], r)
		start := len(r.Scratch)
		r.Scratch = append(r.Scratch, buf...)
		return r.text(start)
	}
}

// textsOf builds a function whose values are texts made of the text of arg.
func (c *Call) textsOf(arg Gen, appendTo func(dst []byte, r *Record, s string) []byte) Gen {
	return c.textsFrom(arg, func(dst []byte, r *Record, v value.Value) []byte { return appendTo(dst, r, v.S()) })
}

// textsFrom is like textsOf, and passes the text as a value.
func (c *Call) textsFrom(arg Gen, appendTo func(dst []byte, r *Record, v value.Value) []byte) Gen {
	c.Text = func(dst []byte, r *Record) []byte {
		return appendTo(dst, r, inText(r, arg(r)))
	}
	return func(r *Record) value.Value {
		v := inText(r, arg(r))
		start := len(r.Scratch)
		r.Scratch = appendTo(r.Scratch, r, v)
		return r.text(start)
	}
}

// ArgError is an error in one argument.
type ArgError struct {
	Arg     int // index, or -1 for the call itself
	Problem string
}

// Error returns the description of the error.
func (e *ArgError) Error() string { return e.Problem }

func argErr(i int, format string, args ...any) error {
	return &ArgError{i, fmt.Sprintf(format, args...)}
}

// Signature returns the name and arguments of the function, such as "int LOW HIGH".
func (f *Func) Signature() string {
	s := f.Name
	for _, a := range f.Args {
		name := a.Name
		if a.Rest {
			name += "..."
		}
		switch {
		case a.Optional && a.Default != "":
			s += " [" + name + "=" + a.Default + "]"
		case a.Optional:
			s += " [" + name + "]"
		default:
			s += " " + name
		}
	}
	return s
}

// Build checks the arguments of a call, adds default values and builds the call. It
// returns errors of type [*ArgError].
func (c *Call) Build() (Operand, error) {
	f := c.Func
	given := len(c.Args)
	rest := len(f.Args) > 0 && f.Args[len(f.Args)-1].Rest
	need := 0
	for _, a := range f.Args {
		if !a.Optional {
			need++
		}
	}
	if given < need || given > len(f.Args) && !rest {
		return Operand{}, argErr(-1, "%s takes %s, found %d: %s", f.Name, argCount(need, len(f.Args), rest), given, f.Signature())
	}
	for i := given; i < len(f.Args) && !f.Args[i].Rest; i++ {
		c.Args = append(c.Args, Constant(f.Args[i].fallback()))
	}
	constant := true
	for i := range c.Args {
		constant = constant && c.Args[i].Const
		if i >= given && f.Args[i].Default == "" {
			continue // null, or an empty text
		}
		if err := c.check(i); err != nil {
			return Operand{}, err
		}
	}
	gen, err := f.build(c)
	if err != nil {
		return Operand{}, err
	}
	op := Operand{Gen: gen, Names: c.Names, Kinds: results[f.Result], Text: c.Text, Pack: c.Pack}
	if c.Kinds != 0 {
		op.Kinds = c.Kinds
	}
	if f.Keyed {
		op.Kinds = c.Args[len(c.Args)-1].Kinds
	}
	if f.Pure && constant {
		v := gen(new(Record))
		return Constant(v), nil
	}
	return op, nil
}

// num, int and str return a constant argument.
func (c *Call) num(i int) float64 { return c.Args[i].Value.Float() }
func (c *Call) int(i int) int64   { return c.Args[i].Value.Int() }
func (c *Call) str(i int) string  { return c.Args[i].Value.S() }

// gens returns the Gens of the arguments from i on.
func (c *Call) gens(i int) []Gen {
	var gs []Gen
	for _, a := range c.Args[min(i, len(c.Args)):] {
		gs = append(gs, a.Gen)
	}
	return gs
}

// Find returns the function of a name.
func Find(name string) *Func {
	for i := range Table {
		if Table[i].Name == name {
			return &Table[i]
		}
	}
	return nil
}

// foreignNames maps names of functions in Go, Helm and Sprig to ours.
var foreignNames = map[string]string{
	"println": "print", "urlquery": "urlescape", "squote": "quote", "toJson": "json", "toRawJson": "json", "mustToJson": "json", "toString": "tostring",
	"uuidv4": "uuid", "randInt": "int", "randint": "int", "randNumeric": "int", "randBytes": "base64", "choice": "pick", "randomElement": "pick",
	"atoi": "toint", "int64": "toint", "float64": "tofloat", "sha256sum": "sha256", "date": "now", "htmlDate": "now", "unixEpoch": "now", "dateModify": "now",
	"get": "index", "first": "index", "substr": "slice", "coalesce": "or", "kebabcase": "slug", "trimSpace": "trim", "concat": "cat", "add1": "add",
	"addf": "add", "subf": "sub", "mulf": "mul", "divf": "div",
}

// HintFunc returns the hint for an unknown function, see [units.Hint].
func HintFunc(name string) string {
	if ours, ok := foreignNames[name]; ok {
		return "; did you mean " + ours + "?"
	}
	return units.Hint(name, Names(), "")
}

// Names returns the names of all functions, in the table's order.
func Names() []string {
	names := make([]string, len(Table))
	for i := range Table {
		names[i] = Table[i].Name
	}
	return names
}
