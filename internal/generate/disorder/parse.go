// SPDX-License-Identifier: Apache-2.0

package disorder

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/clock"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// ParseRepeat parses a rule such as "1% within 1000".
func ParseRepeat(text string) (r Repeat, err error) {
	words := strings.Fields(text)
	if len(words) != 3 || !strings.EqualFold(words[1], "within") {
		return r, fmt.Errorf("invalid value %q: expected a share and a number of records, such as 1%% within 1000", text)
	}
	if r.Share, err = units.ParseShare(words[0]); err != nil {
		return Repeat{}, err
	}
	n, err := units.ParseCount(words[2], 2, 1e12)
	if err != nil {
		return Repeat{}, err
	}
	if r.Within = uint64(n); r.Share > MaxRepeat {
		return Repeat{}, fmt.Errorf("invalid value %q: expected at most 20%%", words[0])
	}
	return r, nil
}

// ParseLate parses a rule such as "5% by 10s", "5% by 10s to 10m" or "5% by
// exponential 2m".
func ParseLate(text string) (l Late, err error) {
	words := strings.Fields(text)
	bad := fmt.Errorf("invalid value %q: expected a share and a time, such as 5%% by 10s, 5%% by 10s to 10m or 5%% by exponential 2m", text)
	if len(words) < 3 || !strings.EqualFold(words[1], "by") {
		return l, bad
	}
	if l.Share, err = units.ParseShare(words[0]); err != nil {
		return Late{}, err
	}
	switch {
	case len(words) == 3:
		l.From, err = units.ParseDuration(words[2])
		l.To = l.From
	case len(words) == 4 && strings.EqualFold(words[2], "exponential"):
		l.Mean, err = units.ParseDuration(words[3])
	case len(words) == 5 && strings.EqualFold(words[3], "to"):
		if l.From, err = units.ParseDuration(words[2]); err == nil {
			l.To, err = units.ParseDuration(words[4])
		}
	default:
		return Late{}, bad
	}
	switch {
	case err != nil:
		return Late{}, err
	case l.To < l.From:
		return Late{}, fmt.Errorf("invalid value %q: expected the shorter time first", text)
	case l.To == 0 && l.Mean == 0:
		return Late{}, fmt.Errorf("invalid value %q: expected a time above 0", text)
	}
	return l, nil
}

// String returns the rules as options.
func (r *Rules) String() string {
	var rules []string
	if r.Shuffle > 0 {
		rules = append(rules, "shuffle_within "+units.FormatDuration(r.Shuffle))
	}
	if r.Repeat.Share > 0 {
		rules = append(rules, fmt.Sprintf("repeat %s within %d", share(r.Repeat.Share), r.Repeat.Within))
	}
	if l := &r.Late; l.Share > 0 {
		by := units.FormatDuration(l.From)
		switch {
		case l.Mean > 0:
			by = "exponential " + units.FormatDuration(l.Mean)
		case l.To > l.From:
			by += " to " + units.FormatDuration(l.To)
		}
		rules = append(rules, "late "+share(l.Share)+" by "+by)
	}
	if r.Skew.Within > 0 {
		rules = append(rules, r.Skew.String())
	}
	return strings.Join(rules, ", ")
}

// share returns a share so that units.ParseShare reads the same one.
func share(s float64) string {
	for digits := 1; ; digits++ {
		text := strconv.FormatFloat(100*s, 'f', digits-1, 64) + "%"
		if again, err := units.ParseShare(text); err != nil || again == s || digits > 30 {
			return text
		}
	}
}

// Text returns the plan in the form that [Parse] reads, without its clock.
func (p *Plan) Text() string {
	text := fmt.Sprintf("key %x", p.key)
	if p.limit < pace.Unbounded {
		text += fmt.Sprintf(", limit %d", p.limit)
	}
	if rules := p.Rules.String(); rules != "" {
		text += ", " + rules
	}
	return text
}

// Parse reads the result of [Plan.Text]. c is the clock of the stream.
func Parse(text string, c *clock.Clock) (*Plan, error) {
	p := &Plan{clock: c, limit: pace.Unbounded}
	for rule := range strings.SplitSeq(text, ", ") {
		name, value, _ := strings.Cut(rule, " ")
		var err error
		switch name {
		case "key":
			p.key, err = strconv.ParseUint(value, 16, 64)
		case "limit":
			p.limit, err = strconv.ParseUint(value, 10, 64)
		case "shuffle_within":
			p.Shuffle, err = units.ParseDuration(value)
		case "repeat":
			p.Repeat, err = ParseRepeat(value)
		case "late":
			p.Late, err = ParseLate(value)
		case "skew":
			p.Skew, err = ParseSkew(value)
		default:
			err = fmt.Errorf("unknown rule %q", rule)
		}
		if err != nil {
			return nil, fmt.Errorf("invalid plan of disorder %q: %w", text, err)
		}
	}
	if p.Moves() && c == nil {
		return nil, fmt.Errorf("invalid plan of disorder %q: the records have no schedule", text)
	}
	return p, nil
}
