// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"strings"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// Kinds is a set of types that a value may have. 0 means unknown.
type Kinds uint16

func kinds(ks ...value.Kind) (all Kinds) {
	for _, k := range ks {
		all |= 1 << k
	}
	return all
}

var (
	numeric  = kinds(value.Int, value.Float)
	compound = kinds(value.Raw, value.Row)
)

// results are the types of values by [Func.Result]. All values may be null, too.
var results = map[string]Kinds{
	"integer": kinds(value.Int), "number": kinds(value.Float), "integer or number": numeric, "boolean": kinds(value.Bool),
	"string": kinds(value.String), "array": kinds(value.Raw), "object": kinds(value.Raw), "row": kinds(value.Row),
}

// mayBe reports whether a value may have one of the wanted types. A want of 0 accepts
// all types.
func (k Kinds) mayBe(want Kinds) bool { return k == 0 || want == 0 || k&want != 0 }

// String returns the names of the types, as used in errors.
func (k Kinds) String() string {
	var names []string
	for i := value.Nil; i <= value.Omit; i++ {
		if i == value.Int && k&numeric == numeric {
			continue // "number" includes integers
		}
		if k&(1<<i) != 0 {
			names = append(names, i.String())
		}
	}
	text := strings.Join(names, " or ")
	switch {
	case k == kinds(value.Nil) || k == kinds(value.Omit):
		return text
	case text != "" && strings.IndexByte("aeiou", text[0]) >= 0:
		return "an " + text
	}
	return "a " + text
}

// numbered checks that an argument may be a number, or a string with a number.
func (c *Call) numbered(i int) error {
	if k := c.Args[i].Kinds; !k.mayBe(numeric | kinds(value.String, value.Bool, value.Nil)) {
		return argErr(i, "%s: expected a number, or a string with one, found %s", c.Func.Name, k)
	}
	if _, ok := c.Args[i].Value.Number(); c.Args[i].Const && !ok {
		return argErr(i, "%s: expected a number, found %s", c.Func.Name, c.Args[i].Value.AppendJSON(nil))
	}
	return nil
}

// Ranges reports whether a loop can iterate over the operand, as far as known.
func (o Operand) Ranges() bool { return o.Kinds.mayBe(numeric | compound) }

// HasFields reports whether the operand can have fields, as far as known.
func (o Operand) HasFields() bool { return o.Kinds.mayBe(compound | kinds(value.Nil)) }

// canCompare reports whether values of these types can be compared: both are numbers,
// or have the same type. If order is false, they are only compared for equality.
func canCompare(a, b Kinds, order bool) bool {
	for _, class := range []Kinds{numeric, kinds(value.String), kinds(value.Bool), compound} {
		if class == compound && order {
			continue
		}
		if a.mayBe(class) && b.mayBe(class) {
			return true
		}
	}
	return !order && (a.mayBe(kinds(value.Nil)) || b.mayBe(kinds(value.Nil)))
}

// comparands checks that the first argument can be compared with the others.
func comparands(c *Call, order bool) error {
	a := c.Args[0]
	for i, b := range c.Args[1:] {
		if !canCompare(a.Kinds, b.Kinds, order) {
			return argErr(i+1, "%s: %s cannot be compared with %s", c.Func.Name, a.Kinds, b.Kinds)
		}
	}
	return nil
}
