package fake

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/value"
)

// collections are the functions of arrays and objects.
var collections = []Func{
	{
		Name: "len", Section: secLogic, Result: "integer", Pure: true, Example: `len "four"`,
		Doc:  "How many bytes a text, elements an array or members an object has.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value { return value.OfInt(int64(g(r).Len())) }, nil
		},
	},
	{
		Name: "index", Section: secLogic, Result: "any", Pure: true, Example: `index (list "a" "b") 1`,
		Doc:  "An element of an array by its number from 0 on, or a member of an object by its name; null if there is none. Further KEYs go deeper.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}, {Name: "KEY", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) {
			g, keys := c.Args[0].Gen, c.gens(1)
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
		Name: "list", Section: secLogic, Result: "array", Pure: true, Example: `list 1 "two" 3.0`,
		Doc:  "An array of the values.",
		Args: []Arg{{Name: "VALUE", Dynamic: true, Rest: true, Optional: true}},
		build: func(c *Call) (Gen, error) {
			gens := c.gens(0)
			values := make([]value.Value, len(gens))
			return func(r *Record) value.Value {
				for i, g := range gens {
					values[i] = g(r)
				}
				start := len(r.Scratch)
				b := msgp.AppendArrayHeader(r.Scratch, uint32(len(values)))
				for _, v := range values {
					b = v.Append(b)
				}
				r.Scratch = b
				return raw(r.text(start))
			}, nil
		},
	},
	{
		Name: "dict", Section: secLogic, Result: "object", Pure: true, Example: `dict "id" 7 "tags" (list "a" "b")`,
		Doc:  "An object of names and values.",
		Args: []Arg{{Name: "NAME VALUE", Dynamic: true, Rest: true, Optional: true}},
		build: func(c *Call) (Gen, error) {
			if len(c.Args)%2 != 0 {
				return nil, argErr(len(c.Args)-1, "dict: a value is missing behind the last name")
			}
			gens := c.gens(0)
			values := make([]value.Value, len(gens))
			return func(r *Record) value.Value {
				for i, g := range gens {
					v := g(r)
					if i%2 == 0 {
						v = value.OfString(asText(r, v))
					}
					values[i] = v
				}
				start := len(r.Scratch)
				b := msgp.AppendMapHeader(r.Scratch, uint32(len(values)/2))
				for _, v := range values {
					b = v.Append(b)
				}
				r.Scratch = b
				return raw(r.text(start))
			}, nil
		},
	},
}
