package fake

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/seed"
	"github.com/gdummy/gdummy/internal/value"
)

var choice = []Func{
	{
		Name: "pick", Section: secChoice, Result: "one of the values", Example: `pick "red" "green" "blue"`,
		Doc:  "One of the values, each as likely.",
		Args: []Arg{{Name: "VALUE", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			gens, place := c.gens(0), c.Place
			n := uint64(len(gens))
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
		Doc:  "One of the values, each in proportion to the weight behind it.",
		Args: []Arg{{Name: "VALUE WEIGHT", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			if len(c.Args)%2 != 0 {
				return nil, argErr(len(c.Args)-1, "weighted: a weight is missing behind the last value")
			}
			var gens []Gen
			var weights []float64
			sum := 0.0
			for i := 0; i < len(c.Args); i += 2 {
				w := c.Args[i+1]
				if f, ok := w.Value.Number(); !w.Const || !ok || w.Value.K == value.String || f < 0 || math.IsInf(f, 0) {
					return nil, argErr(i+1, "weighted: each value is followed by its weight, a number of 0 or more")
				}
				gens = append(gens, c.Args[i].Gen)
				weights = append(weights, w.Value.Float())
				sum += w.Value.Float()
			}
			if !(sum > 0) || math.IsInf(sum, 0) {
				return nil, argErr(1, "weighted: the weights add up to %v, expected more than 0", sum)
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
		Name: "cycle", Section: secChoice, Result: "one of the values", Example: `cycle "a" "b" "c"`,
		Doc:  "The values in turn: the next one for each record.",
		Args: []Arg{{Name: "VALUE", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			gens := c.gens(0)
			n := uint64(len(gens))
			return func(r *Record) value.Value { return gens[r.K%n](r) }, nil
		},
	},
	{
		Name: "shuffle", Section: secChoice, Result: "one of the values", Example: `shuffle "a" "b" "c"`,
		Doc:  "The values in random order, each once before any comes again.",
		Args: []Arg{{Name: "VALUE", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			gens, place := c.gens(0), c.Place
			n := uint64(len(gens))
			return func(r *Record) value.Value {
				key := seed.Combine(r.Stream+place, r.K/n)
				return gens[seed.Permute(key, r.K%n, n)](r)
			}, nil
		},
	},
	{
		Name: "row", Section: secChoice, Result: "row", Example: `(row "users.csv").email`,
		Doc: "A random row of a CSV file (with a line of column names; `name:int`, `:float`, `:bool` or `:json` gives a " +
			"column a type) or of an NDJSON file. Keep it in a variable to use several columns: `{{ $r := row \"users.csv\" }}`, then `{{ $r.email }}`.",
		Args: []Arg{{Name: "FILE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			t, err := c.Env.table(c.str(0))
			if err != nil {
				return nil, argErr(0, "row: %v", err)
			}
			if t.names != nil {
				c.Names = &t.names
			}
			n, place := uint64(len(t.rows)), c.Place
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				return t.row(rnd.Below(n))
			}, nil
		},
	},
	{
		Name: "row_cycle", Section: secChoice, Result: "row", Example: `(row_cycle "users.csv").name`,
		Doc:  "The rows of a CSV or NDJSON file in turn.",
		Args: []Arg{{Name: "FILE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			t, err := c.Env.table(c.str(0))
			if err != nil {
				return nil, argErr(0, "row_cycle: %v", err)
			}
			if t.names != nil {
				c.Names = &t.names
			}
			n := uint64(len(t.rows))
			return func(r *Record) value.Value { return t.row(r.K % n) }, nil
		},
	},
	{
		Name: "lookup", Section: secChoice, Result: "row", Example: `(lookup "users.csv" "name" "Grace Hopper").email`,
		Doc: "The first row of a file whose COLUMN has the value KEY; null if there is none.",
		Args: []Arg{
			{Name: "FILE", Type: Text}, {Name: "COLUMN", Type: Text}, {Name: "KEY", Dynamic: true},
		},
		build: func(c *Call) (Gen, error) {
			t, err := c.Env.table(c.str(0))
			if err != nil {
				return nil, argErr(0, "lookup: %v", err)
			}
			if t.names != nil {
				c.Names = &t.names
				if !slices.Contains(t.names, c.str(1)) {
					return nil, argErr(1, "lookup: %q has no column %q; it has %s", c.str(0), c.str(1), strings.Join(t.names, ", "))
				}
			}
			index := make(map[string]uint64, len(t.rows))
			for i := range t.rows {
				key := string(t.row(uint64(i)).Field(c.str(1)).AppendText(nil))
				if _, ok := index[key]; !ok {
					index[key] = uint64(i)
				}
			}
			gen := c.Args[2].Gen
			return func(r *Record) value.Value {
				v := gen(r)
				key := v.S
				if v.K != value.String {
					start := len(r.Scratch)
					r.Scratch = v.AppendText(r.Scratch)
					key = r.text(start).S
				}
				if i, ok := index[key]; ok {
					return t.row(i)
				}
				return value.Null
			}, nil
		},
	},
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

var state = []Func{
	{
		Name: "per", Section: secState, Result: "that of EXPRESSION", Example: `per (int 1 3) (name)`,
		Doc: "The value that EXPRESSION has for KEY: always the same for the same key, so that user 17 keeps their name. " +
			"The same expression under the same key is the same value wherever it stands in a template.",
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
		Doc: "One of exactly N different values of EXPRESSION, each as likely. They are computed at the start. A template whose " +
			"EXPRESSION has fewer values is refused.",
		Args:  []Arg{{Name: "N", Type: Integer}, {Name: "EXPRESSION", Dynamic: true}},
		Keyed: true,
		build: func(c *Call) (Gen, error) {
			n := c.int(0)
			if n < 1 || n > 1_000_000 {
				return nil, argErr(0, "cardinality: N is %d, expected 1 to 1000000", n)
			}
			gen, place, env := c.Args[1].Gen, c.Place, c.Env
			if c.Args[1].Const && n > 1 {
				return nil, argErr(1, "cardinality: EXPRESSION has one value only, expected %d", n)
			}
			return env.distinct(int(n), gen, place)
		},
	},
	{
		Name: "states", Section: secState, Result: "row", Example: `(states 100 "created: paid 9, cancelled 1; paid: shipped; shipped: delivered").state`,
		Doc: "One step in the life of one of LIVES things that go through states at the same time: orders, sessions, jobs. " +
			"MACHINE lists each state with what may follow it and how likely: `login: browse; browse: browse 7, buy 2, logout 1; buy: browse`. " +
			"The first state begins a life, one that nothing follows ends it, and then the next life begins. A state that may follow itself dwells. " +
			"The row has `state`, `previous` (null at first), `id` (of the life), `step` (from 0) and `last` (whether it ends here).",
		Args: []Arg{{Name: "LIVES", Type: Integer}, {Name: "MACHINE", Type: Text}},
		build: func(c *Call) (Gen, error) {
			lives := c.int(0)
			if lives < 1 || lives > 1<<40 {
				return nil, argErr(0, "states: LIVES is %d, expected 1 or more", lives)
			}
			m, err := parseMachine(c.str(1))
			if err != nil {
				return nil, argErr(1, "states: %v", err)
			}
			c.Names = &stateNames
			place, n := c.Place, uint64(lives)
			return func(r *Record) value.Value {
				stream := r.Stream + place
				// Each block of n records shows every slot once, in random order.
				slot := seed.Permute(seed.Combine(stream, r.K/n), r.K%n, n)
				// Slots stand at different places in their lives when the stream begins.
				key := seed.Combine(stream, ^slot)
				return m.step(r, key, r.K/n+key%m.window)
			}, nil
		},
	},
}

// maxDistinct is how many bytes the values of a cardinality may have together.
const maxDistinct = 128 << 20

// distinct makes a Gen of n different values of gen.
func (e *Env) distinct(n int, gen Gen, place uint64) (Gen, error) {
	seen := make(map[string]bool, min(n, 1000))
	values := make([]value.Value, 0, min(n, 1000))
	r := &Record{Stream: e.Stream}
	var key []byte
	size := 0
	for i, last := 0, 0; len(values) < n; i++ {
		// n things drawn at random take about n*ln(n) draws to be seen, and the
		// last of them seldom more than 10*n.
		if i-last > 20*len(values)+1000 {
			return nil, argErr(1, "cardinality: EXPRESSION gave %d different values in %d tries, expected %d", len(values), i, n)
		}
		r.Scratch = r.Scratch[:0]
		r.K = uint64(i)
		r.Key = seed.Record(seed.Combine(e.Stream, place), uint64(i))
		v := gen(r)
		key = v.Append(key[:0])
		if !seen[string(key)] {
			seen[string(key)] = true
			last = i
			if size += len(key); size > maxDistinct {
				return nil, argErr(1, "cardinality: %d values of EXPRESSION have more than %d MB", len(values)+1, maxDistinct>>20)
			}
			v.S = strings.Clone(v.S)
			values = append(values, v)
		}
	}
	return func(r *Record) value.Value {
		rnd := r.rand(place)
		return values[rnd.Below(uint64(n))]
	}, nil
}

var stateNames = []string{"state", "previous", "id", "step", "last"}

// machine is a state machine. Slots live one life after another; a window of
// visits of a slot is filled with whole lives, so that a state is found from the
// start of its window, and no life is ever cut off.
type machine struct {
	states []string
	next   [][]int
	odds   [][]float64
	window uint64
	// fill[s][r] is how likely a slot that is in state s with r more visits
	// fills the window with whole lives, if nobody sees to it. Drawing in
	// proportion to it makes sure of that, and leaves the odds as they are but for
	// the last few visits.
	fill [][]float64
}

// parseMachine reads "a: b 9, c 1; b: c".
func parseMachine(text string) (*machine, error) {
	m := new(machine)
	index := map[string]int{}
	state := func(name string) int {
		if i, ok := index[name]; ok {
			return i
		}
		index[name] = len(m.states)
		m.states = append(m.states, name)
		m.next, m.odds = append(m.next, nil), append(m.odds, nil)
		return len(m.states) - 1
	}
	for _, rule := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		if strings.TrimSpace(rule) == "" {
			continue
		}
		from, to, ok := strings.Cut(rule, ":")
		from = strings.TrimSpace(from)
		if !ok || from == "" || strings.ContainsAny(from, " ,") {
			return nil, fmt.Errorf("%q is no rule, expected one like \"created: paid 9, cancelled 1\"", strings.TrimSpace(rule))
		}
		s := state(from)
		if len(m.next[s]) > 0 {
			return nil, fmt.Errorf("the state %q has two rules", from)
		}
		for _, t := range strings.Split(to, ",") {
			f := strings.Fields(t)
			weight := 1.0
			if len(f) == 2 {
				var err error
				if weight, err = strconv.ParseFloat(f[1], 64); err != nil || !(weight > 0) || math.IsInf(weight, 0) {
					return nil, fmt.Errorf("%q is no weight, expected a number above 0", f[1])
				}
			} else if len(f) != 1 {
				return nil, fmt.Errorf("%q is no state with its weight", strings.TrimSpace(t))
			}
			m.next[s] = append(m.next[s], state(f[0]))
			m.odds[s] = append(m.odds[s], weight)
		}
	}
	if len(m.states) == 0 {
		return nil, fmt.Errorf("no states were given")
	}
	if len(m.states) > 200 {
		return nil, fmt.Errorf("%d states were given, expected at most 200", len(m.states))
	}
	// The longest window up to 96 visits that whole lives can fill.
	most := 96 + 2*len(m.states)
	m.fill = make([][]float64, len(m.states))
	for s := range m.fill {
		m.fill[s] = make([]float64, most)
	}
	for r := range most {
		for s := range m.states {
			if len(m.next[s]) == 0 {
				m.fill[s][r] = 1
				if r > 0 {
					m.fill[s][r] = m.fill[0][r-1]
				}
				continue
			}
			sum := 0.0
			for i, t := range m.next[s] {
				sum += m.odds[s][i]
				if r > 0 {
					m.fill[s][r] += m.odds[s][i] * m.fill[t][r-1]
				}
			}
			m.fill[s][r] /= sum
		}
	}
	for w := most; w > 0; w-- {
		if m.fill[0][w-1] > 0 {
			m.window = uint64(w)
			break
		}
	}
	if m.window == 0 {
		return nil, fmt.Errorf("no life that begins with %q ever ends: some state must have nothing that follows it", m.states[0])
	}
	return m, nil
}

// step returns the state of a slot at one of its visits.
func (m *machine) step(r *Record, key, visit uint64) value.Value {
	window := visit / m.window
	rnd := seed.At(key, window)
	s, previous, step := 0, -1, int64(0)
	left := int(m.window) - 1
	life := uint64(0)
	for range visit % m.window {
		if len(m.next[s]) == 0 {
			s, previous, step = 0, -1, 0
			life++
		} else {
			previous = s
			s = m.follow(s, left-1, &rnd)
			step++
		}
		left--
	}
	start := len(r.Scratch)
	b := value.AppendString(r.Scratch, m.states[s])
	if previous < 0 {
		b = value.Null.Append(b)
	} else {
		b = value.AppendString(b, m.states[previous])
	}
	id := seed.Combine(key, window*m.window+life)
	b = value.AppendInt(b, int64(id>>12)) // 52 bits: exact in JSON readers, too
	b = value.AppendInt(b, step)
	b = value.OfBool(len(m.next[s]) == 0).Append(b)
	r.Scratch = b
	v := r.text(start)
	v.K, v.Names = value.Row, &stateNames
	return v
}

// follow draws what comes after state s, with so many visits left after it.
func (m *machine) follow(s, left int, rnd *seed.Rand) int {
	next, odds := m.next[s], m.odds[s]
	sum := 0.0
	for i, t := range next {
		sum += odds[i] * m.fill[t][left]
	}
	u := rnd.Float() * sum
	last := -1
	for i, t := range next {
		w := odds[i] * m.fill[t][left]
		if w == 0 {
			continue
		}
		last = t
		if u -= w; u < 0 {
			break
		}
	}
	return last
}
