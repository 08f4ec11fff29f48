package fake

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/seed"
	"github.com/gdummy/gdummy/internal/value"
)

var stateNames = []string{"state", "previous", "id", "step", "last"}

// machine is a state machine. Slots live one life after another; a window of
// visits of a slot is filled with whole lives, so that a state is found from the
// start of its window, and no life is ever cut off.
type machine struct {
	states []string
	next   [][]int
	odds   [][]float64
	timed  bool    // states last for a time, see [clock]
	dwell  []dwell // how long, if timed
	window uint64
	// fill[s][r] is how likely a slot that is in state s with r more visits
	// fills the window with whole lives, if nobody sees to it and each life has a
	// weight. Drawing in proportion to it makes sure of that.
	fill [][]float64
}

// parseMachine reads "a: b 9, c 1; b: c" or, with dwell times, "a 5m: b 9, c 1;
// b 1h..2h: c; c 1d".
func parseMachine(text string) (*machine, error) {
	m := new(machine)
	index := map[string]int{}
	ruled := map[int]bool{}
	state := func(name string) int {
		if i, ok := index[name]; ok {
			return i
		}
		index[name] = len(m.states)
		m.states = append(m.states, name)
		m.next, m.odds, m.dwell = append(m.next, nil), append(m.odds, nil), append(m.dwell, dwell{})
		return len(m.states) - 1
	}
	for _, rule := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		if strings.TrimSpace(rule) == "" {
			continue
		}
		head, to, more := strings.Cut(rule, ":")
		from, span, timed := strings.Cut(strings.TrimSpace(head), " ")
		if !more && !timed || from == "" || strings.Contains(head, ",") {
			return nil, fmt.Errorf("%q is no rule, expected one like \"created: paid 9, cancelled 1\"", strings.TrimSpace(rule))
		}
		s := state(from)
		if ruled[s] {
			return nil, fmt.Errorf("the state %q has two rules", from)
		}
		ruled[s] = true
		if timed {
			d, err := parseDwell(strings.TrimSpace(span))
			if err != nil {
				return nil, fmt.Errorf("the state %q: %w", from, err)
			}
			m.dwell[s] = d
			m.timed = true
		}
		if !more {
			continue
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
	if m.timed {
		return m, nil
	}
	return m, m.setWindow()
}

// setWindow finds how many visits whole lives can fill.
//
// That the last life must end with the window makes lives shorter than the odds
// say: with s and e after s as 19 to 1 they would have 17.8 visits on the average,
// not 21, since 5.6 of them would fill the 100 visits of a window. So each life
// counts with a weight, the same for all, that makes them as many as there should
// be, 4.8.
func (m *machine) setWindow() error {
	// The longest window up to 96 visits that whole lives can fill.
	most := 96 + 2*len(m.states)
	m.count(1, most)
	for w := most; w > 0; w-- {
		if m.fill[0][w-1] > 0 {
			m.window = uint64(w)
			break
		}
	}
	if m.window == 0 {
		return fmt.Errorf("no life that begins with %q ever ends: some state must have nothing that follows it", m.states[0])
	}
	w := int(m.window)
	// Lives that should fill more than half a window would all be alike.
	want := max(float64(w)/m.visits(), 2)
	if have := m.count(1, w); !(have > 2) || math.Abs(have-want) < 1e-9 || math.IsNaN(want) {
		return nil
	}
	low, high := 0.125, 8.0
	for range 32 {
		middle := math.Sqrt(low * high)
		if m.count(middle, w) > want {
			high = middle
		} else {
			low = middle
		}
	}
	return nil
}

// count sets fill for windows of up to so many visits if a life has a weight, and
// returns how many lives the longest of them has on the average.
func (m *machine) count(weight float64, most int) float64 {
	n := len(m.states)
	m.fill = make([][]float64, n)
	lives := make([][]float64, n) // each way to fill the rest, times the lives that begin in it
	for s := range m.fill {
		m.fill[s], lives[s] = make([]float64, most), make([]float64, most)
	}
	for r := range most {
		for s := range m.states {
			if len(m.next[s]) == 0 {
				m.fill[s][r] = 1
				if r > 0 {
					m.fill[s][r] = weight * m.fill[0][r-1]
					lives[s][r] = weight * (m.fill[0][r-1] + lives[0][r-1])
				}
				continue
			}
			sum := 0.0
			for i, t := range m.next[s] {
				sum += m.odds[s][i]
				if r > 0 {
					// The conversions keep it the same on all processors.
					m.fill[s][r] += float64(m.odds[s][i] * m.fill[t][r-1])
					lives[s][r] += float64(m.odds[s][i] * lives[t][r-1])
				}
			}
			m.fill[s][r] /= sum
			lives[s][r] /= sum
		}
	}
	return 1 + lives[0][most-1]/m.fill[0][most-1]
}

// visits is how many visits a life has on the average, by the odds.
func (m *machine) visits() float64 {
	n := len(m.states)
	a := make([][]float64, n)
	for s := range a {
		a[s] = make([]float64, n+1)
		a[s][s], a[s][n] = 1, 1
		sum := 0.0
		for _, odds := range m.odds[s] {
			sum += odds
		}
		for i, t := range m.next[s] {
			a[s][t] -= float64(m.odds[s][i] / sum)
		}
	}
	solve(a)
	if v := a[0][n]; v >= 1 {
		return v
	}
	return math.Inf(1) // a state that is never left, or as good as never
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
