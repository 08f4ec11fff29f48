// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// The clock of a host is known when the record is: a record whose host is skewed is made
// twice, first to know its host.

// hosted returns the time of a record on the clock of its host, which is a field of its
// body.
func (t *timer) hosted(at int64, body []byte) int64 {
	if from, to := msgpack.Member(body, t.Disorder.Skew.Key); to > 0 {
		return t.ahead(at, body[from:to])
	}
	return at
}

// ahead returns a time on the clock of a host.
func (t *timer) ahead(at int64, host []byte) int64 {
	return min(max(at+t.Disorder.Skewed(host), 0), event.MaxTime)
}

// skews reports whether the clocks of hosts are off.
func (t *timer) skews() bool { return t.Disorder != nil && t.Disorder.Skew.Within > 0 }

// time returns the time of record k, which was due at a moment.
func (f *fixed) time(due int64, k uint64) int64 {
	if base, slope, ok := f.timer.line(due, due); ok { // the usual case, without a call
		return base + slope*due
	}
	at := f.timer.time(due, k)
	if f.timer.skews() {
		at = f.timer.hosted(at, f.body(k))
	}
	return at
}

// time returns the time of record k, which was due at a moment.
func (s *templated) time(due int64, k uint64) int64 {
	at := s.timer.time(due, k)
	if !s.skews() {
		return at
	}
	if s.known && s.k == k && s.at == at {
		return s.local
	}
	s.k, s.at, s.known = k, at, true
	s.scratch = s.p.AppendBody(s.scratch[:0], at, s.number(k))
	if key := s.Disorder.Skew.Key; key[0] != '$' {
		s.local = s.hosted(at, s.scratch)
	} else if v, ok := s.p.Variable(key); ok {
		s.scratch = v.AppendText(s.scratch[:0])
		s.local = s.ahead(at, s.scratch)
	} else {
		s.local = at
	}
	return s.local
}

// checkSkew reports a host that records do not have.
func (c *Config) checkSkew() *option.Error {
	key := c.disorder.Skew.Key
	variable := strings.HasPrefix(key, "$")
	switch {
	case key == "":
		return nil
	case c.Rate.Unlimited && c.TimeStep == 0 && !c.startsAt():
		return option.Errorf("skew", "with rate unlimited, it requires start_time or time_step")
	case variable && c.Program == nil:
		return option.Errorf("skew", "invalid value %q: variables require a template", key)
	case variable:
		return unknownVariable(key, c.Program.Variables())
	case c.Program != nil && !c.Program.HasMember(key) || c.Program == nil && !hasMember(c.bodies, key):
		return option.Errorf("skew", "invalid value %q: the records have no such field", key)
	}
	return nil
}

// unknownVariable reports a variable that is none of those of a template.
func unknownVariable(key string, names []string) *option.Error {
	if slices.Contains(names, key) {
		return nil
	}
	e := option.Errorf("skew", "invalid value %q: the template has no such variable", key)
	e.Meant = units.Nearest(key, names)
	return e
}
