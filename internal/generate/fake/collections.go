// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// collections are the functions of arrays and objects.
var collections = []Func{
	{
		Name: "len", Section: secLogic, Result: "integer", Pure: true, Example: `len "four"`,
		Doc:   "The number of bytes of a string, elements of an array or members of an object.",
		Args:  []Arg{{Name: "VALUE", Dynamic: true, Kinds: compound | kinds(value.String, value.Nil)}},
		build: ofOne(func(_ *Record, v value.Value) value.Value { return value.OfInt(int64(v.Len())) }),
	},
	{
		Name: "index", Section: secLogic, Result: "any", Pure: true, Example: `index (list "a" "b") 1`,
		Doc:  "An element of an array by its index from 0, or a member of an object by its name; null if there is none. Further KEYs index the result.",
		Args: []Arg{{Name: "VALUE", Dynamic: true, Kinds: compound | kinds(value.Nil)}, {Name: "KEY", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) {
			g, keys := c.Args[0].Gen, c.gens(1)
			if list := c.Args[0]; list.Const && len(keys) == 1 {
				return constantIndex(list.Value, keys[0]), nil
			}
			return func(r *Record) value.Value {
				v := g(r)
				for _, k := range keys {
					v = v.Index(k(r))
				}
				return v
			}, nil
		},
	},
	{
		Name: "slice", Section: secLogic, Result: "string or array", Pure: true, Example: `slice "abcdef" 1 3`,
		Doc: "The part of a string or an array from START, counted from 0, up to but not including END; to the end if END is negative. " +
			"Strings are counted in bytes and cut between characters.",
		Args: []Arg{{Name: "VALUE", Dynamic: true, Kinds: kinds(value.String, value.Raw)}, {Name: "START", Type: Integer, Dynamic: true}, {Name: "END", Type: Integer, Optional: true, Default: "-1", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g, start, end := c.Args[0].Gen, c.Args[1].Gen, c.Args[2].Gen
			return func(r *Record) value.Value {
				v := g(r)
				n, isMap, rest := v.Items()
				if v.K == value.String {
					n = len(v.S())
				} else if v.K != value.Raw || isMap {
					return value.Null
				}
				lo := min(max(start(r).Int(), 0), int64(n))
				hi := end(r).Int()
				if hi < 0 {
					hi = int64(n)
				}
				hi = max(min(hi, int64(n)), lo)
				if v.K == value.String {
					return value.OfString(whole(v.S(), int(lo), int(hi)))
				}
				at := len(r.Scratch)
				r.Scratch = msgp.AppendArrayHeader(r.Scratch, uint32(hi-lo))
				for i := range hi {
					var e value.Value
					if e, rest = value.First(rest); i >= lo {
						r.Scratch = e.Append(r.Scratch)
					}
				}
				return raw(r.text(at))
			}, nil
		},
	},
	{
		Name: "list", Section: secLogic, Result: "array", Pure: true, Example: `list 1 "two" 3.0`,
		Doc:  "An array of the values.",
		Args: []Arg{{Name: "VALUE", Dynamic: true, Rest: true, Optional: true}},
		build: func(c *Call) (Gen, error) {
			return c.packed(msgp.AppendArrayHeader(nil, uint32(len(c.Args))), func(_ *Record, _ int, v value.Value) value.Value { return v }), nil
		},
	},
	{
		Name: "dict", Section: secLogic, Result: "object", Pure: true, Example: `dict "id" 7 "tags" (list "a" "b")`,
		Doc:  "An object of names and values.",
		Args: []Arg{{Name: "NAME VALUE", Dynamic: true, Rest: true, Optional: true}},
		build: func(c *Call) (Gen, error) {
			if len(c.Args)%2 != 0 {
				return nil, argErr(len(c.Args)-1, "dict: expected a value after the last name")
			}
			return c.packed(msgp.AppendMapHeader(nil, uint32(len(c.Args)/2)), func(r *Record, i int, v value.Value) value.Value {
				if i%2 == 0 {
					return inText(r, v)
				}
				return v
			}), nil
		},
	},
}

// packed builds an array or an object of all arguments, each of which prepare may change.
func (c *Call) packed(header []byte, prepare func(r *Record, i int, v value.Value) value.Value) Gen {
	gens := c.gens(0)
	values := make([]value.Value, len(gens))
	return func(r *Record) value.Value {
		for i, g := range gens {
			values[i] = prepare(r, i, g(r))
		}
		start := len(r.Scratch)
		b := append(r.Scratch, header...)
		for _, v := range values {
			b = v.Append(b)
		}
		r.Scratch = b
		return raw(r.text(start))
	}
}

// whole returns s[lo:hi] without partial characters at its ends.
func whole(s string, lo, hi int) string {
	for lo < hi && !utf8.RuneStart(s[lo]) {
		lo++
	}
	for hi > lo && hi < len(s) && !utf8.RuneStart(s[hi]) {
		hi--
	}
	return s[lo:hi]
}

// constantIndex returns the Gen of an element of v, which is the same in all records.
func constantIndex(v value.Value, key Gen) Gen {
	var elements []value.Value
	if n, isMap, rest := v.Items(); !isMap {
		for range n {
			var e value.Value
			e, rest = value.First(rest)
			elements = append(elements, e)
		}
	}
	return func(r *Record) value.Value {
		k := key(r)
		if i := k.Int(); k.K != value.String && i >= 0 && i < int64(len(elements)) {
			return elements[i]
		}
		return v.Index(k)
	}
}
