package option

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
)

func errf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// unquote removes white space around a text and one pair of quotes that
// Fluent Bit's classic configuration leaves there. Text that needs its quotes
// to mean anything keeps them. origin says where in s a byte of the result
// comes from.
func unquote(s string) (text string, origin func(int) int) {
	text = strings.TrimSpace(s)
	from := strings.Index(s, text)
	shifted := func(offset int) int { return from + offset }
	if len(text) < 2 || text[0] != text[len(text)-1] || text[0] != '"' && text[0] != '\'' {
		return text, shifted
	}
	if text[0] == '"' {
		// "{\"a\":1}" is JSON within a JSON string.
		quoted := text
		if dec, ok := jsonbody.Unquote(quoted); ok {
			inner := strings.TrimSpace(dec)
			skipped := strings.Index(dec, inner)
			return inner, func(offset int) int { return from + escaped(quoted, skipped+offset) }
		}
	}
	inner := strings.TrimSpace(text[1 : len(text)-1])
	from += 1 + strings.Index(text[1:len(text)-1], inner)
	return inner, shifted
}

// escaped returns where in a JSON string stands what gave byte n of its value.
func escaped(quoted string, n int) int {
	at := 1
	for at < len(quoted)-1 {
		size := 1
		if quoted[at] == '\\' {
			size = 2
			if quoted[at+1] == 'u' {
				size = 6
			}
		}
		end := min(at+size, len(quoted)-1)
		dec, err := jsontext.AppendUnquote(nil, `"`+quoted[at:end]+`"`)
		if size == 6 && err != nil { // half of a surrogate pair
			end = min(at+12, len(quoted)-1)
			dec, _ = jsontext.AppendUnquote(nil, `"`+quoted[at:end]+`"`)
		}
		gives := 1
		if size == 6 {
			gives = max(len(dec), 1)
		}
		if n < gives {
			return at
		}
		n -= gives
		at = end
	}
	return at
}

// integer makes the set function of an integer between lo and hi.
func integer(lo, hi int64, field func(*Config) *int64) func(*Config, string) error {
	return value(func(text string) (int64, error) { return units.ParseCount(text, lo, hi) }, field)
}

// value makes the set function of what parse reads.
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

// boolean makes the set function of a boolean.
func boolean(field func(*Config) *bool) func(*Config, string) error {
	return value(ParseBoolean, field)
}

// sizeBetween makes the set function of a size between lo and hi bytes.
func sizeBetween(lo, hi int64, field func(*Config) *int64) func(*Config, string) error {
	return value(func(text string) (int64, error) {
		v, err := units.ParseSize(text)
		if err == nil && (v < lo || v > hi) {
			expected := "a size from " + units.FormatCount(lo) + " to " + units.FormatCount(hi)
			if hi == math.MaxInt64 {
				expected = "a size of at least " + units.FormatCount(lo)
			}
			err = &units.Error{Value: text, Problem: "the value is out of range", Expected: expected}
		}
		return v, err
	}, field)
}

// span makes the set function of a time span.
func span(field func(*Config) *time.Duration) func(*Config, string) error {
	return value(units.ParseDuration, field)
}

// choice makes the set function of an option with a few words to choose from.
func choice[T ~string](field func(*Config) *T, words ...T) func(*Config, string) error {
	return func(c *Config, text string) error {
		names := make([]string, len(words))
		for i, w := range words {
			if strings.EqualFold(text, string(w)) {
				*field(c) = w
				return nil
			}
			names[i] = string(w)
		}
		return &nearError{errf("%q is not one of %s", text, strings.Join(names, ", ")), Nearest(text, names)}
	}
}

// nearError is a mistake in a word, with the one that was probably meant, or "".
type nearError struct {
	error
	near string
}

// PerSecond is a rate as a fraction, so that 0.1 and 333.3 are exact.
type PerSecond struct {
	Num, Den  uint64 // Num/Den per second
	Unlimited bool   // then the fraction says nothing
}

// ParseRate reads a rate, or the word unlimited. 0 is 1 per second, as in the
// dummy input.
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
		if near := Nearest(text, []string{unlimited}); near != "" {
			e.Meant = []string{near}
		}
		return PerSecond{}, e
	case rate == 0:
		return PerSecond{Num: 1, Den: 1}, nil
	}
	num, den := rate.Fraction()
	return PerSecond{Num: num, Den: den}, nil
}

// ParseBoolean reads a boolean in Fluent Bit's spellings.
func ParseBoolean(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "on", "true", "yes":
		return true, nil
	case "off", "false", "no":
		return false, nil
	case "":
		return false, errors.New("nothing was given, expected on or off")
	}
	return false, errf("%q is neither on nor off (nor true, false, yes, no)", text)
}

// Nearest returns the name among names that is most like the one given, or ""
// if none is like it.
func Nearest(given string, names []string) string { return units.Nearest(given, names) }

// Names returns the names of all options, in the table's order.
func Names() []string {
	names := make([]string, len(Table))
	for i := range Table {
		names[i] = Table[i].Name
	}
	return names
}

// Unknown returns the mistake of a name that no option has. known are the names that
// it may have been meant for; given reports whether one of them is set already.
func Unknown(name, value string, known []string, given func(name string) bool) *Error {
	e := &Error{Option: name, Value: value, Problem: "there is no such option"}
	switch near := Nearest(name, known); {
	case near == "":
	case given(near):
		e.Problem += "; the nearest one is " + near + ", which is set already"
	default:
		e.Want = near
	}
	return e
}
