// SPDX-License-Identifier: Apache-2.0

package option

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gdummy/gdummy/internal/config/units"
)

// unquote removes surrounding white space and one pair of quotes, which Fluent Bit's
// classic configuration keeps. origin returns the offset in s of a byte of the result.
func unquote(s string) (text string, origin func(int) int) {
	text = strings.TrimSpace(s)
	from := strings.Index(s, text)
	shifted := func(offset int) int { return from + offset }
	if len(text) < 2 || text[0] != text[len(text)-1] || text[0] != '"' && text[0] != '\'' {
		return text, shifted
	}
	if text[0] == '"' {
		// "{\"a\":1}" is JSON within a JSON string.
		if value, origins, ok := decode(text); ok {
			inner := strings.TrimSpace(value)
			skipped := strings.Index(value, inner)
			return inner, func(offset int) int { return from + origins[min(skipped+offset, len(value))] }
		}
	}
	inner := strings.TrimSpace(text[1 : len(text)-1])
	from += 1 + strings.Index(text[1:len(text)-1], inner)
	return inner, shifted
}

// decode returns the value of a JSON string, and the offset in quoted of each byte of the
// value and of its end. It keeps bytes that JSON does not allow in a string. ok reports
// whether quoted is one string.
func decode(quoted string) (value string, origins []int, ok bool) {
	var b []byte
	end := len(quoted) - 1
	for at := 1; at < end; {
		size := 1
		switch quoted[at] {
		case '"':
			return "", nil, false
		case '\\':
			size = 2
			if strings.HasPrefix(quoted[at+1:], "u") {
				size = 6
			}
			if at+size > end {
				return "", nil, false
			}
			piece, err := jsontext.AppendUnquote(nil, `"`+quoted[at:at+size]+`"`)
			if err != nil && size == 6 && at+12 <= end { // half of a surrogate pair
				if pair, pairErr := jsontext.AppendUnquote(nil, `"`+quoted[at:at+12]+`"`); pairErr == nil {
					piece, err, size = pair, nil, 12
				}
			}
			if err != nil && string(piece) != "\ufffd" {
				return "", nil, false
			}
			b = append(b, piece...)
		default:
			b = append(b, quoted[at])
		}
		for len(origins) < len(b) {
			origins = append(origins, at)
		}
		at += size
	}
	return string(b), append(origins, end), true
}

// integer returns the set function of an integer from lo to hi.
func integer(lo, hi int64, field func(*Config) *int64) func(*Config, string) error {
	return value(func(text string) (int64, error) { return units.ParseCount(text, lo, hi) }, field)
}

// value returns the set function of a value that parse parses.
func value[T any](parse func(string) (T, error), field func(*Config) *T) func(*Config, string) error {
	return func(c *Config, text string) error {
		v, err := parse(text)
		if err != nil {
			return err
		}
		*field(c) = v
		return nil
	}
}

// boolean returns the set function of a boolean.
func boolean(field func(*Config) *bool) func(*Config, string) error {
	return value(ParseBoolean, field)
}

// sizeBetween returns the set function of a size from lo to hi bytes.
func sizeBetween(lo, hi int64, field func(*Config) *int64) func(*Config, string) error {
	return value(func(text string) (int64, error) {
		v, err := units.ParseSize(text)
		if err == nil && (v < lo || v > hi) {
			expected := "a size from " + units.FormatCount(lo) + " to " + units.FormatCount(hi)
			if hi == math.MaxInt64 {
				expected = "a size of at least " + units.FormatCount(lo)
			}
			err = &units.Error{Value: text, Expected: expected}
		}
		return v, err
	}, field)
}

// span returns the set function of a time span.
func span(field func(*Config) *time.Duration) func(*Config, string) error {
	return value(units.ParseDuration, field)
}

// moment makes the set function of a moment that may be absent.
func moment(field func(*Config) **units.Moment) func(*Config, string) error {
	return func(c *Config, text string) error {
		*field(c) = nil
		if text == "" {
			return nil
		}
		m, err := units.ParseMoment(text)
		if err == nil {
			*field(c) = &m
		}
		return err
	}
}

// choice returns the set function of a Choice.
func choice[T ~string](field func(*Config) *T) func(*Config, string) error {
	return func(c *Config, text string) error {
		*field(c) = T(text)
		return nil
	}
}

// words returns the words of a choice as strings.
func words[T ~string](choices ...T) []string {
	texts := make([]string, len(choices))
	for i, c := range choices {
		texts[i] = string(c)
	}
	return texts
}

// nearError is an error in a word, with the nearest valid word, or "".
type nearError struct {
	error
	near string
}

// PerSecond is a rate as a fraction, so that 0.1 and 333.3 are exact.
type PerSecond struct {
	Num, Den  uint64 // Num/Den per second
	Unlimited bool   // then the fraction is unused
}

// Ratio is a factor as a fraction, in lowest terms.
type Ratio struct{ Num, Den uint64 }

// One reports whether the factor changes nothing.
func (r Ratio) One() bool { return r.Num == r.Den }

// maxSpeed is the highest speed of the records' clock: a century in half an hour.
const maxSpeed = 2e6

// parseTimeSpeed reads the speed of the records' clock.
func parseTimeSpeed(text string) (Ratio, error) {
	f, err := units.ParseFactor(text)
	if err != nil {
		return Ratio{}, err
	}
	num, den, fits := f.Fraction()
	if !fits || den > 1e6 || num/den > maxSpeed || num > den*maxSpeed {
		return Ratio{}, &units.Error{Value: text, Expected: "at most 2M, and at most 6 decimals"}
	}
	return Ratio{num, den}, nil
}

// parseTimeStep reads the step of the records' clock: records of no step would all have
// the same time. An empty text is the default, no step.
func parseTimeStep(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := units.ParseDuration(text)
	if err == nil && d == 0 {
		err = &units.Error{Value: text, Expected: "a time above 0; with fixed_timestamp, all records have the same time"}
	}
	return d, err
}

// ParseRate parses a rate, or the word unlimited. 0 means 1 per second, as in the dummy
// input.
func ParseRate(text string) (PerSecond, error) {
	const unlimited = "unlimited"
	if strings.EqualFold(text, unlimited) {
		return PerSecond{Unlimited: true}, nil
	}
	rate, err := units.ParseRate(text)
	var e *units.Error
	switch {
	case errors.As(err, &e):
		if e.Offset == 0 || strings.Contains(e.Expected, ", such as") {
			e.Expected += ", or " + unlimited
		}
		if near := units.Nearest(text, []string{unlimited}); near != "" {
			e.Meant = []string{near}
		}
		return PerSecond{}, e
	case rate == 0:
		return PerSecond{Num: 1, Den: 1}, nil
	}
	num, den := rate.Fraction()
	return PerSecond{Num: num, Den: den}, nil
}

// ParseBoolean parses a boolean in Fluent Bit's spellings.
func ParseBoolean(text string) (bool, error) {
	on, ok := units.ParseBool(text)
	if !ok {
		return false, fmt.Errorf("invalid value %q: expected on or off (or true, false, yes, no)", text)
	}
	return on, nil
}

// Names returns the names of all options, in the order of the table.
func Names() []string {
	names := make([]string, len(Table))
	for i := range Table {
		names[i] = Table[i].Name
	}
	return names
}

// Unknown returns the error for a name that is not an option. known are the valid names,
// and given reports whether one of them is already set.
func Unknown(name, value string, known []string, given func(name string) bool) *Error {
	e := &Error{Option: name, Value: value, Problem: "unknown option"}
	switch near := units.Nearest(name, known); {
	case near == "":
	case given(near):
		e.Hint = "did you mean " + near + ", which is set already?"
	default:
		e.Meant = near
	}
	return e
}
