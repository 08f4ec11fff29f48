// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// arithmetic returns the row of a function of two numbers. The result of integers is an
// integer unless ints reports an overflow.
func arithmetic(name, doc, example string, ints func(a, b int64) (int64, bool), floats func(a, b float64) float64) Func {
	return Func{
		Name: name, Section: secLogic, Result: "integer or number", Pure: true, Example: example, Doc: doc,
		Args: []Arg{{Name: "A", Type: Number, Dynamic: true}, {Name: "B", Type: Number, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			if by := c.Args[1]; (name == "div" || name == "mod") && by.Const && by.Value.Float() == 0 {
				return nil, argErr(1, "%s: division by zero", name)
			}
			return func(r *Record) value.Value {
				x, y := a(r), b(r)
				if x.K == value.Int && y.K == value.Int && ints != nil {
					if i, ok := ints(int64(x.N), int64(y.N)); ok {
						return value.OfInt(i)
					}
				}
				f, ok := x.Number()
				g, ok2 := y.Number()
				h := floats(f, g)
				if !ok || !ok2 || math.IsNaN(h) || math.IsInf(h, 0) {
					return value.Null
				}
				return value.OfFloat(h)
			}, nil
		},
	}
}

func intOrNull(v value.Value) value.Value {
	if _, ok := v.Number(); !ok {
		return value.Null
	}
	return value.OfInt(v.Int())
}

// arithmetics are the functions that compute numbers from numbers.
var arithmetics = []Func{
	arithmetic("add", "A + B.", `add 1 2`, func(a, b int64) (int64, bool) {
		s := a + b
		return s, (s > a) == (b > 0)
	}, func(a, b float64) float64 { return a + b }),
	arithmetic("sub", "A - B.", `sub 10 4`, func(a, b int64) (int64, bool) {
		s := a - b
		return s, (s < a) == (b > 0)
	}, func(a, b float64) float64 { return a - b }),
	arithmetic("mul", "A × B.", `mul 6 7`, func(a, b int64) (int64, bool) {
		if a == 0 || b == 0 {
			return 0, true
		}
		p := a * b
		return p, p/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	}, func(a, b float64) float64 { return a * b }),
	arithmetic("div", "A / B; of integers, the whole part.", `div 7 2`, func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 && a == math.MinInt64 {
			return 0, false
		}
		return a / b, true
	}, func(a, b float64) float64 { return a / b }),
	arithmetic("mod", "The remainder of A divided by B.", `mod 17 5`, func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 {
			return 0, b == -1
		}
		return a % b, true
	}, math.Mod),
	arithmetic("min", "The lesser of A and B.", `min 3 5`, func(a, b int64) (int64, bool) { return min(a, b), true }, math.Min),
	arithmetic("max", "The greater of A and B.", `max 3 5`, func(a, b int64) (int64, bool) { return max(a, b), true }, math.Max),
	{
		Name: "round", Section: secLogic, Result: "integer or number", Pure: true, Example: `round 2 3.14159`,
		Doc:  "A number rounded to DIGITS decimals; without DIGITS, to an integer.",
		Args: []Arg{{Name: "DIGITS NUMBER", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			last := len(c.Args) - 1
			if err := c.numbered(last); err != nil {
				return nil, err
			}
			g, digits := c.Args[last].Gen, c.int(0)
			switch {
			case last > 1:
				return nil, argErr(2, "round: expected a number, or digits and a number")
			case last == 0:
				return func(r *Record) value.Value {
					v := g(r)
					f, ok := v.Number()
					if v.K == value.Int || !ok {
						return intOrNull(v)
					}
					return value.OfInt(value.ToInt(math.Round(f)))
				}, nil
			case c.Args[0].Value.K != value.Int:
				return nil, argErr(0, "round: DIGITS must be an integer")
			}
			return func(r *Record) value.Value {
				f, ok := g(r).Number()
				if !ok {
					return value.Null
				}
				return value.OfFloat(round(f, digits))
			}, nil
		},
	},
}
