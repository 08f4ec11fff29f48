// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/generate/clock"
	"github.com/gdummy/gdummy/internal/generate/lives"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// lives returns the stream of transitions that the records are, or nil.
func (c *Config) lives() *lives.Stream {
	if c.Program == nil {
		return nil
	}
	return c.Program.Lives()
}

// checkLives reports options that contradict a stream of transitions: the moments of
// its records follow from the template.
func (c *Config) checkLives() (errs option.Errors) {
	if c.lives() == nil {
		return nil
	}
	for _, name := range []string{"rate", "bytes_rate", "load_profile", "interval_sec", "interval_nsec", "time_step"} {
		if c.Given(name) && !(name == "rate" && c.Rate.Unlimited && c.startsAt()) {
			e := option.Errorf(name, "%s and transitions are mutually exclusive: the rate follows from the number of lives and their dwell times", name)
			e.Hint = "time_speed makes all of it faster; with start_time, rate unlimited is possible"
			errs = append(errs, e)
		}
	}
	for _, x := range []struct {
		name string
		set  bool
	}{{"copies", c.Copies > 1}, {"flush_on_startup", c.FlushOnStartup}, {"fixed_timestamp", c.FixedTimestamp}} {
		if x.set {
			errs = append(errs, option.Errorf(x.name, "%s and transitions are mutually exclusive: each transition is one record, at its own moment", x.name))
		}
	}
	if c.Given("catch_up") && c.CatchUp != option.CatchUpFull {
		errs = append(errs, option.Errorf("catch_up", "%s and transitions are mutually exclusive: no transition is left out", c.CatchUp))
	}
	return errs
}

// livesSchedule makes the records of a stream of transitions due, at a multiple of its
// speed.
type livesSchedule struct {
	stream *lives.Stream
	numbering
	speed  clock.Speed
	before int64 // the moment of the stream at the start of the schedule; may be negative
}

// newLivesSchedule returns the schedule of an engine that starts its schedule elapsed
// nanoseconds after the clock of its records.
func newLivesSchedule(c *Config, stream *lives.Stream, s *stamper, elapsed int64) *livesSchedule {
	l := &livesSchedule{stream: stream, numbering: newNumbering(c), speed: clock.Speed(c.TimeSpeed)}
	l.before = clock.Before(stream, s.origin)
	if elapsed >= 0 {
		l.before += l.speed.Scale(elapsed)
	} else {
		l.before -= l.speed.Scale(-elapsed)
	}
	return l
}

// At implements [pace.Schedule].
func (l *livesSchedule) At(n uint64) int64 {
	at := l.stream.At(l.number(n - 1))
	if at == pace.Never {
		return pace.Never
	}
	if at -= l.before; at <= 0 {
		return 0 // it was due before a reload
	}
	if at = l.speed.Latest(at - 1); at == pace.Never {
		return at
	}
	return at + 1 // the first t with Scale(t) >= at
}

// Due implements [pace.Schedule].
func (l *livesSchedule) Due(t int64) uint64 {
	due := l.stream.Due(min(l.speed.Scale(t), pace.Never-max(l.before, 0)) + l.before)
	return pace.PartOf(due, l.first, l.step)
}

// String returns the mean rate.
func (l *livesSchedule) String() string {
	speed := float64(l.speed.Num) / float64(l.speed.Den)
	return fmt.Sprintf("transitions, %.6g/s on average", l.stream.Rate()*speed/float64(l.step))
}
