// SPDX-License-Identifier: Apache-2.0

// Package lives computes streams of lives: orders, sessions or connections that go
// through the states of a machine. Each record of such a stream is one transition, at
// the moment at which it happens.
//
// The normal path is [New], then [Stream.Record] for record k, and [Stream.Due] for how
// many records are due up to a moment. Both are functions of the machine, the
// population and the key: earlier calls affect only their speed.
//
// # Construction
//
// Lives come in blocks. All blocks have the same plans: paths through the machine, in
// which each way occurs as often as its odds require, and for each state on a path the
// part of the distribution of dwell times that its time is from. A life follows one
// plan. Its birth, uniformly distributed in a slot of its block, and the times within
// those parts are hashes of the block and the plan. So a block has a known number of
// transitions, births are as irregular as in a Poisson process, and dwell times have
// the requested distribution.
//
// The transition i of a plan in block m happens between m*period + low and m*period +
// high, for a low and a high that are the same in all blocks. For a moment t, all
// blocks up to (t-high)/period have it behind them, and none beyond (t-low)/period has.
// The number of records before t is a sum over the former, which needs no life, and a
// count of the few in between, whose moments are computed. Any window, which is as long
// as a slot, is found that way, at a cost that depends neither on its place nor on the
// number of open lives.
//
// If the number of lives follows a [Curve], slots are of equal length in the time of births
// only. That is a function of real time, so the sum above remains one: transition i of
// block m has happened if the births of its slot were over as long before t as it takes at
// most. Dwell times are real times. A window is found from all transitions of a block.
package lives

import (
	"fmt"
	"math"
	"time"

	"github.com/gdummy/gdummy/internal/generate/seed"
)

// Machine is a state machine. A life begins in state 0; where a way has several
// branches, it goes all of them, each at its own pace. It ends in states without
// successors.
type Machine struct {
	States []string
	Ways   [][]Way // those from each state
	Dwell  []Dwell // how long each state lasts
}

// Way is one of the ways that lives go from a state.
type Way struct {
	Odds     float64 // above 0, in proportion to those of the others
	Branches []Branch
}

// Branch is a state that a life enters, Low to High times, each number as likely.
type Branch struct {
	State     int
	Low, High int
}

// average returns how often the state is entered on average.
func (b Branch) average() float64 { return float64(b.Low+b.High) / 2 }

// odds returns the sum of the odds of ways.
func odds(ways []Way) (sum float64) {
	for _, w := range ways {
		sum += w.Odds
	}
	return sum
}

// Dwell is how long a state lasts, in nanoseconds: exponentially distributed around
// High if Mean is set, normally distributed in the middle of Low and High if Deviation is
// above 0, otherwise uniformly distributed from Low to High.
type Dwell struct {
	Mean      bool
	Low, High float64
	Deviation float64
}

// Deviations is how many deviations Low and High of a normally distributed time are from
// its mean. Times beyond are moved there.
const Deviations = 4

// average returns the mean.
func (d Dwell) average() float64 {
	if d.Mean {
		return d.High
	}
	return (d.Low + d.High) / 2
}

// part returns the time at v, in [0, 1), of part i of n parts that are equally likely.
func (d Dwell) part(i, n uint32, v float64) float64 {
	if d.Mean {
		return -d.High * math.Log((float64(n-i)-v)/float64(n))
	}
	if d.Deviation > 0 {
		switch p := (float64(i) + v) / float64(n); {
		case p <= 0:
			return d.Low
		case p >= 1:
			return d.High
		default:
			return min(max(seed.Normal((d.Low+d.High)/2, d.Deviation)(p), d.Low), d.High)
		}
	}
	return d.Low + float64((float64(i)+v)/float64(n)*(d.High-d.Low))
}

// The limits of streams.
const (
	MaxOpen   = 1_000_000  // lives open at the same time, on average
	MaxRate   = 10_000_000 // records per second, on average
	maxSteps  = 128        // states of a life, on average
	maxEvents = 1 << 17    // transitions of a block
	horizon   = 1 << 61    // no moment is later, in nanoseconds: 73 years

	uses     = 64      // how often the rarest way is gone in a block, if that is possible
	tail     = 0x1p-53 // 1 minus the highest v
	longest  = 1 << 12 // states of one life, beyond which it ends the quickest way
	rounding = 1e-12   // how far sums of times may be off, as a share
)

// Transition is one record of a stream.
type Transition struct {
	State, Previous int // Previous is -1 at the birth of a life
	ID              uint64
	Step            int  // from 0; unique within a life
	Children        int  // transitions that follow from this one at once: more than one at a fork
	Left            int  // all transitions that follow from this one
	Last            bool // whether none does

	// Moments since the start of the stream, in nanoseconds. Born and Since may be
	// before it, if lives are open when it begins.
	Born  int64 // of the first transition of the life
	Since int64 // of the one before; Born at birth
	At    int64 // of this one
	Until int64 // of the next; of the last, when its dwell time is over
}

// event is a transition of a plan.
type event struct {
	plan uint32
	part uint32 // of the dwell time
	low  int64  // when it happens at the earliest, after the start of the block
	high int64  // when it has happened in any case

	state    uint8
	children uint8
	step     uint16 // in its plan
	parent   uint16 // the step from which it follows; of the first, its own
	left     uint16 // steps that follow from it
}

// plan is what lives have in common that follow it.
type plan struct {
	slot  int64  // the start of the slot of its births, after the start of the block
	first uint32 // of its events
	n     uint32 // of its events
}

// candidate is an event that may happen in a window, of the block that many blocks
// before that of the window.
type candidate struct {
	event uint32
	ago   int32
}

// Stream is a stream of lives. It is not for use by several goroutines at once.
type Stream struct {
	m      *Machine
	key    uint64
	empty  bool   // no life is open when the stream begins
	curve  *Curve // that births follow, or nil
	visits []float64
	parts  []uint32 // of each state's dwell times: how often a block has it
	plans  []plan
	events []event
	window int64 // the length of a slot
	view   int64 // the length of a window: that of a slot, or less with a curve
	slots  int64 // of a block
	period int64 // the length of a block
	origin int64 // records before the stream begins

	longest int64 // no transition is later after the start of its block

	// By the window's place in its block: the candidates, and how many records of all
	// blocks from block 0 on are certainly before a window in block 0.
	candidates [][]candidate
	certain    []int64
	most       int64 // the largest candidate.ago

	records, due cursor
}

// New returns the stream of lives of a machine, of which open are alive at a time on
// average. Some of them are already when the stream begins, unless empty is set.
func New(m *Machine, open int64, empty bool, key uint64) (*Stream, error) {
	if open < 1 || open > MaxOpen {
		return nil, fmt.Errorf("%d lives: expected 1 to %d", open, MaxOpen)
	}
	return (&Stream{m: m, key: key, empty: empty}).setUp(float64(open))
}

// Follow is New for a number of lives that changes: births follow a curve.
func Follow(m *Machine, c *Curve, empty bool, key uint64) (*Stream, error) {
	if c.peak > MaxOpen || c.peak > maxPeak*c.mean {
		return nil, fmt.Errorf("%.6g lives at most, and %.6g on average: expected at most %d, and %d times the average", c.peak, c.mean, MaxOpen, maxPeak)
	}
	return (&Stream{m: m, key: key, empty: empty, curve: c}).setUp(c.mean)
}

// setUp computes what all blocks have in common.
func (s *Stream) setUp(open float64) (*Stream, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	life, steps := 0.0, 0.0
	for state, v := range s.visits {
		life += float64(v * s.m.Dwell[state].average())
		steps += v
	}
	if steps > maxSteps {
		return nil, fmt.Errorf("a life has more than %d states on average: "+
			"use a longer dwell time instead of a state that follows itself", maxSteps)
	}
	if life <= 0 {
		return nil, fmt.Errorf("lives end as soon as they begin: expected a state that lasts for a time and has a successor")
	}
	most := open
	if s.curve != nil {
		most = s.curve.peak
	}
	if rate := most * steps / life * 1e9; rate > MaxRate {
		return nil, fmt.Errorf("%.9g lives that last %v on average give %.4g records per second, expected at most %d",
			most, time.Duration(life), rate, MaxRate)
	}
	if err := s.setSize(life, steps, open); err != nil {
		return nil, err
	}
	if err := s.draw(); err != nil {
		return nil, err
	}
	s.bound()
	s.view = s.window
	if s.curve == nil {
		s.index()
	} else {
		s.view = max(1, int64(float64(s.window)*s.curve.mean/s.curve.peak))
	}
	if !s.empty {
		s.records.load(s, 0)
		s.origin = s.records.first
		s.records = cursor{}
	}
	return s, nil
}

// setSize decides how many lives a block has, and how long it lasts.
func (s *Stream) setSize(life, steps, open float64) error {
	rarest, from, to := math.Inf(1), 0, 0
	for state, ways := range s.m.Ways {
		for _, w := range ways {
			if use := s.visits[state] * w.Odds / odds(ways); use < rarest {
				rarest, from, to = use, state, w.Branches[0].State
			}
		}
	}
	// A window has some thousand records; fewer if they take longer to compute.
	perSlot := math.Ceil(min(4096, 65536/(16+steps)) / steps)
	s.window = int64(math.Round(perSlot * life / open))
	slots := math.Ceil(uses / rarest / perSlot)
	events := float64(maxEvents)
	if s.curve != nil {
		events = maxCurved
	}
	slots = min(slots, math.Ceil(events/(perSlot*steps)), math.Floor(horizon/2/float64(max(s.window, 1))))
	if slots = max(slots, 1); rarest*slots*perSlot < 1 {
		return fmt.Errorf("only one life in %.0f goes from %q to %q, expected one in %.0f or more",
			1/rarest, s.m.States[from], s.m.States[to], slots*perSlot)
	}
	if float64(s.window) > horizon/2 {
		return fmt.Errorf("%.0f lives that last %v on average: expected more, or shorter ones", open, time.Duration(life))
	}
	s.window = max(s.window, 1)
	s.slots = int64(slots)
	s.period = s.window * s.slots
	s.plans = make([]plan, int(perSlot)*int(slots))
	return nil
}

// Rate returns how many records the stream has per second, on average.
func (s *Stream) Rate() float64 { return float64(len(s.events)) / float64(s.period) * 1e9 }

// birth returns when the life of a plan in a block is born.
func (s *Stream) birth(block int64, p uint32) int64 {
	at := block*s.period + s.plans[p].slot + int64(unit(s.life(block, p), 0)*float64(s.window))
	if s.curve != nil {
		return s.curve.moment(at)
	}
	return at
}

// life returns the key of a life.
func (s *Stream) life(block int64, p uint32) uint64 {
	return seed.Record(s.key+uint64(p), uint64(block))
}

// unit returns a hash as a number in [0, 1).
func unit(key, place uint64) float64 {
	rnd := seed.At(key, place)
	return rnd.Float()
}

// moment returns when a transition happens.
func (s *Stream) moment(block int64, e uint32) int64 {
	at := &s.events[e]
	life := s.life(block, at.plan)
	first := e - uint32(at.step)
	sum := 0.0
	for x := at; x.step > 0; {
		x = &s.events[first+uint32(x.parent)]
		sum += s.dwell(life, x)
	}
	return s.birth(block, at.plan) + int64(min(sum, horizon))
}

// dwell returns how long a life stays in the state of an event.
func (s *Stream) dwell(life uint64, e *event) float64 {
	return s.m.Dwell[e.state].part(e.part, s.parts[e.state], unit(life, uint64(e.step)+1))
}
