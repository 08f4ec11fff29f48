// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/control"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// controlInterval is the time between two looks at the control file.
const controlInterval = 200 * time.Millisecond

// Change is a change of the pace by the option control. The new pace begins at the moment
// of the change: records that were due by then keep their times.
type Change struct {
	Record    uint64 // the first record that is emitted after the change, from 0
	Scheduled uint64 // records that were due by then since the start, also those dropped
	State     string // what is in force: see control.State.String
}

// checkControl reports what does not go with the option control, but for the options that
// its row excludes: the times of the records, or their number, would have to be known
// before they are due.
func (c *Config) checkControl() (errs option.Errors) {
	if c.Control == "" {
		return nil
	}
	exclude := func(what, why string) {
		errs = append(errs, option.Errorf("control", "control and %s are mutually exclusive: %s", what, why))
	}
	switch {
	case c.lives() != nil:
		exclude("transitions", "the rate follows from the number of lives and their dwell times")
	case c.timeline:
		exclude("replay at the spacing of its records", "set a rate or a load_profile")
	case c.profile != nil && c.Rate.Unlimited:
		exclude("load_profile with rate unlimited", "the times of the records follow load_profile")
	case c.spread():
		exclude("start_time with end_time and max_records", "the records are evenly spread between the two times")
	}
	return errs
}

// steering changes the pace of an engine to what a control file asks for.
type steering struct {
	watch    *control.Watch
	next     time.Time // of the next look
	log      func(string)
	changed  func(Change)
	schedule pace.Steered
	own      *pace.Profile // the configured pace, or nil if it is unlimited
	ends     int64         // when the run ends apart from own, as plan.end
	profile  string        // the load profile of the file in force
	fast     bool          // the clock of the records has a speed of its own
	began    int64         // when profile started, in nanoseconds of the schedule
	state    control.State // in force
	looked   bool
}

// newSteering returns the steering of an engine, and makes its schedule one that can
// change. Any rate is a load profile there, so that the fractions of records at a change
// are exact.
func newSteering(c *Config, e *Engine, o Options) *steering {
	s := &steering{watch: control.NewWatch(c.Control, c.path), log: o.Log, changed: o.Changed, ends: e.plan.end, fast: !c.TimeSpeed.One()}
	s.own, _ = e.plan.sched.(*pace.Profile)
	if s.log == nil {
		s.log = func(string) {}
	}
	if s.own == nil && !c.Rate.Unlimited {
		text := units.FormatRate(units.Rate(c.Rate.Num * (units.Quanta / c.Rate.Den)))
		s.own, _ = pace.ParseProfile("constant " + text)
	}
	if s.own != nil {
		s.schedule.Change(0, s.own, 0, 0)
		e.plan.sched = &s.schedule
	}
	e.plan.end = s.end(&s.state)
	return s
}

// end returns when a run with a state ends, in nanoseconds of the schedule: with the
// configured load profile, while that is in force.
func (s *steering) end(state *control.State) int64 {
	if state.Profile == nil && !state.Unlimited && s.own != nil {
		if end, ok := s.own.End(); ok {
			return min(s.ends, end)
		}
	}
	return s.ends
}

// steer looks at the control file, a few times a second, and applies what has changed. The
// first look is before any record is emitted, the others are when those that are due are
// emitted, if they fit into a slice.
func (e *Engine) steer(now time.Time, first bool) {
	s := e.steering
	if s == nil || first == s.looked || now.Before(s.next) {
		return
	}
	s.next, s.looked = now.Add(controlInterval), true
	state, err := s.watch.Look()
	if err == nil && state != nil && state.String() != s.state.String() {
		t := max(int64(now.Sub(e.start))-e.plan.delay, 0)
		if first {
			t = 0 // it is in force from the start on
		}
		err = e.change(state, t)
	}
	var errs control.Errors
	switch {
	case err == nil:
	case errors.As(err, &errs):
		for _, line := range errs.Lines() {
			if !strings.HasPrefix(line, "  ") {
				line = "option control: " + line
			}
			s.log(line)
		}
	default:
		s.log("option control: " + err.Error())
	}
	if err != nil {
		s.log("option control: the file is not applied; in force: " + s.state.String())
	}
}

// change puts a state in force at t, in nanoseconds of the schedule.
func (e *Engine) change(state *control.State, t int64) error {
	s := e.steering
	p, zero, text, began := state.Profile, t, "", t
	switch {
	case state.Unlimited:
	case p == nil:
		p, zero = s.own, 0
	case !state.Steady:
		if p.Daily() && s.fast {
			return errors.New("load_profile follows the time of day: expected no option time_speed")
		}
		if text = p.String(); text == s.profile {
			zero = s.began
		}
		began = zero
		p = p.From(e.plan.start + zero)
	}
	if state.Scale != "" {
		if p == nil {
			return state.ScaleError("scale: no effect on rate unlimited: expected a rate or a load_profile")
		}
		var err error
		var at *diag.Error
		if p, err = pace.ParseProfile(p.String() + "; scale " + state.Scale); errors.As(err, &at) {
			return state.ScaleError(at.Problem)
		}
	}
	owed := e.owed(t)
	paced := p
	if state.Paused {
		paced = nil
	}
	s.schedule.Change(t, paced, zero, e.spent*e.plan.shards)
	unlimited := p == nil && !state.Paused
	if e.plan.sched == nil && !unlimited {
		e.plan.sched = pace.Part(&s.schedule, e.plan.shard, e.plan.shards)
	}
	if unlimited && e.plan.sched != nil {
		e.spent = max(e.spent, e.plan.sched.Due(t)) // what is due is among the next records
		e.plan.sched = nil
	}
	e.plan.end = s.end(state)
	e.plan.words, e.plan.perSecond = "", 0
	if p != nil {
		e.plan.words = p.String()
		if rate, steady := strings.CutPrefix(e.plan.words, "constant "); steady && !strings.ContainsAny(rate, " ;") {
			e.plan.words, e.plan.perSecond = "", p.RateAt(0)
		}
	}
	s.state, s.profile, s.began = *state, text, began
	if s.changed != nil {
		s.changed(Change{Record: e.counts.Records, Scheduled: e.counts.Records + e.counts.Shortfall + owed, State: state.String()})
	}
	return nil
}

// owed returns how many records are due at t and neither emitted nor dropped.
func (e *Engine) owed(t int64) uint64 {
	perTick := e.copies * e.source.RecordsPerTick()
	n := uint64(0)
	if e.startup {
		n += perTick
	}
	if e.plan.sched != nil {
		if due := e.plan.due(t); due > e.spent {
			n += (due - e.spent) * perTick
		}
	}
	return n - min(n, e.part)
}
