// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/clock"
	"github.com/gdummy/gdummy/internal/generate/disorder"
	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/recordid"
)

// CheckDisorder reports the options of disorder whose records have no scheduled time.
// A caller that changes the rate of a configuration calls it again.
func (c *Config) CheckDisorder() (errs option.Errors) {
	const expected = "the records have no scheduled time: expected time_step, a rate other than unlimited, a load_profile, or start_time with end_time and max_records"
	moves := func(name string) {
		switch {
		case c.lives() == nil && c.schedule() == nil && !c.spread() && c.TimeStep == 0:
			errs = append(errs, option.Errorf(name, expected))
		case uint64(c.Template.First) > recordid.MaxSeq/2:
			errs = append(errs, option.Errorf(name, "first_seq is too large: expected at most %d", uint64(recordid.MaxSeq/2)))
		}
	}
	if c.disorder.Shuffle > 0 {
		moves("shuffle_within")
	}
	if c.disorder.Repeat.Share > 0 {
		moves("repeat")
	}
	if c.disorder.Late.Share > 0 && c.Rate.Unlimited && c.TimeStep == 0 && !c.startsAt() {
		errs = append(errs, option.Errorf("late", "with rate unlimited, it requires start_time or time_step"))
	}
	if c.disorder.Late.Share > 0 && c.Replay.Files != "" && c.Replay.Stamp != option.StampNow {
		errs = append(errs, option.Errorf("late", "with replay_stamp %s, the records of a replay have the times of their files: expected replay_stamp now", c.Replay.Stamp))
	}
	if e := c.checkSkew(); e != nil {
		errs = append(errs, e)
	}
	return errs
}

// schedule returns when ticks are due, or nil if that depends on the host or on the
// records themselves.
func (c *Config) schedule() pace.Schedule {
	p := newPlan(c, 0)
	switch {
	case c.profile != nil:
		return c.profile
	case p.bytes || c.timeline || p.sched == nil:
		return nil
	}
	return p.sched
}

// newDisorder returns the plan of a configuration's disorder, or nil if there is none.
// s is the schedule of the times, or nil; limit is the position at which it ends.
func newDisorder(c *Config, s *clock.Clock, limit uint64) *disorder.Plan {
	if !c.disorder.Any() {
		return nil
	}
	key := seed.Combine(seed.Stream(seed.Parse(c.Template.Seed), c.Template.Stream), seed.Text("disorder"))
	return disorder.New(c.disorder, key, s, limit)
}

// moves reports whether records are sent at other places than their own. Their numbers
// are then positions in the stream, also in their identities, and their moments are
// their times.
func (t *Timing) moves() bool { return t.Disorder != nil && t.Disorder.Moves() }

// moving is a source that sends the records of another in the order of a plan.
type moving struct {
	Source
	numbering
	timing Timing
}

// Append implements Source: record k is the one that is delivered at its position.
func (m *moving) Append(dst []byte, form event.Form, _ int64, k uint64) []byte {
	original := m.timing.Disorder.Original(m.number(k))
	return m.Source.Append(dst, form, m.timing.Schedule.At(original), original)
}

// Refresh implements Source.
func (m *moving) Refresh(uint64) { m.Source.Refresh(0) }

// Moves reports whether the records of an origin are sent in another order than that of
// their times. Their identities then have positions in the stream.
func (o *Origin) Moves() bool { return o.Timing.moves() }

// Deliveries returns the records, in the order in which they were sent, that have the
// number of an identity: the first n of them are valid.
func (o *Origin) Deliveries(number uint64) (records [2]uint64, n int) {
	if !o.Moves() {
		return [2]uint64{number}, 1
	}
	positions, m := o.Timing.Disorder.Carriers(number)
	for _, p := range positions[:m] {
		if p >= o.First && (p-o.First)%o.Step == 0 {
			records[n] = (p - o.First) / o.Step
			n++
		}
	}
	return records, n
}

// Original returns the number in the identity of record k.
func (o *Origin) Original(k uint64) uint64 {
	if !o.Moves() {
		return k
	}
	return o.Timing.Disorder.Original(o.First + k*o.Step)
}

// Repeats reports whether record k repeats an earlier one on purpose.
func (o *Origin) Repeats(k uint64) bool {
	return o.Moves() && o.Timing.Disorder.Repeats(o.First+k*o.Step)
}

// Disorder returns the disorder on purpose in words, or "".
func (o *Origin) Disorder() string {
	if o.Timing.Disorder == nil {
		return ""
	}
	return o.Timing.Disorder.Rules.String()
}

func (p *originParser) disorder(t *Timing) {
	text := p.fields["disorder"]
	if text == "" {
		return
	}
	var err error
	if t.Disorder, err = disorder.Parse(text, t.Schedule); err != nil && p.err == nil {
		p.err = fmt.Errorf("field disorder: %w", err)
	}
}
