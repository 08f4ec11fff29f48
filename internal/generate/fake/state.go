// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

var state = []Func{
	{
		Name: "per", Section: secState, Result: "that of EXPRESSION", Example: `per (int 1 3) (name)`,
		Doc: "The value of EXPRESSION for KEY, always the same for the same key: user 17 keeps their name. " +
			"Equal expressions with equal keys have the same value anywhere in a template. EXPRESSION must not depend on the record's number or time, " +
			"as seq, walk, now, ulid and others do.",
		Args:  []Arg{{Name: "KEY", Dynamic: true}, {Name: "EXPRESSION", Dynamic: true}},
		Keyed: true,
		build: func(c *Call) (Gen, error) {
			key, gen := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				h := hash(key(r))
				was := r.Key
				r.Key = seed.Combine(r.Stream, h)
				v := gen(r)
				r.Key = was
				return v
			}, nil
		},
	},
	{
		Name: "cardinality", Section: secState, Result: "that of EXPRESSION", Example: `cardinality 3 (username)`,
		Doc: "One of exactly N different values of EXPRESSION, all equally likely. They are computed at the start, where the time is not known " +
			"and the record's number counts the attempts. A template whose EXPRESSION has fewer values is rejected.",
		Args:  []Arg{{Name: "N", Type: Integer, Range: Range{Low: 1, High: 1e6}}, {Name: "EXPRESSION", Dynamic: true}},
		Keyed: true,
		build: func(c *Call) (Gen, error) {
			n := c.int(0)
			gen, env := c.Args[1].Gen, c.Env
			if c.Args[1].Const && n > 1 {
				return nil, argErr(1, "cardinality: EXPRESSION is a constant, expected %d different values", n)
			}
			return env.distinct(int(n), gen, c.Set, c.Place)
		},
	},
	{
		Name: "states", Section: secState, Follows: TheNumber, Result: "row", Example: `(states 100 "created: paid 9, cancelled 1; paid: shipped; shipped: delivered").state`,
		Doc: "One step in the life of one of LIVES concurrent things with states, such as orders, sessions or jobs. " +
			"MACHINE lists each state with its successors and their weights: `login: browse; browse: browse 7, buy 2, logout 1; buy: browse`. " +
			"A life begins with the first state and ends with a state that has no successor; then the next life begins. " +
			"The row has `state`, `previous` (null at first), `id` (of the life), `step` (from 0) and `last` (whether it ends here).\n\n" +
			"Each record is one step of a life. Whole lives fill windows of about 100 steps. Their mean length is that of the weights " +
			"if it is at most half a window; longer lives are cut. With dwell times, a record shows the state of a life at the record's time: " +
			"`created 5m: paid 9, cancelled 1; paid 2h..6h: shipped; shipped 1d..3d: delivered; delivered 2h; cancelled 1h`. Then every state has one, including those " +
			"that end a life. It is a mean (`5m`, exponentially distributed), a range (`2h..6h`, uniformly distributed; " +
			"`1h..1h` is exactly an hour), or a mean and a deviation of at most a quarter of it (`60s ± 10s`, normally distributed within four deviations), in ms, s, m, h and d. The row also has `since` and `until` (begin and end of the state) and " +
			"`began` (begin of the life), in seconds since 1970, for time_of.",
		Args: []Arg{{Name: "LIVES", Type: Integer, Range: countable}, {Name: "MACHINE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			m, clock, err := c.chain()
			if err != nil {
				return nil, err
			}
			place, n := c.Place, uint64(c.int(0))
			if clock != nil {
				return func(r *Record) value.Value {
					stream := r.Stream + place
					slot := seed.Permute(seed.Combine(stream, r.K/n), r.K%n, n)
					return clock.at(r, seed.Combine(stream, ^slot))
				}, nil
			}
			return func(r *Record) value.Value {
				stream := r.Stream + place
				// Each block of n records shows every slot once, in random order.
				slot := seed.Permute(seed.Combine(stream, r.K/n), r.K%n, n)
				// Slots are at different places in their lives when the stream begins.
				key := seed.Combine(stream, ^slot)
				return m.step(r, key, r.K/n+key%m.window)
			}, nil
		},
	},
	{
		Name: "state_of", Section: secState, Follows: TheTime, Result: "row", Example: `(state_of "ada" "login 5s: browse; browse 10m..1h: offline; offline 8h").state`,
		Doc: "The state of KEY, such as order 17 or user ada, at the record's time. MACHINE has dwell times, and the row is that of states. " +
			"A key has one life after another, whether records show it or not. Equal MACHINEs with equal keys are in the same state anywhere in a template.",
		Args: []Arg{{Name: "KEY", Dynamic: true}, {Name: "MACHINE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			_, clock, err := c.chain()
			switch {
			case err != nil:
				return nil, err
			case clock == nil:
				return nil, argErr(1, "state_of: MACHINE has no dwell times: expected them as in \"created 5m: paid; paid 1d\", since the state of a key depends on the time")
			}
			key, machine := c.Args[0].Gen, seed.Text(c.str(1))
			return func(r *Record) value.Value {
				return clock.at(r, seed.Combine(r.Stream+machine, hash(key(r))))
			}, nil
		},
	},
}

// chain returns the machine in argument 1, and its clock if it has dwell times.
func (c *Call) chain() (m *machine, clk *clock, err error) {
	c.Names = &stateNames
	m, err = parseChain(c.str(1))
	if err == nil && m.timed {
		c.Names = &clockNames
		clk, err = c.Env.clock(c.str(1), m)
	}
	if err != nil {
		return nil, nil, argErr(1, "%s: %v", c.Func.Name, err)
	}
	return m, clk, nil
}

// Limits of all sets of a template, in bytes.
const (
	maxDistinct = 128 << 20 // total size of the values
	maxMaking   = 1 << 30   // work to make them: text composed, and a constant for each try
)

// set identifies a cardinality: n distinct values of an expression.
type set struct {
	n   int
	key uint64 // of the expression
}

// making has the totals of all sets, in bytes.
type making struct{ size, work int }

// distinct builds a draw from n distinct values of gen. The values depend on key only,
// so that equal calls share them. The draws depend on place.
func (e *Env) distinct(n int, gen Gen, key, place uint64) (Gen, error) {
	values, known := e.sets[set{n, key}]
	if !known {
		var err error
		if values, err = e.values(n, gen, key); err != nil {
			return nil, err
		}
		put(&e.sets, set{n, key}, values)
	}
	return func(r *Record) value.Value {
		rnd := r.rand(place)
		return values[rnd.Below(uint64(n))]
	}, nil
}

// values returns n distinct values of gen.
func (e *Env) values(n int, gen Gen, key uint64) ([]value.Value, error) {
	seen := make(map[string]bool, min(n, 1000))
	values := make([]value.Value, 0, min(n, 1000))
	r := &Record{Stream: e.Stream}
	var packed []byte
	for i, last := 0, 0; len(values) < n; i++ {
		// All of n values occur after about n*ln(n) draws, and the last of them rarely
		// needs more than 10*n.
		if i-last > 20*len(values)+1000 {
			return nil, argErr(1, "cardinality: EXPRESSION has %d distinct values in %d tries, expected %d", len(values), i, n)
		}
		r.Scratch = r.Scratch[:0]
		r.K = uint64(i)
		r.Key = seed.Record(seed.Combine(e.Stream, key), uint64(i))
		v := gen(r)
		if e.making.work += len(r.Scratch) + 16; e.making.work > maxMaking {
			return nil, argErr(1, "cardinality: EXPRESSION composes too much text: only %d of %d values were made", len(values), n)
		}
		packed = v.Append(packed[:0])
		if !seen[string(packed)] {
			seen[string(packed)] = true
			last = i
			if e.making.size += len(packed); e.making.size > maxDistinct {
				return nil, argErr(1, "cardinality: %d values of EXPRESSION, with those of other calls, exceed %d MB", len(values)+1, maxDistinct>>20)
			}
			values = append(values, v.Clone())
		}
	}
	return values, nil
}
