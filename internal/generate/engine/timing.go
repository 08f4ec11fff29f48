// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/clock"
	"github.com/gdummy/gdummy/internal/generate/disorder"
)

// Timing computes the time of a record from the moment at which it was due, or from its
// position in the stream.
type Timing struct {
	Fixed  bool  // all records have the time Offset
	Offset int64 // otherwise what the time is after the moment, in nanoseconds

	// Zero is the moment at which the clock of the records started, and Speed is how fast
	// it has been since then. A Speed of zero is 1.
	Zero  int64
	Speed clock.Speed

	Schedule *clock.Clock   // if not nil, times depend on positions alone
	Disorder *disorder.Plan // nil if there is none
}

// Time returns the time of a record that was due at a moment, if it has no schedule.
func (t *Timing) Time(due int64) int64 {
	if t.Fixed {
		return t.Offset
	}
	at := due + t.Offset
	if t.Speed.Num != t.Speed.Den {
		at = t.Zero + t.Offset + t.scale(due-t.Zero)
	}
	if at = max(at, 0); at > lastMoment {
		return event.MaxTime
	}
	return at
}

// scale returns a time span at the speed of the clock, at most event.MaxTime.
func (t *Timing) scale(d int64) int64 {
	if d < 0 {
		return -min(t.Speed.Scale(-d), event.MaxTime)
	}
	return min(t.Speed.Scale(d), event.MaxTime)
}

// String returns the timing in the form that [parseTiming] reads.
func (t *Timing) String() string {
	switch {
	case t.Fixed:
		return fmt.Sprintf("fixed:%d", t.Offset)
	case t.Schedule != nil:
		return t.Schedule.String()
	case t.Speed.Num != t.Speed.Den:
		return fmt.Sprintf("fast:%d/%d:%d%+d", t.Speed.Num, t.Speed.Den, t.Zero, t.Offset)
	case t.Offset != 0:
		return fmt.Sprintf("due%+d", t.Offset)
	}
	return "due"
}

// parseTiming reads the result of Timing.String.
func parseTiming(text string) (t Timing, err error) {
	kind, rest, _ := strings.Cut(text, ":")
	switch {
	case kind == "fixed":
		t.Fixed = true
		t.Offset, err = strconv.ParseInt(rest, 10, 64)
	case kind == "fast":
		var n int
		n, err = fmt.Sscanf(rest, "%d/%d:%d%d", &t.Speed.Num, &t.Speed.Den, &t.Zero, &t.Offset)
		if n < 4 || t.Speed.Num == 0 || t.Speed.Den == 0 {
			err = strconv.ErrSyntax
		}
	case kind == "due":
	case strings.HasPrefix(text, "due"):
		t.Offset, err = strconv.ParseInt(strings.TrimPrefix(text, "due"), 10, 64)
	default:
		t.Schedule, err = clock.Parse(text)
	}
	if err != nil {
		return Timing{}, fmt.Errorf("unknown clock %q", text)
	}
	return t, nil
}

// timer returns the times of the records of an engine. It is cheapest for records in
// sequence.
type timer struct {
	Timing
	numbering
	next uint64 // the record after that of the last call
	from uint64 // the record of times[0]
	n    uint64 // how many times there are
	buf  [64]int64
}

func newTimer(timing Timing, n numbering) *timer { return &timer{Timing: timing, numbering: n} }

// time returns the time of record k, which was due at a moment.
func (t *timer) time(due int64, k uint64) int64 {
	at := int64(0)
	if t.Schedule == nil {
		at = t.Time(due)
	} else {
		at = t.scheduled(k)
	}
	if t.Disorder != nil {
		at = max(at-t.Disorder.Delay(t.number(k)), 0)
	}
	return at
}

func (t *timer) scheduled(k uint64) int64 {
	if i := k - t.from; i < t.n {
		t.next = k + 1
		return t.buf[i]
	}
	if k != t.next {
		t.next = k + 1
		return t.Schedule.At(t.number(k))
	}
	w := t.Schedule.Walk(t.number(k), t.step)
	w.Fill(t.buf[:])
	t.from, t.n, t.next = k, uint64(len(t.buf)), k+1
	return t.buf[0]
}

// line returns the times of records that were due between two moments as a function of the
// moment: base + slope*moment. ok is false if they are not of that form.
func (t *timer) line(first, last int64) (base, slope int64, ok bool) {
	switch {
	case t.Schedule != nil || t.Disorder != nil:
		return 0, 0, false
	case t.Fixed:
		return t.Offset, 0, true
	}
	return t.Offset, 1, t.Speed.Num == t.Speed.Den && first+t.Offset >= 0 && last+t.Offset <= lastMoment
}
