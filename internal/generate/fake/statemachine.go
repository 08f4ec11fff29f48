// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/generate/lives"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

var stateNames = []string{"state", "previous", "id", "step", "last"}

// machine is a state machine. A slot has one life after another. Its visits are divided
// into windows, and each window is filled with complete lives: a state is computed from
// the start of its window, and no life is cut off.
type machine struct {
	states []string
	next   [][]int
	odds   [][]float64
	paths  [][]lives.Way // next and odds, with the branches of forks
	forks  bool          // there are any
	timed  bool          // states have dwell times, see [clock]
	dwell  []dwell       // if timed
	window uint64
	// fill[s][r] is the probability that a slot in state s, with r more visits, fills
	// the window with complete lives. Transitions are drawn in proportion to it, so
	// that the window is always filled.
	fill [][]float64
	// drawn replaces odds in draws. Short lives fill a window more easily than long
	// ones, so that with odds too many lives would be short: by a tenth if lives have
	// twelve steps. With drawn, each transition has the right frequency over the
	// window.
	drawn [][]float64
}

// parseChain reads a machine without forks.
func parseChain(text string) (*machine, error) {
	m, err := parseMachine(text)
	if err == nil && m.forks {
		return nil, errors.New("a life that forks has several states at once: expected one successor, or use transitions")
	}
	return m, err
}

// parseMachine reads "a: b 9, c 1; b: c" or, with dwell times, "a 5m: b 9, c 1;
// b 1h..2h: c; c 1d". With forks it is "a 5m: b & 1..4 c; c 1h: d".
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
		m.next, m.odds, m.paths, m.dwell = append(m.next, nil), append(m.odds, nil), append(m.paths, nil), append(m.dwell, dwell{})
		return len(m.states) - 1
	}
	for _, rule := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		if strings.TrimSpace(rule) == "" {
			continue
		}
		head, to, more := strings.Cut(rule, ":")
		from, span, timed := strings.Cut(strings.TrimSpace(head), " ")
		if !more && !timed || from == "" || strings.Contains(head, ",") {
			return nil, fmt.Errorf("invalid rule %q: expected one such as \"created: paid 9, cancelled 1\"", strings.TrimSpace(rule))
		}
		s := state(from)
		if ruled[s] {
			return nil, fmt.Errorf("state %q has two rules", from)
		}
		ruled[s] = true
		if timed {
			d, err := parseDwell(strings.TrimSpace(span))
			if err != nil {
				return nil, fmt.Errorf("state %q: %w", from, err)
			}
			m.dwell[s] = d
			m.timed = true
		}
		if !more {
			continue
		}
		for _, text := range strings.Split(to, ",") {
			way, err := parseWay(text, state)
			if err != nil {
				return nil, err
			}
			m.next[s] = append(m.next[s], way.Branches[0].State)
			m.odds[s] = append(m.odds[s], way.Odds)
			m.paths[s] = append(m.paths[s], way)
			m.forks = m.forks || len(way.Branches) > 1 || way.Branches[0].High != 1
		}
		if len(m.next[s]) > 200 {
			return nil, fmt.Errorf("state %q has %d successors, expected at most 200", from, len(m.next[s]))
		}
	}
	if len(m.states) == 0 {
		return nil, fmt.Errorf("expected at least one state, found none")
	}
	if len(m.states) > 200 {
		return nil, fmt.Errorf("expected at most 200 states, found %d", len(m.states))
	}
	if m.timed || m.forks {
		return m, nil
	}
	return m, m.setWindow()
}

// parseWay reads "paid 9" or, where a life forks, "payment & 1..4 item 9". state
// returns the number of a state.
func parseWay(text string, state func(name string) int) (w lives.Way, err error) {
	w.Odds = 1
	children := 0
	branches := strings.Split(text, "&")
	for i, branch := range branches {
		f := strings.Fields(branch)
		b := lives.Branch{Low: 1, High: 1}
		if len(f) > 1 && strings.Contains(f[0], "..") {
			if b.Low, b.High, err = parseTimes(f[0]); err != nil {
				return w, err
			}
			f = f[1:]
		}
		if last := len(f) - 1; i == len(branches)-1 && last == 1 {
			if w.Odds, err = strconv.ParseFloat(f[last], 64); err != nil || !(w.Odds > 0) || math.IsInf(w.Odds, 0) {
				return w, fmt.Errorf("invalid weight %q: expected a number above 0", f[last])
			}
			f = f[:last]
		}
		if len(f) != 1 {
			return w, fmt.Errorf("invalid successor %q: expected a state and its weight", strings.TrimSpace(text))
		}
		b.State = state(f[0])
		children += b.High
		w.Branches = append(w.Branches, b)
	}
	if children > maxChildren {
		return w, fmt.Errorf("successor %q: a life has up to %d branches at once, expected at most %d", strings.TrimSpace(text), children, maxChildren)
	}
	return w, nil
}

// maxChildren is the maximum number of branches of a life at a fork.
const maxChildren = 200

// parseTimes parses how often a state is entered, such as 1..4.
func parseTimes(text string) (low, high int, err error) {
	first, last, _ := strings.Cut(text, "..")
	if low, err = strconv.Atoi(first); err == nil {
		high, err = strconv.Atoi(last)
	}
	if err != nil || low < 0 || high < max(low, 1) {
		return 0, 0, fmt.Errorf("invalid number %q: expected how often a state is entered, such as 1..4, or 3..3 for three times", text)
	}
	return low, high, nil
}

// setWindow sets the length of a window, and the odds that give transitions the right
// frequencies in it.
func (m *machine) setWindow() error {
	// The longest window that complete lives can fill, up to 96 visits and two for
	// each state.
	most := 96 + 2*len(m.states)
	m.drawn = make([][]float64, len(m.odds))
	for s, odds := range m.odds {
		sum := 0.0
		for _, w := range odds {
			sum += w
		}
		for _, w := range odds {
			m.drawn[s] = append(m.drawn[s], w/sum)
		}
	}
	m.setFill(most)
	for w := most; w > 0; w-- {
		if m.fill[0][w-1] > 0 {
			m.window = uint64(w)
			break
		}
	}
	if m.window == 0 {
		return fmt.Errorf("a life that begins with %q never ends: expected a way to a state without successors", m.states[0])
	}
	// Correct odds by their relative error, repeatedly. Odds that lead to lives longer
	// than a window do not converge.
	for range 60 {
		worst := 0.0
		for s, ways := range m.ways() {
			sum, all := 0.0, 0.0
			for i := range ways {
				sum += ways[i]
				all += m.odds[s][i]
			}
			for i := range ways {
				if sum == 0 || ways[i] == 0 {
					continue
				}
				off := m.odds[s][i] / all * sum / ways[i]
				worst = max(worst, math.Abs(off-1))
				m.drawn[s][i] *= min(max(off, 0.5), 2)
			}
		}
		m.setFill(int(m.window))
		if worst < 1e-4 {
			break
		}
	}
	return nil
}

// setFill computes fill for windows of at most most visits.
func (m *machine) setFill(most int) {
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
				sum += m.drawn[s][i]
				if r > 0 {
					m.fill[s][r] += float64(m.drawn[s][i] * m.fill[t][r-1])
				}
			}
			m.fill[s][r] /= sum
		}
	}
}

// ways returns the mean number of each transition in a window.
func (m *machine) ways() [][]float64 {
	ways := make([][]float64, len(m.states))
	for s := range ways {
		ways[s] = make([]float64, len(m.next[s]))
	}
	here, then := make([]float64, len(m.states)), make([]float64, len(m.states))
	here[0] = 1
	for left := int(m.window) - 2; left >= 0; left-- {
		clear(then)
		for s, p := range here {
			if p == 0 {
				continue
			}
			if len(m.next[s]) == 0 {
				then[0] += p
				continue
			}
			sum := 0.0
			for i, t := range m.next[s] {
				sum += float64(m.drawn[s][i] * m.fill[t][left])
			}
			for i, t := range m.next[s] {
				if sum > 0 {
					share := p * m.drawn[s][i] * m.fill[t][left] / sum
					ways[s][i] += share
					then[t] += share
				}
			}
		}
		here, then = then, here
	}
	return ways
}

// step returns the state of a slot at a visit.
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
	r.Scratch = m.appendState(r.Scratch, s, previous, seed.Combine(key, window*m.window+life), step)
	return r.row(start, &stateNames)
}

// appendState appends the columns of stateNames. previous is -1 in the first state of a
// life.
func (m *machine) appendState(dst []byte, s, previous int, id uint64, step int64) []byte {
	dst = value.AppendString(dst, m.states[s])
	if previous < 0 {
		dst = value.Null.Append(dst)
	} else {
		dst = value.AppendString(dst, m.states[previous])
	}
	dst = value.AppendInt(dst, int64(id>>12)) // 52 bits: exact in JSON readers, too
	dst = value.AppendInt(dst, step)
	return value.OfBool(len(m.next[s]) == 0).Append(dst)
}

// follow draws what comes after state s, with so many visits left after it.
func (m *machine) follow(s, left int, rnd *seed.Rand) int {
	next, odds := m.next[s], m.drawn[s]
	sum := 0.0
	for i, t := range next {
		sum += float64(odds[i] * m.fill[t][left])
	}
	u := rnd.Float() * sum
	last := -1
	for i, t := range next {
		w := float64(odds[i] * m.fill[t][left]) // not fused with what follows: the same on every host
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
