// SPDX-License-Identifier: Apache-2.0

package lives

import (
	"fmt"
	"math"

	"github.com/gdummy/gdummy/internal/generate/seed"
)

// check finds how often a life is in each state, and states that cannot be.
func (s *Stream) check() error {
	m := s.m
	hops := m.hops()
	seen := m.reachable()
	for state, name := range m.States {
		switch {
		case !seen[state]:
			return fmt.Errorf("state %q is never reached from %q", name, m.States[0])
		case hops[state] == math.MaxInt:
			return fmt.Errorf("a life that reaches state %q never ends: expected a way to a state without successors", name)
		case len(m.Ways[state]) > 0 && m.Dwell[state].High == 0:
			return fmt.Errorf("state %q has no dwell time: expected one as in \"%s 5m\"", name, name)
		}
	}
	// How many branches of a life are in each state after n steps, summed over n.
	s.visits = make([]float64, len(m.States))
	here, then := make([]float64, len(m.States)), make([]float64, len(m.States))
	here[0] = 1
	for left, n := 1.0, 0; left > 1e-12 && left < 1e6 && n < 1<<14; n++ {
		clear(then)
		left = 0
		for state, p := range here {
			s.visits[state] += p
			for _, w := range m.Ways[state] {
				for _, b := range w.Branches {
					then[b.State] += float64(p * w.Odds / odds(m.Ways[state]) * b.average())
				}
			}
			if len(m.Ways[state]) > 0 {
				left += p
			}
		}
		here, then = then, here
	}
	return nil
}

// hops returns how many transitions follow one another at least from each state to the
// end of all branches.
func (m *Machine) hops() []int {
	hops := make([]int, len(m.States))
	for state := range hops {
		if len(m.Ways[state]) > 0 {
			hops[state] = math.MaxInt
		}
	}
	for range m.States {
		for state, ways := range m.Ways {
			for _, w := range ways {
				if n := w.hops(hops); n < math.MaxInt {
					hops[state] = min(hops[state], n+1)
				}
			}
		}
	}
	return hops
}

// hops returns those of the branch with the most.
func (w Way) hops(of []int) (most int) {
	for _, b := range w.Branches {
		most = max(most, of[b.State])
	}
	return most
}

// reachable reports which states a life may reach.
func (m *Machine) reachable() []bool {
	seen := make([]bool, len(m.States))
	seen[0] = true
	for range m.States {
		for state, ways := range m.Ways {
			for _, w := range ways {
				for _, b := range w.Branches {
					seen[b.State] = seen[b.State] || seen[state]
				}
			}
		}
	}
	return seen
}

// drawing is what draws the plans of a block.
type drawing struct {
	*Stream
	rnd   seed.Rand
	decks [][]uint8 // by state: ways in random order, each as often as it should be in a block
	hops  []int
	first int // event of the plan
}

// draw draws the plans of a block.
func (s *Stream) draw() error {
	d := &drawing{Stream: s, rnd: seed.At(s.key, 0), hops: s.m.hops(), decks: make([][]uint8, len(s.m.States))}
	for state := range d.decks {
		d.decks[state] = d.deck(state)
	}
	lives := int64(len(s.plans))
	for p := range s.plans {
		d.first = len(s.events)
		s.plans[p] = plan{slot: int64(p) * s.slots / lives * s.window, first: uint32(d.first)}
		d.enter(uint32(p), 0, 0)
		s.plans[p].n = uint32(len(s.events) - d.first)
		if len(s.events) > 4*maxEvents || s.plans[p].n > math.MaxUint16 {
			return fmt.Errorf("some lives have more than %d transitions: expected fewer branches", s.plans[p].n/2)
		}
	}
	s.deal(&d.rnd)
	return nil
}

// enter appends the transition to a state, from the step that is its parent, and all
// that follow from it.
func (d *drawing) enter(p uint32, state, parent int) {
	i := len(d.events)
	d.events = append(d.events, event{plan: p, state: uint8(state), step: uint16(i - d.first), parent: uint16(parent)})
	if len(d.m.Ways[state]) == 0 {
		return
	}
	children := 0
	for _, b := range d.m.Ways[state][d.follow(state, i-d.first)].Branches {
		for range b.Low + int(d.rnd.Below(uint64(b.High-b.Low+1))) {
			children++
			d.enter(p, b.State, i-d.first)
		}
	}
	d.events[i].children = uint8(children)
	d.events[i].left = uint16(len(d.events) - i - 1)
}

// deck returns the deck of a state.
func (d *drawing) deck(state int) (deck []uint8) {
	ways := d.m.Ways[state]
	due := 0.0 // what is missing of the ways up to here, for rounding
	for i, w := range ways {
		due += d.visits[state] * float64(len(d.plans)) * w.Odds / odds(ways)
		for due >= 0.5 {
			deck = append(deck, uint8(i))
			due--
		}
	}
	shuffle(deck, &d.rnd)
	return deck
}

func shuffle[T any](list []T, rnd *seed.Rand) {
	for i := len(list) - 1; i > 0; i-- {
		j := rnd.Below(uint64(i + 1))
		list[i], list[j] = list[j], list[i]
	}
}

// follow takes a way from the deck of a state. When that is used up, because its size
// is rounded, it draws one. A life that is too long ends the quickest way.
func (d *drawing) follow(state, step int) int {
	ways := d.m.Ways[state]
	if step >= longest {
		quickest := 0
		for i, w := range ways {
			if w.hops(d.hops) < ways[quickest].hops(d.hops) {
				quickest = i
			}
		}
		return quickest
	}
	if n := len(d.decks[state]); n > 0 {
		i := d.decks[state][n-1]
		d.decks[state] = d.decks[state][:n-1]
		return int(i)
	}
	weights := make([]float64, len(ways))
	for i, w := range ways {
		weights[i] = w.Odds
	}
	alias := seed.NewAlias(weights)
	return alias.Draw(&d.rnd)
}

// deal deals the parts of each state's dwell times to its events in random order.
func (s *Stream) deal(rnd *seed.Rand) {
	s.parts = make([]uint32, len(s.m.States))
	of := make([][]uint32, len(s.m.States))
	for _, e := range s.events {
		of[e.state] = append(of[e.state], s.parts[e.state])
		s.parts[e.state]++
	}
	for state := range of {
		shuffle(of[state], rnd)
	}
	for i := range s.events {
		e := &s.events[i]
		e.part = of[e.state][0]
		of[e.state] = of[e.state][1:]
	}
}

// bound finds when each event happens at the earliest and at the latest.
func (s *Stream) bound() {
	type span struct{ low, high float64 }
	var ends []span // when the state of each step is over
	for _, p := range s.plans {
		ends = append(ends[:0], span{})
		for i := range p.n {
			e := &s.events[p.first+i]
			at := span{}
			if i > 0 {
				at = ends[e.parent]
			}
			e.low = p.slot + int64(min(at.low*(1-rounding), horizon)) - 1
			e.high = p.slot + s.window + int64(min(at.high*(1+rounding), horizon)) + 1
			s.longest = max(s.longest, e.high)
			d, n := s.m.Dwell[e.state], s.parts[e.state]
			ends = append(ends[:i], span{at.low + d.part(e.part, n, 0), at.high + d.part(e.part, n, 1-tail)})
		}
	}
}

// index finds the candidates of each window of a block.
func (s *Stream) index() {
	s.candidates = make([][]candidate, s.slots)
	s.certain = make([]int64, s.slots)
	for r := range s.slots {
		for i := range s.events {
			first, last := s.blocks(&s.events[i], r)
			s.certain[r] += first
			s.most = max(s.most, -first)
			for block := first; block <= last; block++ {
				s.candidates[r] = append(s.candidates[r], candidate{uint32(i), int32(-block)})
			}
		}
	}
}

// blocks returns the first and the last block in which an event may happen in window r
// of block 0. In blocks before the first it has certainly happened before.
func (s *Stream) blocks(e *event, r int64) (first, last int64) {
	return floorDiv(r*s.window-e.high, s.period) + 1, floorDiv((r+1)*s.window-1-e.low, s.period)
}

// along is blocks for any window, if births follow a curve.
func (s *Stream) along(e *event, window int64) (first, last int64) {
	slot := s.plans[e.plan].slot
	start := window * s.view
	first = floorDiv(s.curve.births(start-(e.high-slot-s.window))-slot-s.window, s.period) + 1
	last = floorDiv(s.curve.births(start+s.view-1-(e.low-slot))-slot, s.period)
	if s.empty {
		first = max(first, 0)
	}
	return first, last
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
