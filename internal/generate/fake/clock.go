// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

var clockNames = append(slices.Clone(stateNames), "since", "until", "began")

// clock is a machine whose states have dwell times. The time of a key is divided into
// windows, and each window is filled with complete lives: the state at a moment is
// computed from the start of the window, and does not depend on earlier queries.
//
// The lives of a window are drawn in sequence until they reach target. target is before
// the end of the window, by the mean time that the last life exceeds it. Therefore no
// kind of life is preferred (Wald's equation). The difference to the window, a few
// percent, is distributed over the times of all states: means are scaled, and times of
// ranges are moved towards one end of the range.
type clock struct {
	*machine
	window int64
	target float64
	budget int // maximum number of states in a window

	need  []float64 // minimum time from each state to the end of a life
	hop   []int     // next state on that path
	early []float64 // minimum time until each state
	sum   []float64 // of the odds

	recent *clockCache
}

// clockCache caches the last result for some keys, for all clocks of a template: most
// records have one of few keys, in an unchanged state. It has no effect on results.
type clockCache [1024]struct {
	clock  *clock
	key    uint64
	window int64
	fit    fit
	last   moment
}

// clock returns the clock of a machine with dwell times.
func (e *Env) clock(text string, m *machine) (*clock, error) {
	if c := e.clocks[text]; c != nil {
		return c, nil
	}
	if e.recent == nil {
		e.recent = new(clockCache)
	}
	c, err := newClock(m, e.recent)
	if err == nil {
		put(&e.clocks, text, c)
	}
	return c, err
}

// fit describes how the lives of a window are scaled to fill it.
type fit struct {
	lives  int64   // their number
	factor float64 // for means
	shift  float64 // for ranges, from -1 (lower end) to 1 (upper end)
}

// newClock returns the clock of a machine with dwell times.
func newClock(m *machine, recent *clockCache) (*clock, error) {
	c := &clock{machine: m, recent: recent}
	n := len(m.states)
	for s, name := range m.states {
		if m.dwell[s].High == 0 {
			return nil, fmt.Errorf("state %q has no dwell time, but others have: expected one as in \"%s 5m\"", name, name)
		}
		sum := 0.0
		for _, w := range m.odds[s] {
			sum += w
		}
		c.sum = append(c.sum, sum)
	}
	if err := c.paths(); err != nil {
		return nil, err
	}
	steps, life, square := c.moments()
	if !(steps >= 1) {
		steps = math.Inf(1) // not finite
	}
	const mostSteps = 128
	if !(steps <= mostSteps) {
		return nil, fmt.Errorf("a life has %.4g states on average, expected at most %d: "+
			"use a longer dwell time instead of a state that follows itself", steps, mostSteps)
	}
	if !(life <= float64(maxSpan)) {
		return nil, fmt.Errorf("a life lasts %.4g days on average, expected at most %.0f", life/float64(24*time.Hour), maxSpan.Hours()/24)
	}
	// The mean time that the last life exceeds a given time (renewal theorem).
	beyond := square / (2 * life)
	lives := max(16*beyond/life, min(64*beyond/life, 512/steps))
	// Each path through the machine fits into half a window.
	for s := range m.states {
		for _, t := range m.next[s] {
			lives = max(lives, 2*(c.early[s]+m.dwell[s].least()+c.need[t])/life)
		}
	}
	if !(lives*steps <= 4096) {
		return nil, fmt.Errorf("a life lasts %v on average, but some last more than a hundred times as long: expected lives of similar length",
			time.Duration(life).Round(time.Millisecond))
	}
	lives = math.Ceil(lives)
	c.window = int64(min(max(lives*life, 1), 1<<62))
	c.target = float64(c.window) - beyond
	c.budget = int(8*lives*steps) + 2*n
	return c, nil
}

// paths computes the shortest paths, and reports states that are not reachable or from
// which no path leads to an end.
func (c *clock) paths() error {
	n := len(c.states)
	c.need, c.hop, c.early = make([]float64, n), make([]int, n), make([]float64, n)
	for s := range n {
		c.need[s], c.early[s] = math.Inf(1), math.Inf(1)
	}
	c.early[0] = 0
	// Bellman-Ford. Each state counts for at least one nanosecond, so that no shortest
	// path has a cycle.
	for range n {
		for s := range c.states {
			own := c.dwell[s].least() + 1
			if len(c.next[s]) == 0 {
				c.need[s] = own
			}
			for _, t := range c.next[s] {
				c.early[t] = min(c.early[t], c.early[s]+c.dwell[s].least())
				if v := own + c.need[t]; v < c.need[s] {
					c.need[s], c.hop[s] = v, t
				}
			}
		}
	}
	for s, name := range c.states {
		switch {
		case math.IsInf(c.early[s], 1):
			return fmt.Errorf("state %[2]q is not reachable from %[1]q", c.states[0], name)
		case math.IsInf(c.need[s], 1):
			return fmt.Errorf("a life that reaches state %q never ends: expected a way to a state without successors", name)
		}
	}
	return nil
}

// moments returns the mean number of states in a life, the mean of its duration, and
// the mean of the square of its duration.
func (c *clock) moments() (steps, life, square float64) {
	n := len(c.states)
	// Each is the sum of the state's own value and the values of its successors: linear
	// equations that differ in their right-hand sides only.
	a := make([][]float64, n)
	mean := make([]float64, n)
	for s := range a {
		a[s] = make([]float64, n+2)
		a[s][s] = 1
		for i, t := range c.next[s] {
			a[s][t] -= c.odds[s][i] / c.sum[s]
		}
		mean[s], _ = c.dwell[s].moments()
		a[s][n], a[s][n+1] = 1, mean[s]
	}
	ways := make([][]float64, n)
	for s := range a {
		ways[s] = slices.Clone(a[s][:n])
	}
	solve(a)
	for s := range ways {
		_, sq := c.dwell[s].moments()
		for i, t := range c.next[s] {
			sq += float64(2 * mean[s] * c.odds[s][i] / c.sum[s] * a[t][n+1])
		}
		ways[s] = append(ways[s], sq)
	}
	steps, life = a[0][n], a[0][n+1]
	solve(ways)
	return steps, life, ways[0][n]
}

// solve solves linear equations by elimination. Each row has the coefficients, then any
// number of right-hand sides, which are replaced by the solutions.
func solve(a [][]float64) {
	n := len(a)
	for i := range n {
		p := i
		for r := i; r < n; r++ {
			if math.Abs(a[r][i]) > math.Abs(a[p][i]) {
				p = r
			}
		}
		a[i], a[p] = a[p], a[i]
		for r := range n {
			if r == i || a[r][i] == 0 {
				continue
			}
			f := a[r][i] / a[i][i]
			for j := i; j < len(a[r]); j++ {
				a[r][j] -= float64(f * a[i][j])
			}
		}
	}
	for i := range n {
		for j := n; j < len(a[i]); j++ {
			a[i][j] /= a[i][i]
		}
	}
}

// walker iterates over the states of a window.
type walker struct {
	rnd         seed.Rand
	s, previous int
	step        int64
	x           float64 // time drawn for the state
	least       float64 // minimum duration of the life, including this state
	count       int     // of states in the window
}

func (c *clock) begin(w *walker) {
	w.previous, w.step, w.least = -1, 0, 0
	c.enter(w, 0)
}

func (c *clock) enter(w *walker, s int) {
	d := &c.dwell[s]
	w.s = s
	w.x = d.draw(&w.rnd)
	w.least += d.least()
	w.count++
}

// follow moves to the next state of a life. It avoids states from which the life could
// not end within the window. After budget states, it takes the shortest path.
func (c *clock) follow(w *walker) {
	next, odds := c.next[w.s], c.odds[w.s]
	to := c.hop[w.s]
	left := float64(c.window) - w.least
	if w.count < c.budget {
		u := w.rnd.Float() * c.sum[w.s]
		for i, t := range next {
			if u -= odds[i]; u < 0 {
				if c.need[t] <= left {
					to = t
				}
				break
			}
		}
	}
	w.previous = w.s
	w.step++
	c.enter(w, to)
}

// fit returns the fit of a window.
func (c *clock) fit(key uint64, window int64) fit {
	known := &c.recent[key%uint64(len(c.recent))]
	if known.clock == c && known.key == key && known.window == window && known.fit.lives > 0 {
		return known.fit
	}
	// Totals over all states: the times drawn, and by how much times of ranges can be
	// shortened and extended.
	type totals struct{ means, ranges, shorter, longer float64 }
	var all, before totals
	w := walker{rnd: seed.At(key, uint64(window))}
	f := fit{}
	for c.begin(&w); ; {
		if d := &c.dwell[w.s]; d.Mean {
			all.means += w.x
		} else {
			all.ranges += w.x
			all.shorter += w.x - d.Low
			all.longer += d.High - w.x
		}
		if len(c.next[w.s]) > 0 {
			c.follow(&w)
			continue
		}
		f.lives++
		if all.means+all.ranges >= c.target || w.count >= c.budget {
			break
		}
		before = all
		c.begin(&w)
	}
	missing := float64(c.window) - all.means - all.ranges
	if missing < 0 && f.lives > 1 && -missing > (all.means+all.shorter)/2 {
		all = before
		f.lives--
		missing = float64(c.window) - all.means - all.ranges
	}
	// Scaling means by a few percent does not change their distribution noticeably.
	// Change ranges only if that is not enough.
	f.factor = 1
	switch {
	case math.Abs(missing) <= all.means/8:
		f.factor += missing / all.means
	case missing < 0:
		f.shift = max(missing/(all.means+all.shorter), -1)
		f.factor += f.shift
	case missing <= all.means+all.longer:
		f.shift = missing / (all.means + all.longer)
		f.factor += f.shift
	default: // ranges cannot be extended that much
		f.shift = 1
		if all.means > 0 {
			f.factor += (missing - all.longer) / all.means
		}
	}
	if known.clock != c || known.key != key {
		known.last = moment{}
	}
	known.clock, known.key, known.window, known.fit = c, key, window, f
	return f
}

// moment is the position of a key in its lives.
type moment struct {
	walker
	window, life        int64
	began, since, until int64 // in nanoseconds since 1970
}

// find returns the position of a key at a time.
func (c *clock) find(key uint64, t int64) moment {
	known := &c.recent[key%uint64(len(c.recent))]
	if known.clock == c && known.key == key && known.last.since <= t && t < known.last.until {
		return known.last
	}
	// The windows of different keys start at different times.
	m := moment{window: floorDiv(t, c.window)}
	offset := t - m.window*c.window + int64(seed.Mix(key)%uint64(c.window))
	if offset >= c.window {
		m.window++
		offset -= c.window
	}
	start := t - offset
	f := c.fit(key, m.window)
	m.rnd = seed.At(key, uint64(m.window))
	sum := 0.0
	for c.begin(&m.walker); ; {
		d := &c.dwell[m.s]
		switch {
		case d.Mean:
			sum += float64(m.x * f.factor)
		case f.shift < 0:
			sum += m.x + float64(f.shift*(m.x-d.Low))
		default:
			sum += m.x + float64(f.shift*(d.High-m.x))
		}
		end := len(c.next[m.s]) == 0
		m.until = min(int64(sum), c.window)
		if end && m.life == f.lives-1 {
			m.until = c.window
		}
		if offset < m.until {
			break
		}
		m.since = m.until
		if end {
			m.began = m.since
			m.life++
			c.begin(&m.walker)
			continue
		}
		c.follow(&m.walker)
	}
	m.began += start
	m.since += start
	if m.until += start; m.until < m.since {
		m.until = math.MaxInt64 // beyond the year 2262
	}
	known.last = m
	return m
}

// at returns the row of a key at the time of a record.
func (c *clock) at(r *Record, key uint64) value.Value {
	m := c.find(key, r.T)
	start := len(r.Scratch)
	id := seed.Combine(seed.Combine(key, uint64(m.window)), uint64(m.life))
	b := c.appendState(r.Scratch, m.s, m.previous, id, m.step)
	b = seconds(m.since).Append(b)
	b = seconds(m.until).Append(b)
	b = seconds(m.began).Append(b)
	r.Scratch = b
	return r.row(start, &clockNames)
}

// seconds returns a time in seconds since 1970, to the microsecond.
func seconds(ns int64) value.Value { return value.OfFloat(float64(floorDiv(ns, 1000)) / 1e6) }
