// SPDX-License-Identifier: Apache-2.0

// Package fake is the registry of the functions that templates call.
//
// [Table] holds, for every function, its name, what it does, its arguments with
// types and defaults, an example, and how a call of it is built. The compiler of
// templates, the documentation and the tests all read it.
//
// A call is built once, when a template is compiled: its constant arguments are
// looked at, lists are weighed, files are read, and the result is a [Gen].
// From then on the Gen is called for each record. It draws its random numbers
// from the record's key and its own place in the template, so its value depends
// on nothing that happened before. A Gen allocates nothing; text that it composes
// lies in the record's scratch space.
//
// Functions that seem to remember are closed forms of the record's number:
// walks are noise, shuffles are permutations, and the lives of states are hashed.
//
// What can't be computed (a division by zero, a field that isn't there) is null.
// Floating-point results may differ in their last bit between processor
// architectures.
package fake

import (
	"fmt"
	"math"
	"strconv"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Record is what functions see of the record that is being made.
type Record struct {
	K      uint64 // its number in the stream
	T      int64  // its time, in nanoseconds since 1970
	Key    uint64 // of its random numbers, changed by loops and by per
	Stream uint64 // the stream's key

	Scratch []byte        // text composed for this record
	Vars    []value.Value // the template's variables
	Dot     value.Value
}

// rand returns the random numbers of one place.
func (r *Record) rand(place uint64) seed.Rand { return seed.At(r.Key, place) }

// maxScratch bounds the text that one record may compose, in bytes: a template
// that doubles a text again and again must not eat the memory of its host.
const maxScratch = 4 << 20

// full reports whether the record has composed as much text as it may.
func (r *Record) full() bool { return len(r.Scratch) > maxScratch }

// text returns what was appended to the scratch space from start on.
func (r *Record) text(start int) value.Value {
	if r.full() {
		return value.Null
	}
	return value.OfBytes(r.Scratch[start:])
}

// row returns the row that has the values which were appended to the scratch space
// from start on.
func (r *Record) row(start int, names *[]string) value.Value {
	if r.full() {
		return value.Null
	}
	return value.OfRow(r.Scratch[start:], names)
}

// Gen returns the value of a call for a record.
type Gen func(r *Record) value.Value

// Append appends what a call has for a record, without the way through a value
// and the scratch space.
type Append func(dst []byte, r *Record) []byte

// Operand is an argument of a call.
type Operand struct {
	Gen   Gen
	Const bool        // always Value
	Value value.Value // if Const
	Names *[]string   // the columns, if it is known to be a row of a table
	Kinds Kinds       // of its values, if they are known

	Text Append // appends the text, if the value is always a string; nil otherwise
	Pack Append // appends the value as MessagePack; may be nil
}

// Constant makes the operand of a value that does not change.
func Constant(v value.Value) Operand {
	return Operand{Gen: func(*Record) value.Value { return v }, Const: true, Value: v, Kinds: kinds(v.K)}
}

// Env is what calls may need while they are built.
type Env struct {
	Seed   uint64
	Stream uint64 // the stream's key
	Files  Files

	// Nested counts the values around the one that is being compiled that are
	// not part of the record itself.
	Nested int

	pools   map[string]*pool
	tables  map[string]*table
	lists   map[string]*pool
	indexes map[column]*index
	clocks  map[string]*clock
	recent  *clockCache
	curves  map[call]*seed.Curve
	zipfs   map[call]*seed.Alias
	ranks   int // of the zipfs together
	sets    map[set][]value.Value
	making  making // of the sets together
}

// call is a call by its numbers: equal ones share what is made for them.
type call struct {
	function string
	a, b     float64
}

// Type is the type of an argument.
type Type uint8

// The types of arguments.
const (
	Any Type = iota
	Integer
	Number
	Text
)

// String returns the type's name in the documentation.
func (t Type) String() string {
	return [...]string{"value", "integer", "number", "string"}[t]
}

// Arg is an argument of a function.
type Arg struct {
	Name     string
	Type     Type
	Optional bool
	Default  string // of an optional one, as text
	Rest     bool   // takes all arguments that remain, at least one unless Optional
	Dynamic  bool   // may differ from record to record
}

// Func is one row of the registry.
type Func struct {
	Name    string
	Section string
	Doc     string
	Args    []Arg
	Result  string // the type of its value, in words
	Example string // an expression that calls it; of a Form, a template that does

	// Pure functions depend on nothing but their arguments.
	Pure bool

	// Follows is what of the record the value follows besides its random
	// numbers: its number or its time, or nothing.
	Follows Follows

	// Form marks what the compiler itself builds.
	Form bool

	// Keyed functions compute their last argument with a key of its own: equal
	// expressions then have equal values anywhere in a template.
	Keyed bool

	build func(c *Call) (Gen, error)
}

// Follows is what of a record a value follows.
type Follows uint8

// What values may follow.
const (
	Nothing Follows = iota
	TheNumber
	TheTime
)

// String names it in messages.
func (f Follows) String() string { return [...]string{"nothing", "number", "time"}[f] }

// Call is a call of a function while it is built.
type Call struct {
	Func  *Func
	Place uint64 // of its random numbers
	Set   uint64 // of those of its last argument, if that is Keyed
	Args  []Operand
	Env   *Env

	// Names is set by functions whose values are rows of a table.
	Names *[]string

	// Kinds are set by functions whose values have other types than Func.Result.
	Kinds Kinds

	// Text and Pack are set by functions that have them, see [Operand].
	Text, Pack Append
}

// texts builds a function whose values are the texts that appendTo appends. It
// must not ask for arguments: what they compose would lie in its way.
func (c *Call) texts(appendTo Append) Gen {
	c.Text = appendTo
	return func(r *Record) value.Value {
		start := len(r.Scratch)
		r.Scratch = appendTo(r.Scratch, r)
		return r.text(start)
	}
}

// textsOf builds a function whose values are texts made of the text of arg.
func (c *Call) textsOf(arg Gen, appendTo func(dst []byte, r *Record, s string) []byte) Gen {
	return c.textsFrom(arg, func(dst []byte, r *Record, v value.Value) []byte { return appendTo(dst, r, v.S()) })
}

// textsFrom is textsOf for who wants the text as a value.
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
	Arg     int // its index, or -1 for the call itself
	Problem string
}

// Error returns what is wrong with the argument.
func (e *ArgError) Error() string { return e.Problem }

func argErr(i int, format string, args ...any) error {
	return &ArgError{i, fmt.Sprintf(format, args...)}
}

// Signature returns how the function is called, as in "int LOW HIGH".
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

// Build checks the arguments of a call, fills in what was left out and builds
// it. Errors are of type [*ArgError].
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
	constant := true
	for i := range c.Args {
		a := f.Args[min(i, len(f.Args)-1)]
		if !c.Args[i].Const {
			constant = false
			if !a.Dynamic {
				return Operand{}, argErr(i, "%s: %s must be a constant, since all records share it", f.Name, a.Name)
			}
			if want := a.Type.kinds(); !c.Args[i].Kinds.mayBe(want) {
				hint := ""
				if c.Args[i].Kinds == kinds(value.String) && want == numeric {
					hint = "; use toint or tofloat if the string is a number"
				}
				return Operand{}, argErr(i, "%s: %s must be %s, found %s%s", f.Name, a.Name, article(a.Type), c.Args[i].Kinds, hint)
			}
			continue
		}
		if err := a.check(i, f, c.Args[i].Value); err != nil {
			return Operand{}, err
		}
	}
	for i := given; i < len(f.Args) && !f.Args[i].Rest; i++ {
		c.Args = append(c.Args, Constant(f.Args[i].fallback()))
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

func argCount(need, most int, rest bool) string {
	plural := "s"
	if most == 1 {
		plural = ""
	}
	switch {
	case rest:
		return fmt.Sprintf("at least %d argument%s", need, map[bool]string{true: "", false: "s"}[need == 1])
	case most == 0:
		return "no argument"
	case need == most:
		return fmt.Sprintf("%d argument%s", most, plural)
	}
	return fmt.Sprintf("%d to %d argument%s", need, most, plural)
}

// check holds a constant against the argument's type.
func (a *Arg) check(i int, f *Func, v value.Value) error {
	bad := false
	switch a.Type {
	case Integer:
		f := v.Float()
		bad = v.K != value.Int && (v.K != value.Float || f != math.Trunc(f) || math.Abs(f) > 1<<62)
	case Number:
		bad = v.K != value.Int && v.K != value.Float
	case Text:
		bad = v.K != value.String
	}
	if bad {
		found := v.K.String()
		if v.K != value.Nil && v.K != value.Omit {
			found += " " + string(v.AppendJSON(nil))
		}
		return argErr(i, "%s: %s must be %s, found %s", f.Name, a.Name, article(a.Type), found)
	}
	return nil
}

func article(t Type) string {
	if t == Integer {
		return "an integer"
	}
	return "a " + t.String()
}

func (a *Arg) fallback() value.Value {
	switch a.Type {
	case Integer:
		i, _ := strconv.ParseInt(a.Default, 10, 64)
		return value.OfInt(i)
	case Number:
		f, _ := strconv.ParseFloat(a.Default, 64)
		return value.OfFloat(f)
	}
	return value.OfString(a.Default)
}

// num, int and str return a constant argument.
func (c *Call) num(i int) float64 { return c.Args[i].Value.Float() }
func (c *Call) int(i int) int64   { return c.Args[i].Value.Int() }
func (c *Call) str(i int) string  { return c.Args[i].Value.S() }

// gens returns the arguments from i on.
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

// foreignNames are names in Go, Helm and Sprig, and what they are called here.
var foreignNames = map[string]string{
	"println": "print", "urlquery": "urlescape", "squote": "quote", "toJson": "json", "toRawJson": "json", "mustToJson": "json", "toString": "tostring",
	"uuidv4": "uuid", "randInt": "int", "randint": "int", "randNumeric": "int", "randBytes": "base64", "choice": "pick", "randomElement": "pick",
	"atoi": "toint", "int64": "toint", "float64": "tofloat", "sha256sum": "sha256", "date": "now", "htmlDate": "now", "unixEpoch": "now", "dateModify": "now",
	"get": "index", "first": "index", "substr": "slice", "coalesce": "or", "kebabcase": "slug", "trimSpace": "trim", "concat": "cat", "add1": "add",
	"addf": "add", "subf": "sub", "mulf": "mul", "divf": "div",
}

// HintFunc is Hint for the name of a function.
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
