// SPDX-License-Identifier: Apache-2.0

package fake

import "github.com/gdummy/gdummy/internal/generate/value"

// compare returns the row of a comparison, as in Go's templates.
func compare(name, doc, example string, holds func(order int) bool) Func {
	return Func{
		Name: name, Section: secLogic, Result: "boolean", Pure: true, Example: example, Doc: doc,
		Args: []Arg{{Name: "A", Dynamic: true}, {Name: "B", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			if err := comparands(c, true); err != nil {
				return nil, err
			}
			return func(r *Record) value.Value {
				order, ok := value.Compare(a(r), b(r))
				return value.OfBool(ok && holds(order))
			}, nil
		},
	}
}

// firstWith builds the first argument with the given truth, or the last argument.
func firstWith(truth bool) func(c *Call) (Gen, error) {
	return func(c *Call) (Gen, error) {
		gens := c.gens(0)
		return func(r *Record) (v value.Value) {
			for _, g := range gens {
				if v = g(r); v.Truth() == truth {
					return v
				}
			}
			return v
		}, nil
	}
}

var logic = []Func{
	{
		Name: "eq", Section: secLogic, Result: "boolean", Pure: true, Example: `eq 1 1.0`,
		Doc:  "Reports whether A equals any of the others. Numbers are compared by value; a number never equals a string. Arrays, objects and rows are equal if their elements are, in the same order.",
		Args: []Arg{{Name: "A", Dynamic: true}, {Name: "B", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) {
			a, others := c.Args[0].Gen, c.gens(1)
			if err := comparands(c, false); err != nil {
				return nil, err
			}
			if b := c.Args[1]; len(others) == 1 && b.Const && b.Value.K == value.String {
				text := b.Value.S()
				return func(r *Record) value.Value {
					v := a(r)
					return value.OfBool(v.K == value.String && v.S() == text)
				}, nil
			}
			if b := c.Args[1].Value; len(others) == 1 && c.Args[1].Const && b.K == value.Int {
				return func(r *Record) value.Value {
					v := a(r)
					if v.K == value.Int {
						return value.OfBool(v.N == b.N)
					}
					return value.OfBool(value.Equal(v, b))
				}, nil
			}
			return func(r *Record) value.Value {
				v := a(r)
				for _, o := range others {
					if value.Equal(v, o(r)) {
						return value.OfBool(true)
					}
				}
				return value.OfBool(false)
			}, nil
		},
	},
	{
		Name: "ne", Section: secLogic, Result: "boolean", Pure: true, Example: `ne "a" "b"`,
		Doc:  "Reports whether A and B differ.",
		Args: []Arg{{Name: "A", Dynamic: true}, {Name: "B", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			if err := comparands(c, false); err != nil {
				return nil, err
			}
			return func(r *Record) value.Value { return value.OfBool(!value.Equal(a(r), b(r))) }, nil
		},
	},
	compare("lt", "Reports whether A is less than B.", `lt 1 2`, func(o int) bool { return o < 0 }),
	compare("le", "Reports whether A is less than or equal to B.", `le 2 2`, func(o int) bool { return o <= 0 }),
	compare("gt", "Reports whether A is greater than B.", `gt "b" "a"`, func(o int) bool { return o > 0 }),
	compare("ge", "Reports whether A is greater than or equal to B.", `ge 1 2`, func(o int) bool { return o >= 0 }),
	{
		Name: "and", Section: secLogic, Result: "one of the values", Pure: true, Example: `and true (gt 2 1)`,
		Doc:   "The first value that is false, zero, empty or null, otherwise the last one.",
		Args:  []Arg{{Name: "VALUE", Dynamic: true, Rest: true}},
		build: firstWith(false),
	},
	{
		Name: "or", Section: secLogic, Result: "one of the values", Pure: true, Example: `or "" "default"`,
		Doc:   "The first value that is not false, zero, empty or null, otherwise the last one.",
		Args:  []Arg{{Name: "VALUE", Dynamic: true, Rest: true}},
		build: firstWith(true),
	},
	{
		Name: "not", Section: secLogic, Result: "boolean", Pure: true, Example: `not (eq 1 2)`,
		Doc:   "true if VALUE is false, zero, empty or null, otherwise false.",
		Args:  []Arg{{Name: "VALUE", Dynamic: true}},
		build: ofOne(func(_ *Record, v value.Value) value.Value { return value.OfBool(!v.Truth()) }),
	},
	{
		Name: "ternary", Section: secLogic, Result: "one of the values", Pure: true, Example: `bool 0.5 | ternary "yes" "no"`,
		Doc:  "A if CONDITION is true, otherwise B.",
		Args: []Arg{{Name: "A", Dynamic: true}, {Name: "B", Dynamic: true}, {Name: "CONDITION", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b, cond := c.Args[0].Gen, c.Args[1].Gen, c.Args[2].Gen
			return func(r *Record) value.Value {
				if cond(r).Truth() {
					return a(r)
				}
				return b(r)
			}, nil
		},
	},
	{
		Name: "default", Section: secLogic, Result: "one of the values", Pure: true, Example: `default "none" ""`,
		Doc:  "VALUE, or FALLBACK if it is false, zero, empty or null.",
		Args: []Arg{{Name: "FALLBACK", Dynamic: true}, {Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				if v := b(r); v.Truth() {
					return v
				}
				return a(r)
			}, nil
		},
	},
}
