// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// ofValues returns the row of a function that picks one of its arguments.
func ofValues(name string, follows Follows, doc, example string, pick func(c *Call, n uint64) picker) Func {
	return Func{
		Name: name, Section: secChoice, Follows: follows, Result: "one of the values", Example: example, Doc: doc,
		Args: []Arg{{Name: "VALUE", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			if a := c.Args[0]; len(c.Args) == 1 && a.Kinds == kinds(value.Raw) {
				return nil, argErr(0, "%s: the only value is an array: expected the values as separate arguments, as in %s", name, example)
			}
			return c.among(c.Args, pick(c, uint64(len(c.Args)))), nil
		},
	}
}

// ofRows returns the row of a function that picks a row of a file.
func ofRows(name string, follows Follows, doc, example string, pick func(c *Call, n uint64) picker) Func {
	return Func{
		Name: name, Section: secChoice, Follows: follows, Result: "row", Example: example, Doc: doc,
		Args: []Arg{{Name: "FILE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			t, err := c.table()
			if err != nil {
				return nil, err
			}
			at := pick(c, uint64(len(t.rows)))
			return func(r *Record) value.Value { return t.row(at(r)) }, nil
		},
	}
}

// ofLines returns the row of a function that picks a line of a file.
func ofLines(name string, follows Follows, doc, example string, pick func(c *Call, n uint64) picker) Func {
	return Func{
		Name: name, Section: secChoice, Follows: follows, Result: "string", Example: example, Doc: doc,
		Args: []Arg{{Name: "FILE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			p, err := c.Env.list(c.str(0))
			if err != nil {
				return nil, argErr(0, "%s: %v", name, err)
			}
			return c.fromPool(p, pick(c, uint64(len(p.span)))), nil
		},
	}
}

var choice = []Func{
	ofValues("pick", Nothing, "One of the values, all equally likely.", `pick "red" "green" "blue"`, anyOf),
	{
		Name: "weighted", Section: secChoice, Result: "one of the values", Example: `weighted 200 90 404 8 500 2`,
		Doc:  "One of the values, in proportion to the weight after each.",
		Args: []Arg{{Name: "VALUE WEIGHT", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			if len(c.Args)%2 != 0 {
				return nil, argErr(len(c.Args)-1, "weighted: expected a weight after the last value")
			}
			var values []Operand
			var weights []float64
			sum := 0.0
			for i := 0; i < len(c.Args); i += 2 {
				w := c.Args[i+1]
				if f := w.Value.Float(); !w.Const || !kinds(w.Value.K).mayBe(numeric) || f < 0 || math.IsInf(f, 0) {
					return nil, argErr(i+1, "weighted: expected a value and its weight, a number of 0 or more, in turn")
				}
				values = append(values, c.Args[i])
				weights = append(weights, w.Value.Float())
				sum += w.Value.Float()
			}
			if !(sum > 0) || math.IsInf(sum, 0) {
				return nil, argErr(1, "weighted: the sum of the weights is %v, expected more than 0", sum)
			}
			alias, place := seed.NewAlias(weights), c.Place
			return c.among(values, func(r *Record) uint64 {
				rnd := r.rand(place)
				return uint64(alias.Draw(&rnd))
			}), nil
		},
	},
	ofValues("cycle", TheNumber, "The values in turn, the next one for each record.", `cycle "a" "b" "c"`, inTurn),
	ofValues("shuffle", TheNumber, "The values in random order, each once before any repeats.", `shuffle "a" "b" "c"`, shuffled),
	ofRows("row", Nothing, "A random row of a CSV file (its first line names the columns; `name:int`, `:float`, `:bool` or `:json` sets the "+
		"type of a column) or of an NDJSON file, which may be compressed (gzip, zstd, bzip2, xz). Keep it in a variable to use several columns: `{{ $r := row \"users.csv\" }}`, then `{{ $r.email }}`.",
		`(row "users.csv").email`, anyOf),
	ofRows("row_cycle", TheNumber, "The rows of a CSV or NDJSON file in turn.", `(row_cycle "users.csv").name`, inTurn),
	ofLines("line", Nothing, "A random line of a text file, such as a list of words, all equally likely. The file may be compressed. Empty lines and white space around a line are ignored; "+
		"a line that occurs twice is twice as likely.", `line "towns.txt"`, anyOf),
	ofLines("line_cycle", TheNumber, "The lines of a text file in turn, the next one for each record.", `line_cycle "towns.txt"`, inTurn),
	{
		Name: "lookup", Section: secChoice, Result: "row", Example: `(lookup "users.csv" "name" "Grace Hopper").email`,
		Doc: "The first row of a file whose COLUMN has the value KEY; null if there is none.",
		Args: []Arg{
			{Name: "FILE", Type: Text}, {Name: "COLUMN", Type: Text}, {Name: "KEY", Dynamic: true},
		},
		build: func(c *Call) (Gen, error) {
			t, err := c.table()
			if err != nil {
				return nil, err
			}
			if t.names != nil && !slices.Contains(t.names, c.str(1)) {
				return nil, argErr(1, "lookup: unknown column %q in %q%s", c.str(1), c.str(0), units.Hint(c.str(1), t.names, strings.Join(t.names, ", ")))
			}
			index := c.Env.index(t, c.str(1))
			gen := c.Args[2].Gen
			if key := c.Args[2]; key.Const {
				if _, ok := index.find(string(key.Value.AppendText(nil))); !ok {
					return nil, argErr(2, "lookup: no row of %q has the %s %s", c.str(0), c.str(1), key.Value.AppendJSON(nil))
				}
			}
			return func(r *Record) value.Value {
				if i, ok := index.find(asText(r, gen(r))); ok {
					return t.row(i)
				}
				return value.Null
			}, nil
		},
	},
}

// table returns the file that the first argument names.
func (c *Call) table() (*table, error) {
	t, err := c.Env.table(c.str(0))
	if err != nil {
		return nil, argErr(0, "%s: %v", c.Func.Name, err)
	}
	if t.names != nil {
		c.Names = &t.names
	}
	return t, nil
}
