// SPDX-License-Identifier: Apache-2.0

package units

import (
	"math/big"
	"regexp"
	"strings"
	"time"
)

// MaxMoment is the first moment that no log event can bear: an event time has 32
// bits for its seconds since 1970.
const MaxMoment = int64(1<<32) * int64(time.Second)

const expectedMoment = "a time, such as 2026-11-01T00:00:00+01:00, -24h (before the start) or 1700000000 (seconds since 1970)"

// Moment is a point in time. The zero value is 1970-01-01T00:00:00Z.
type Moment struct {
	Nanoseconds int64 // since 1970, or added to the start if Relative
	Relative    bool
}

// From returns the moment in nanoseconds since 1970, for a run that starts at now.
// It is at least 0 and less than [MaxMoment].
func (m Moment) From(now time.Time) int64 {
	t := m.Nanoseconds
	if m.Relative {
		t += now.UnixNano() // both are below half of what an int64 holds
	}
	return min(max(t, 0), MaxMoment-1)
}

// ParseMoment parses a moment: a date with time and zone as in RFC 3339, a number of
// seconds since 1970, or a time span with a sign, which is relative to the start of
// the run. now is the start itself.
func ParseMoment(text string) (Moment, error) {
	return parsed(text, moment, momentRepairs)
}

func moment(text string) (Moment, *Error) {
	e := &Error{Value: text, Expected: expectedMoment}
	_, digits := sign(text)
	switch {
	case strings.EqualFold(text, "now"):
		return Moment{Relative: true}, nil
	case digits != text:
		// A number alone would be a number of seconds relative to the start, and
		// looks like one since 1970.
		if v, rest := number(digits); v != nil && rest == "" {
			e.Problem = "missing unit after " + text
			e.Meant = []string{text + "s"}
			return Moment{}, e
		}
		d, err := duration(text, true)
		if err != nil {
			err.Expected = "a time span before or after the start, such as -24h or +90s"
			return Moment{}, err
		}
		return Moment{Nanoseconds: int64(d), Relative: true}, nil
	}
	if v, rest := number(text); v != nil && rest == "" {
		return secondsSince1970(v, e)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return Moment{}, e
	}
	if t.Unix() < 0 || t.Unix() >= MaxMoment/int64(time.Second) {
		e.Problem = "event times have 32 bits"
		e.Expected = "a time from 1970-01-01T00:00:00Z to 2106-02-07T06:28:15Z"
		return Moment{}, e
	}
	return Moment{Nanoseconds: t.UnixNano()}, nil
}

func secondsSince1970(v *big.Rat, e *Error) (Moment, *Error) {
	ns, whole, fits := times(v, uint64(time.Second))
	switch {
	case !fits || ns >= uint64(MaxMoment):
		e.Expected = "at most 4294967295 seconds since 1970, which is 2106-02-07T06:28:15Z"
		return Moment{}, e
	case !whole:
		e.Expected = "whole nanoseconds"
		return Moment{}, e
	}
	return Moment{Nanoseconds: int64(ns)}, nil
}

var (
	dateOnly  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	dateSpace = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})[ tT]+(\d{2}:\d{2})(:\d{2}(?:\.\d+)?)? ?(Z|z|[+-]\d{2}:?\d{2})?$`)
)

// momentRepairs returns spellings of a text that may be what was meant.
func momentRepairs(text string) []string {
	if dateOnly.MatchString(text) {
		return []string{text + "T00:00:00Z"}
	}
	if m := dateSpace.FindStringSubmatch(text); m != nil {
		seconds, zone := m[3], m[4]
		if seconds == "" {
			seconds = ":00"
		}
		switch {
		case zone == "" || zone == "z":
			zone = "Z"
		case len(zone) == 5:
			zone = zone[:3] + ":" + zone[3:]
		}
		return []string{m[1] + "T" + m[2] + seconds + zone}
	}
	if d, err := ParseDuration(text); err == nil && d > 0 {
		return []string{"-" + text}
	}
	return nil
}

// FormatMoment returns a moment in its normal form, which [ParseMoment] reads.
func FormatMoment(m Moment) string {
	switch {
	case !m.Relative:
		return time.Unix(0, m.Nanoseconds).UTC().Format(time.RFC3339Nano)
	case m.Nanoseconds == 0:
		return "now"
	case m.Nanoseconds < 0:
		return "-" + FormatDuration(time.Duration(-m.Nanoseconds))
	}
	return "+" + FormatDuration(time.Duration(m.Nanoseconds))
}
