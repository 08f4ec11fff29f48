// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"strings"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// Kinds are the types that a value may have; 0 means that nothing is known.
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

// results are the types of values by [Func.Result]. A value that cannot be
// computed is null all the same.
var results = map[string]Kinds{
	"integer": kinds(value.Int), "number": kinds(value.Float), "integer or number": numeric, "boolean": kinds(value.Bool),
	"string": kinds(value.String), "array": kinds(value.Raw), "object": kinds(value.Raw), "row": kinds(value.Row),
}

// mayBe reports whether a value may have one of the types; all are for what nothing
// is known of, and for what nothing is asked of.
func (k Kinds) mayBe(want Kinds) bool { return k == 0 || want == 0 || k&want != 0 }

// String names the types in messages.
func (k Kinds) String() string {
	var names []string
	for i := value.Nil; i <= value.Omit; i++ {
		if i == value.Int && k&numeric == numeric {
			continue // numbers are all of them
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

// wants checks that an argument may have one of the types.
func (c *Call) wants(i int, want Kinds) error {
	if k := c.Args[i].Kinds; !k.mayBe(want) {
		a := c.Func.Args[min(i, len(c.Func.Args)-1)]
		return argErr(i, "%s: %s must be %s, found %s", c.Func.Name, a.Name, want&^kinds(value.Nil), k)
	}
	return nil
}

// numbered checks that a constant argument is a number, or the text of one.
func (c *Call) numbered(i int) error {
	if k := c.Args[i].Kinds; !k.mayBe(numeric | kinds(value.String, value.Bool, value.Nil)) {
		return argErr(i, "%s: expected a number, or a string with one, found %s", c.Func.Name, k)
	}
	if _, ok := c.Args[i].Value.Number(); c.Args[i].Const && !ok {
		return argErr(i, "%s: expected a number, found %s", c.Func.Name, c.Args[i].Value.AppendJSON(nil))
	}
	return nil
}

// Ranges reports whether a loop can run over what is known of an operand.
func (o Operand) Ranges() bool { return o.Kinds.mayBe(numeric | compound) }

// HasFields reports whether what is known of an operand may have members.
func (o Operand) HasFields() bool { return o.Kinds.mayBe(compound | kinds(value.Nil)) }

// kinds are those that an argument of the type may have.
func (t Type) kinds() Kinds {
	switch t {
	case Integer, Number:
		return numeric
	case Text:
		return kinds(value.String)
	}
	return 0
}

// comparable reports whether values of both types can be compared: numbers with
// numbers, and others with their like. Order reports whether it is for more than
// whether they are the same.
func comparable(a, b Kinds, order bool) bool {
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

// comparands checks that the other arguments of a comparison can be compared
// with the first.
func comparands(c *Call, order bool) error {
	a := c.Args[0]
	for i, b := range c.Args[1:] {
		if !comparable(a.Kinds, b.Kinds, order) {
			return argErr(i+1, "%s: %s can't be compared with %s", c.Func.Name, a.Kinds, b.Kinds)
		}
	}
	return nil
}
