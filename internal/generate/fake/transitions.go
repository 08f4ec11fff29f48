// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"slices"

	"github.com/gdummy/gdummy/internal/generate/lives"
	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

var transitionNames = slices.Concat(clockNames, []string{"stayed", "children", "left"})

// The values of START.
const (
	startRunning = "running"
	startEmpty   = "empty"
)

var transitions = []Func{
	{
		Name: "transitions", Section: secState, Follows: TheNumber, Result: "row",
		Example: `(transitions 100 "created 5s: paid 9, cancelled 1; paid 10s..20s: shipped; shipped 1m: delivered").state`,
		Doc: "The transition that the record is: each record is one state that one of many lives enters, when it enters it, and no transition is left out. " +
			"MACHINE is that of states, with dwell times; a state that ends a life needs none. LIVES are open at a time on average: a number, or a load profile without an end whose rates are numbers of lives, such as `sine 100 to 1000 every 24h` or `500 for 8h; 50 for 16h; repeat`. " +
			"Births follow the profile, so the number of open lives follows it with a delay of about the length of a life. " +
			"The rate follows from both, so that options like rate cannot be set; the times of the records are the moments of the transitions. " +
			"The row is that of states with dwell times: `state`, `previous`, `id`, `step`, `last`, `since` (now), `until` (when the life goes on; of the last state, when its dwell time is over) " +
			"and `began`; and also `stayed` (how long the life was in the previous state, in seconds; null at first), `children` (how many transitions follow from this one at once) and `left` (how many follow in all). " +
			"A life can fork: `order 1m: payment & 1..4 item; item 1h: packed` goes on with a payment and one to four items, each at its own pace; " +
			"`previous` and `left` are then those of the branch, and steps are numbered branch by branch. " +
			"START is running (LIVES are open at the start, and go on) or empty (each life begins with its first state). " +
			"A template has one stream of transitions; all calls have the same arguments.",
		Args: []Arg{{Name: "LIVES"}, {Name: "MACHINE", Type: Text}, {Name: "START", Type: Text, Optional: true, Default: startRunning}},
		build: func(c *Call) (Gen, error) {
			s, err := c.lives()
			if err != nil {
				return nil, err
			}
			c.Names = &transitionNames
			return func(r *Record) value.Value { return s.row(r) }, nil
		},
	},
}

// livesOf has the arguments of transitions, which identify their stream.
type livesOf struct {
	open    string
	machine string
	start   string
}

// livesStream is the stream of transitions of a template.
type livesStream struct {
	livesOf
	*lives.Stream
	machine *machine
}

// Lives returns the stream of transitions that the records are, or nil.
func (e *Env) Lives() *lives.Stream {
	if e.lives == nil {
		return nil
	}
	return e.lives.Stream
}

// lives returns the stream of a call.
func (c *Call) lives() (*livesStream, error) {
	open := c.Args[0].Value
	of := livesOf{string(open.AppendJSON(nil)), c.str(1), c.str(2)}
	switch known := c.Env.lives; {
	case known != nil && known.livesOf == of:
		return known, nil
	case known != nil:
		return nil, argErr(-1, "transitions: a template has one stream of them, but another call has other arguments: "+
			"keep the row in a variable, or use state_of for what else changes")
	case of.start != startRunning && of.start != startEmpty:
		return nil, argErr(2, "transitions: invalid START %q: expected %s or %s", of.start, startRunning, startEmpty)
	}
	m, err := parseMachine(of.machine)
	if err != nil {
		return nil, argErr(1, "transitions: %v", err)
	}
	if !m.timed {
		return nil, argErr(1, "transitions: MACHINE has no dwell times: expected them as in \"created 5m: paid; paid 1d: shipped\"")
	}
	lm := &lives.Machine{States: m.states, Ways: m.paths}
	for _, d := range m.dwell {
		lm.Dwell = append(lm.Dwell, lives.Dwell(d))
	}
	key, empty := seed.Combine(c.Env.Stream, seed.Text("transitions")), of.start == startEmpty
	var stream *lives.Stream
	switch {
	case open.K == value.String:
		p, invalid := pace.ParseProfile(open.S())
		if invalid != nil {
			return nil, argErr(0, "transitions: invalid LIVES: %v", invalid)
		}
		curve := lives.NewCurve(p)
		if curve == nil {
			return nil, argErr(0, "transitions: LIVES is %q, expected a profile that repeats itself forever, not at random and not by the time of day", open.S())
		}
		stream, err = lives.Follow(lm, curve, empty, key)
	case open.K == value.Int && (open.Int() < 1 || open.Int() > lives.MaxOpen):
		return nil, argErr(0, "transitions: LIVES is %s, expected 1 to %d", of.open, lives.MaxOpen)
	case open.K == value.Int:
		stream, err = lives.New(lm, open.Int(), empty, key)
	default:
		return nil, argErr(0, "transitions: LIVES must be an integer or a load profile, found %s", of.open)
	}
	if err != nil {
		return nil, argErr(1, "transitions: %v", err)
	}
	c.Env.lives = &livesStream{of, stream, m}
	return c.Env.lives, nil
}

// row returns the row of a record. Its times are relative to the record's time, which is
// the time of the transition on any clock.
func (s *livesStream) row(r *Record) value.Value {
	t, ok := s.Record(r.K)
	if !ok {
		return value.Null
	}
	start := len(r.Scratch)
	b := s.machine.appendState(r.Scratch, t.State, t.Previous, t.ID, int64(t.Step))
	b = seconds(r.T).Append(b)
	b = seconds(r.T + (t.Until - t.At)).Append(b)
	b = seconds(r.T + (t.Born - t.At)).Append(b)
	if t.Step == 0 {
		b = value.Null.Append(b)
	} else {
		b = seconds(t.At - t.Since).Append(b)
	}
	b = value.AppendInt(b, int64(t.Children))
	r.Scratch = value.AppendInt(b, int64(t.Left))
	return r.row(start, &transitionNames)
}
