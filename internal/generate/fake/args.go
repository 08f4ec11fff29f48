// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"fmt"
	"math"
	"strconv"

	"github.com/gdummy/gdummy/internal/generate/value"
)

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

// article returns the type's name with its article.
func (t Type) article() string {
	if t == Integer {
		return "an integer"
	}
	return "a " + t.String()
}

// kinds returns the types of values that are valid for an argument.
func (t Type) kinds() Kinds {
	switch t {
	case Integer, Number:
		return numeric
	case Text:
		return kinds(value.String)
	}
	return 0
}

// has reports whether a constant is of the type.
func (t Type) has(v value.Value) bool {
	if t == Integer && v.K == value.Float {
		f := v.Float()
		return f == math.Trunc(f) && math.Abs(f) <= 1<<62
	}
	return kinds(v.K).mayBe(t.kinds())
}

// Arg is an argument of a function.
type Arg struct {
	Name     string
	Type     Type
	Kinds    Kinds // of the values that are valid if the Type is Any; 0 for all
	Optional bool
	Default  string // as text, if Optional
	Rest     bool   // takes all remaining arguments, at least one unless Optional
	Dynamic  bool   // need not be a constant

	// Checks of constants.
	Range    Range
	NotBelow bool // it must not be below the argument before it
}

// fallback returns the default value.
func (a *Arg) fallback() value.Value {
	switch a.Type {
	case Integer:
		i, _ := strconv.ParseInt(a.Default, 10, 64)
		return value.OfInt(i)
	case Number:
		f, err := strconv.ParseFloat(a.Default, 64)
		if err != nil {
			return value.Null // no default
		}
		return value.OfFloat(f)
	}
	return value.OfString(a.Default)
}

// bounds returns the arguments LOW and HIGH, then others.
func bounds(others ...Arg) []Arg {
	return append([]Arg{{Name: "LOW", Type: Number}, {Name: "HIGH", Type: Number, NotBelow: true}}, others...)
}

// Range is a range of numbers. The zero value has all numbers.
type Range struct {
	Low, High float64
	Above     bool // Low itself is not in the range
}

var (
	notNegative = Range{High: math.Inf(1)}
	positive    = Range{High: math.Inf(1), Above: true}
	countable   = Range{Low: 1, High: 1 << 40} // of things
	textSize    = Range{Low: 1, High: 1 << 20} // of a random text
)

// has reports whether a number is in the range.
func (r Range) has(f float64) bool {
	return r == Range{} || f >= r.Low && f <= r.High && !(r.Above && f == r.Low)
}

// String describes the range, as used in errors.
func (r Range) String() string {
	low, high := value.OfFloat(r.Low).AppendText(nil), value.OfFloat(r.High).AppendText(nil)
	switch limited := !math.IsInf(r.High, 1); {
	case r.Above && limited:
		return fmt.Sprintf("more than %s and at most %s", low, high)
	case r.Above:
		return fmt.Sprintf("more than %s", low)
	case limited:
		return fmt.Sprintf("%s to %s", low, high)
	}
	return fmt.Sprintf("%s or more", low)
}

// check checks argument i.
func (c *Call) check(i int) error {
	f, arg := c.Func, c.Args[i]
	a := &f.Args[min(i, len(f.Args)-1)]
	switch want := a.Type.kinds(); {
	case !arg.Const && !a.Dynamic:
		return argErr(i, "%s: %s must be a constant, since all records share it", f.Name, a.Name)
	case !arg.Kinds.mayBe(a.Kinds):
		return argErr(i, "%s: %s must be %s, found %s", f.Name, a.Name, a.Kinds&^kinds(value.Nil), arg.Kinds)
	case arg.Const:
		return c.checkConstant(i, a)
	case !arg.Kinds.mayBe(want):
		hint := ""
		if arg.Kinds == kinds(value.String) && want == numeric {
			hint = "; use toint or tofloat if the string is a number"
		}
		return argErr(i, "%s: %s must be %s, found %s%s", f.Name, a.Name, a.Type.article(), arg.Kinds, hint)
	}
	return nil
}

// checkConstant checks argument i, which is a constant.
func (c *Call) checkConstant(i int, a *Arg) error {
	f, v := c.Func, c.Args[i].Value
	if !a.Type.has(v) {
		found := v.K.String()
		if v.K != value.Nil && v.K != value.Omit {
			found += " " + string(v.AppendJSON(nil))
		}
		return argErr(i, "%s: %s must be %s, found %s", f.Name, a.Name, a.Type.article(), found)
	}
	if !a.Range.has(v.Float()) {
		return argErr(i, "%s: %s is %s, expected %s", f.Name, a.Name, v.AppendJSON(nil), a.Range)
	}
	if a.NotBelow && c.Args[i-1].Const {
		low := c.Args[i-1].Value
		if order, _ := value.Compare(low, v); order > 0 || math.IsInf(v.Float()-low.Float(), 0) {
			return argErr(i-1, "%s: %s must not be above %s, found %s and %s", f.Name, f.Args[i-1].Name, a.Name, low.AppendJSON(nil), v.AppendJSON(nil))
		}
	}
	return nil
}

// argCount describes how many arguments a function has.
func argCount(need, most int, rest bool) string {
	plural := func(n int) string {
		if n == 1 {
			return fmt.Sprint(n, " argument")
		}
		return fmt.Sprint(n, " arguments")
	}
	switch {
	case rest:
		return "at least " + plural(need)
	case most == 0:
		return "no argument"
	case need == most:
		return plural(most)
	}
	return fmt.Sprintf("%d to %s", need, plural(most))
}
