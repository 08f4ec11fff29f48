// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
)

// continues reports whether words continue a daily segment: its entries are separated
// as segments are.
func continues(last *draft, words []token) bool {
	if last.daily == nil {
		return false
	}
	w := strings.ToLower(words[0].text)
	name, _, _ := strings.Cut(w, "-")
	return w[0] >= '0' && w[0] <= '9' && strings.Contains(w, ":") || slices.Contains(dayNames, name)
}

// entries adds the entries at the start of words to a daily segment, and returns the
// words after them.
func (r *reader) entries(d *draft, words []token) ([]token, error) {
	if d.daily == nil {
		d.daily = &daily{}
	}
	for first := true; len(words) > 0; first = false {
		if _, ok := d.kind.clause(strings.ToLower(words[0].text)); ok && len(d.daily.entries) > 0 {
			break
		}
		if !first {
			if strings.Contains(words[0].text, ":") {
				return nil, r.errorf(words[0].at, "unexpected %s: expected a comma before it", quote(words[0].text))
			}
			return nil, r.stray(d, words[0])
		}
		e := entry{days: allDays}
		if n := len(d.daily.entries); n > 0 {
			e.days = d.daily.entries[n-1].days
		}
		var err error
		for own := uint8(0); !strings.Contains(words[0].text, ":"); {
			if own, err = r.days(own, words[0]); err != nil {
				return nil, err
			}
			e.days = own
			if words = words[1:]; len(words) == 0 {
				return nil, r.errorf(d.end, "missing time of day after the days: expected one such as 09:00")
			}
		}
		if e.at, err = r.clock(words[0]); err != nil {
			return nil, err
		}
		at := words[0]
		if words = words[1:]; len(words) == 0 {
			return nil, r.errorf(d.end, "missing value after %s: expected %s", quote(at.text), expected(Rate))
		}
		if e.rate, err = r.rate(words[0]); err != nil {
			return nil, err
		}
		words = words[1:]
		for _, old := range d.daily.entries {
			if both := old.days & e.days; old.at == e.at && both > 0 {
				return nil, r.errorf(at.at, "duplicate %s on %s: expected one rate for it", quote(at.text), strings.Join(dayWords(both), " "))
			}
		}
		if len(d.daily.entries) == MaxSegments {
			return nil, r.errorf(at.at, "too many times of day: expected at most %d", MaxSegments)
		}
		d.daily.entries = append(d.daily.entries, e)
	}
	if len(d.daily.entries) == 0 {
		return nil, r.errorf(d.end, "incomplete %s: expected a time of day and a rate (%s)", d.kind.Name, d.kind.Syntax())
	}
	return words, nil
}

// days adds a day or a range of days to some days.
func (r *reader) days(days uint8, t token) (uint8, error) {
	from, to, several := strings.Cut(strings.ToLower(t.text), "-")
	i, j := slices.Index(dayNames, from), slices.Index(dayNames, to)
	if !several {
		j = i
	}
	if i < 0 || j < 0 {
		const expected = "expected a time of day such as 09:00, or days such as mon or mon-fri"
		if near := units.Nearest(t.text, dayNames); near != "" && !several {
			return 0, r.nearest(near, t.at, "invalid day %s: %s", quote(t.text), expected)
		}
		return 0, r.errorf(t.at, "invalid time %s: %s", quote(t.text), expected)
	}
	for ; i != j; i = (i + 1) % 7 {
		days |= 1 << i
	}
	return days | 1<<j, nil
}

// clock parses a time of day and returns it in ns after midnight.
func (r *reader) clock(t token) (uint64, error) {
	parts := strings.Split(t.text, ":")
	ns := uint64(0)
	valid := len(parts) == 2 || len(parts) == 3
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) > 2 || i > 0 && (len(part) < 2 || n > 59) || i == 0 && n > 23 || i > 2 {
			valid = false
			break
		}
		ns += n * uint64([]time.Duration{time.Hour, time.Minute, time.Second}[i])
	}
	if !valid {
		return 0, r.errorf(t.at, "invalid time of day %s: expected one from 00:00 to 23:59:59", quote(t.text))
	}
	return ns, nil
}

// modifyDaily applies a modifier that daily segments alone have.
func (r *reader) modifyDaily(p *Profile, m draft, drafts []draft) error {
	v := m.values[0]
	if !slices.ContainsFunc(drafts, func(d draft) bool { return d.daily != nil }) {
		return r.errorf(m.name.at, "%s without daily: expected a segment such as %s", m.kind.Name, quote(kindOf("daily").Example))
	}
	if m.kind.Name == "zone" {
		_, err := units.ParseZone(v.text)
		if err != nil || strings.EqualFold(v.text, "local") {
			return r.errorf(v.at, "unknown time zone %s: expected one such as UTC, +02:00 or Europe/Berlin", quote(v.text))
		}
		p.zone = v.text
		return nil
	}
	moment, err := units.ParseMoment(v.text)
	if err != nil {
		return r.value(v, err)
	}
	if moment.Relative {
		return r.errorf(v.at, "invalid start %s: expected a time such as 2026-11-01T00:00:00+01:00", quote(v.text))
	}
	p.from = &moment.Nanoseconds
	return nil
}

// checkDaily reports the modifiers that do not fit times of day.
func (r *reader) checkDaily(drafts, modifiers []draft) error {
	for i := range drafts {
		if drafts[i].daily == nil {
			continue
		}
		for _, m := range modifiers {
			if name := m.kind.Name; name == "repeat" || name == "stretch" {
				return r.errorf(m.name.at, "%s with daily: its rates depend on the time of day, expected no %s", name, name)
			}
		}
	}
	return nil
}
