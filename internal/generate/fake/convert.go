// SPDX-License-Identifier: Apache-2.0

package fake

import "github.com/gdummy/gdummy/internal/generate/value"

// conversions convert values to other types.
var conversions = []Func{
	{
		Name: "toint", Section: secLogic, Result: "integer", Pure: true, Example: `toint "42"`,
		Doc:   "VALUE as an integer, truncated towards zero; null if it is not a number.",
		Args:  []Arg{{Name: "VALUE", Dynamic: true}},
		build: ofNumber(func(_ *Record, v value.Value) value.Value { return intOrNull(v) }),
	},
	{
		Name: "tofloat", Section: secLogic, Result: "number", Pure: true, Example: `tofloat 3`,
		Doc:  "VALUE as a floating-point number; null if it is not a number.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: ofNumber(func(_ *Record, v value.Value) value.Value {
			if f, ok := v.Number(); ok {
				return value.OfFloat(f)
			}
			return value.Null
		}),
	},
	{
		Name: "tostring", Section: secLogic, Result: "string", Pure: true, Example: `tostring 42`,
		Doc:   "VALUE as a string: strings are unchanged, everything else is written as JSON.",
		Args:  []Arg{{Name: "VALUE", Dynamic: true}},
		build: ofOne(func(r *Record, v value.Value) value.Value { return value.OfString(asText(r, v)) }),
	},
}

// ofOne returns the build function of a function of one value.
func ofOne(compute func(r *Record, v value.Value) value.Value) func(c *Call) (Gen, error) {
	return func(c *Call) (Gen, error) {
		g := c.Args[0].Gen
		return func(r *Record) value.Value { return compute(r, g(r)) }, nil
	}
}

// ofNumber is ofOne for a value that must be a number, or a string with one.
func ofNumber(compute func(r *Record, v value.Value) value.Value) func(c *Call) (Gen, error) {
	return func(c *Call) (Gen, error) {
		if err := c.numbered(0); err != nil {
			return nil, err
		}
		return ofOne(compute)(c)
	}
}

// asText returns the text of a value.
func asText(r *Record, v value.Value) string { return inText(r, v).S() }

// inText returns the text of a value as a string.
func inText(r *Record, v value.Value) value.Value {
	if v.K == value.String {
		return v
	}
	start := len(r.Scratch)
	r.Scratch = v.AppendText(r.Scratch)
	return r.text(start)
}

func raw(v value.Value) value.Value {
	if v.K == value.String {
		v.K = value.Raw
	}
	return v
}
