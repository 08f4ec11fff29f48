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

var choice = []Func{
	{
		Name: "pick", Section: secChoice, Result: "one of the values", Example: `pick "red" "green" "blue"`,
		Doc:  "One of the values, all equally likely.",
		Args: []Arg{{Name: "VALUE", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			gens, place := c.gens(0), c.Place
			n := uint64(len(gens))
			if err := c.several(); err != nil {
				return nil, err
			}
			if values, ok := constants(c.Args, 1); ok {
				return c.among(values, func(r *Record) int {
					rnd := r.rand(place)
					return int(rnd.Below(n))
				}), nil
			}
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				return gens[rnd.Below(n)](r)
			}, nil
		},
	},
	{
		Name: "weighted", Section: secChoice, Result: "one of the values", Example: `weighted 200 90 404 8 500 2`,
		Doc:  "One of the values, in proportion to the weight after each.",
		Args: []Arg{{Name: "VALUE WEIGHT", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			if len(c.Args)%2 != 0 {
				return nil, argErr(len(c.Args)-1, "weighted: expected a weight after the last value")
			}
			var gens []Gen
			var weights []float64
			sum := 0.0
			for i := 0; i < len(c.Args); i += 2 {
				w := c.Args[i+1]
				if f, ok := w.Value.Number(); !w.Const || !ok || w.Value.K == value.String || w.Value.K == value.Bool || f < 0 || math.IsInf(f, 0) {
					return nil, argErr(i+1, "weighted: expected a value and its weight, a number of 0 or more, in turn")
				}
				gens = append(gens, c.Args[i].Gen)
				weights = append(weights, w.Value.Float())
				sum += w.Value.Float()
			}
			if !(sum > 0) || math.IsInf(sum, 0) {
				return nil, argErr(1, "weighted: the sum of the weights is %v, expected more than 0", sum)
			}
			alias, place := seed.NewAlias(weights), c.Place
			if values, ok := constants(c.Args, 2); ok {
				return c.among(values, func(r *Record) int {
					rnd := r.rand(place)
					return alias.Draw(&rnd)
				}), nil
			}
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				return gens[alias.Draw(&rnd)](r)
			}, nil
		},
	},
	{
		Name: "cycle", Section: secChoice, Follows: TheNumber, Result: "one of the values", Example: `cycle "a" "b" "c"`,
		Doc:  "The values in turn, the next one for each record.",
		Args: []Arg{{Name: "VALUE", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			gens := c.gens(0)
			n := uint64(len(gens))
			if err := c.several(); err != nil {
				return nil, err
			}
			return func(r *Record) value.Value { return gens[r.K%n](r) }, nil
		},
	},
	{
		Name: "shuffle", Section: secChoice, Follows: TheNumber, Result: "one of the values", Example: `shuffle "a" "b" "c"`,
		Doc:  "The values in random order, each once before any repeats.",
		Args: []Arg{{Name: "VALUE", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			gens, place := c.gens(0), c.Place
			n := uint64(len(gens))
			if err := c.several(); err != nil {
				return nil, err
			}
			at := shuffled(place, n)
			return func(r *Record) value.Value { return gens[at(r)](r) }, nil
		},
	},
	{
		Name: "row", Section: secChoice, Result: "row", Example: `(row "users.csv").email`,
		Doc: "A random row of a CSV file (its first line names the columns; `name:int`, `:float`, `:bool` or `:json` sets the " +
			"type of a column) or of an NDJSON file, which may be compressed (gzip, zstd, bzip2, xz). Keep it in a variable to use several columns: `{{ $r := row \"users.csv\" }}`, then `{{ $r.email }}`.",
		Args: []Arg{{Name: "FILE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			t, err := c.table()
			if err != nil {
				return nil, err
			}
			n, place := uint64(len(t.rows)), c.Place
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				return t.row(rnd.Below(n))
			}, nil
		},
	},
	{
		Name: "row_cycle", Section: secChoice, Follows: TheNumber, Result: "row", Example: `(row_cycle "users.csv").name`,
		Doc:  "The rows of a CSV or NDJSON file in turn.",
		Args: []Arg{{Name: "FILE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			t, err := c.table()
			if err != nil {
				return nil, err
			}
			n := uint64(len(t.rows))
			return func(r *Record) value.Value { return t.row(r.K % n) }, nil
		},
	},
	{
		Name: "line", Section: secChoice, Result: "string", Example: `line "towns.txt"`,
		Doc: "A random line of a text file, such as a list of words, all equally likely. The file may be compressed. Empty lines and white space around a line are ignored; " +
			"a line that occurs twice is twice as likely.",
		Args: []Arg{{Name: "FILE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			p, err := c.list()
			if err != nil {
				return nil, err
			}
			return c.from(p), nil
		},
	},
	{
		Name: "line_cycle", Section: secChoice, Follows: TheNumber, Result: "string", Example: `line_cycle "towns.txt"`,
		Doc:  "The lines of a text file in turn, the next one for each record.",
		Args: []Arg{{Name: "FILE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			p, err := c.list()
			if err != nil {
				return nil, err
			}
			n := uint64(len(p.span))
			return c.fromPool(p, func(r *Record) int { return int(r.K % n) }), nil
		},
	},
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

// list reads the file in the first argument, which has one text a line.
func (c *Call) list() (*pool, error) {
	p, err := c.Env.list(c.str(0))
	if err != nil {
		return nil, argErr(0, "%s: %v", c.Func.Name, err)
	}
	return p, nil
}

// several checks that the only value is not an array.
func (c *Call) several() error {
	if a := c.Args[0]; len(c.Args) == 1 && a.Kinds == kinds(value.Raw) {
		return argErr(0, "%s: the only value is an array: expected the values as separate arguments, as in %s", c.Func.Name, c.Func.Example)
	}
	return nil
}

// constants returns each step-th of the arguments, if they are all constants.
func constants(args []Operand, step int) (values []value.Value, ok bool) {
	for i := 0; i < len(args); i += step {
		if !args[i].Const {
			return nil, false
		}
		values = append(values, args[i].Value)
	}
	return values, true
}
