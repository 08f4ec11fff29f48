// SPDX-License-Identifier: Apache-2.0

package units

import (
	"math/big"
	"slices"
	"strings"
	"time"
)

// MaxDuration is the longest time span: a hundred years.
const MaxDuration = 36500 * 24 * time.Hour

const expectedDuration = "a time span, such as 10 (seconds), 500ms, 1h30m or 2d"

// timeUnits are the units of time, beginning with the largest.
var timeUnits = []struct {
	name string
	ns   uint64
}{
	{"d", 86400e9}, {"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3}, {"ns", 1},
}

// ParseDuration parses a time span: a number of seconds, or one or more numbers
// with a unit each, as in 500ms, 1h30m or 1d12h. It is neither negative nor finer
// than a nanosecond, nor longer than [MaxDuration].
func ParseDuration(text string) (time.Duration, error) {
	return parsed(text, func(s string) (time.Duration, *Error) { return duration(s, false) }, repairs)
}

// ParseOffset parses a time span that may be negative, as in -1h30m.
func ParseOffset(text string) (time.Duration, error) {
	return parsed(text, func(s string) (time.Duration, *Error) { return duration(s, true) }, repairs)
}

func duration(text string, signed bool) (time.Duration, *Error) {
	e := &Error{Value: text, Expected: expectedDuration}
	negative, digits := sign(text)
	if signed {
		e.Expected = "a time span, such as 500ms, 1h30m or -2d"
	} else if negative {
		if v, _ := number(digits); v != nil {
			e.Problem = mustNotBeNegative
		}
		return 0, e
	}
	sum := new(big.Rat)
	for rest := digits; ; {
		e.Offset = len(text) - len(rest)
		v, after := number(rest)
		if v == nil {
			return 0, e
		}
		n := letters(after)
		name := after[:n]
		unit := timeUnit(name)
		switch {
		case name == "" && len(after) == 0 && rest == digits:
			unit = 1e9 // seconds
		case unit == 0:
			if name == "" && after == "" {
				e.Problem = "missing unit after " + rest
				e.Meant = nextUnit(text, digits)
			} else {
				e.Offset = len(text) - len(after)
				e.noUnit(name)
				e.Meant = otherUnit(text[:len(text)-len(after)], name, after[n:], v)
			}
			return 0, e
		}
		sum.Add(sum, scaled(v, unit))
		if rest = after[n:]; rest == "" {
			break
		}
	}
	e.Offset = 0
	ns, whole, fits := times(sum, 1)
	switch {
	case !fits || ns > uint64(MaxDuration):
		e.Expected = "at most " + FormatDuration(MaxDuration)
		return 0, e
	case !whole:
		e.Expected = "whole nanoseconds"
		return 0, e
	case negative:
		return -time.Duration(ns), nil
	}
	return time.Duration(ns), nil
}

// timeUnit returns a unit in ns, or 0. It ignores case, but M is not a minute, because
// it also means million or month.
func timeUnit(name string) uint64 {
	if name == "M" {
		return 0
	}
	for _, u := range timeUnits {
		if strings.EqualFold(name, u.name) {
			return u.ns
		}
	}
	return 0
}

// nextUnit adds the next smaller unit to a text that ends in a number: 1h30m for 1h30.
func nextUnit(text, digits string) []string {
	last := strings.TrimRight(digits, "0123456789.")
	for i, u := range timeUnits[:len(timeUnits)-1] {
		if strings.HasSuffix(strings.ToLower(last), u.name) && letters(last[len(last)-len(u.name):]) == len(u.name) &&
			(len(last) == len(u.name) || isDigit(last[len(last)-len(u.name)-1])) {
			return []string{text + timeUnits[i+1].name}
		}
	}
	return nil
}

// otherUnit returns suggestions for an unknown unit at the end of a time span: weeks,
// months and years are converted to days.
func otherUnit(before, name, after string, v *big.Rat) []string {
	if after != "" {
		return nil
	}
	days := uint64(0)
	switch {
	case name == "M":
		return append([]string{before + "m (minutes)"}, inDays(before, v, 30, " (days)")...)
	case plural(name, "w", "wk", "week"):
		days = 7
	case plural(name, "mo", "mon", "mth", "month"):
		days = 30
	case plural(name, "y", "yr", "year"):
		days = 365
	default:
		return nil
	}
	return inDays(before, v, days, "")
}

// inDays returns a time span in days, if it is the entire text.
func inDays(before string, v *big.Rat, days uint64, note string) []string {
	if first, rest := number(before); first == nil || rest != "" {
		return nil
	}
	ns, whole, fits := times(v, days*86400e9)
	if !whole || !fits || ns == 0 || ns > uint64(MaxDuration) {
		return nil
	}
	return []string{FormatDuration(time.Duration(ns)) + note}
}

// plural reports whether a name is one of the others, or its plural.
func plural(name string, others ...string) bool {
	return slices.Contains(others, strings.TrimSuffix(strings.ToLower(name), "s"))
}
