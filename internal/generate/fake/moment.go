// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// maxMoment is the maximum distance of a time from 1970, in seconds. In nanoseconds, it
// fits in an int64.
const maxMoment = 1 << 33

// moment returns the time in argument i, in nanoseconds since 1970, where those
// without an offset are in the zone of argument z. Unless it is a constant, valid reports
// whether the argument is a time, and must be called first.
func (c *Call) moment(i, z int) (at func(*Record) int64, valid func(*Record) bool, err error) {
	loc, err := c.zone(z)
	if err != nil {
		return nil, nil, err
	}
	arg := c.Args[i]
	t, ok := momentOf(arg.Value, loc)
	at = func(*Record) int64 { return t }
	switch {
	case !arg.Const:
		return at, func(r *Record) (ok bool) { t, ok = momentOf(arg.Gen(r), loc); return ok }, nil
	case !ok:
		return nil, nil, argErr(i, "%s: %s must be seconds since 1970 or a time such as 2026-11-01T08:30:00Z, found %s",
			c.Func.Name, c.Func.Args[i].Name, arg.Value.AppendJSON(nil))
	}
	return at, nil, nil
}

// zone returns the time zone in argument i.
func (c *Call) zone(i int) (*time.Location, error) {
	loc, err := units.ParseZone(c.str(i))
	if err != nil {
		return nil, argErr(i, "%s: unknown time zone %q: expected one such as UTC, +02:00 or Europe/Berlin", c.Func.Name, c.str(i))
	}
	return loc, nil
}

// momentOf returns the time that a value is, in nanoseconds since 1970.
func momentOf(v value.Value, loc *time.Location) (ns int64, ok bool) {
	if v.K == value.String {
		return parseMoment(v.S(), loc)
	}
	return ofSeconds(v)
}

// ofSeconds returns a number of seconds in nanoseconds.
func ofSeconds(v value.Value) (ns int64, ok bool) {
	switch v.K {
	case value.Int:
		return min(max(v.Int(), -maxMoment), maxMoment) * int64(time.Second), true
	case value.Float:
		return value.ToInt(math.Round(min(max(v.Float(), -maxMoment), maxMoment) * 1e9)), !math.IsNaN(v.Float())
	}
	return 0, false
}

// parseMoment parses a time such as 2026-11-01, 2026-11-01 08:30 or
// 2026-11-01T08:30:00.123Z, or with an offset such as +01:00. Without an offset it is a
// time in loc. It does not allocate.
func parseMoment(s string, loc *time.Location) (t int64, ok bool) {
	p := momentText{s, true}
	year, month, day := p.number(4), p.after('-', 2), p.after('-', 2)
	hour, minute, second, nano := 0, 0, 0, 0
	if p.one('T') || p.one(' ') {
		hour, minute = p.number(2), p.after(':', 2)
		if p.one(':') {
			second = p.number(2)
			nano = p.fraction()
		}
		p.one(' ')
	}
	offset, hasOffset := p.offset()
	if !p.ok || p.rest != "" || hour > 23 || minute > 59 || second > 59 || year < 1700 || year > 2240 {
		return 0, false
	}
	if hasOffset {
		loc = time.UTC
	}
	when := time.Date(year, time.Month(month), day, hour, minute, second, nano, loc)
	if hasOffset || loc == time.UTC {
		ok = when.Day() == day && int(when.Month()) == month
	} else {
		ok = month >= 1 && month <= 12 && day >= 1 && day <= time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	}
	return when.UnixNano() - int64(offset)*int64(time.Second), ok
}

// momentText is the rest of a time that is being parsed.
type momentText struct {
	rest string
	ok   bool
}

// one skips a character, and reports whether it is next.
func (p *momentText) one(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// number parses a number with the given number of digits.
func (p *momentText) number(digits int) (n int) {
	for range digits {
		if p.rest == "" || p.rest[0] < '0' || p.rest[0] > '9' {
			p.ok = false
			return 0
		}
		n = n*10 + int(p.rest[0]-'0')
		p.rest = p.rest[1:]
	}
	return n
}

// after parses a number after a character.
func (p *momentText) after(c byte, digits int) int {
	p.ok = p.one(c) && p.ok
	return p.number(digits)
}

// fraction parses the fraction of a second, if there is one, in nanoseconds. It ignores
// digits from the tenth on.
func (p *momentText) fraction() (nano int) {
	if !p.one('.') && !p.one(',') {
		return 0
	}
	n := 0
	for ; p.rest != "" && p.rest[0] >= '0' && p.rest[0] <= '9'; n++ {
		if n < 9 {
			nano = nano*10 + int(p.rest[0]-'0')
		}
		p.rest = p.rest[1:]
	}
	p.ok = p.ok && n > 0
	for ; n < 9; n++ {
		nano *= 10
	}
	return nano
}

// offset parses an offset from UTC, if there is one, in seconds.
func (p *momentText) offset() (seconds int, found bool) {
	if p.one('Z') {
		return 0, true
	}
	sign := 1
	if !p.one('+') {
		if sign = -1; !p.one('-') {
			return 0, false
		}
	}
	h := p.number(2)
	p.one(':')
	m := p.number(2)
	p.ok = p.ok && h <= 23 && m <= 59
	return sign * (h*3600 + m*60), true
}

// span returns the time span in argument i, in nanoseconds, and whether it is one.
func (c *Call) span(i int) (func(*Record) (ns int64, ok bool), error) {
	arg := c.Args[i]
	if !arg.Const {
		return func(r *Record) (int64, bool) { return spanOf(arg.Gen(r)) }, nil
	}
	d, ok := spanOf(arg.Value)
	if !ok {
		return nil, argErr(i, "%s: %s must be a number of seconds or a time span such as 1h30m, found %s", c.Func.Name, c.Func.Args[i].Name, arg.Value.AppendJSON(nil))
	}
	return func(*Record) (int64, bool) { return d, true }, nil
}

// spanOf returns the time span that a value is, in nanoseconds.
func spanOf(v value.Value) (ns int64, ok bool) {
	if v.K == value.String {
		d, err := units.ParseOffset(v.S())
		return int64(d), err == nil
	}
	return ofSeconds(v)
}

// inSeconds returns a time in seconds since 1970: an integer if it can be.
func inSeconds(ns int64) value.Value {
	if ns%int64(time.Second) == 0 {
		return value.OfInt(ns / int64(time.Second))
	}
	return value.OfFloat(float64(ns) / 1e9)
}
