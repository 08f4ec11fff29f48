package option

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gdummy/gdummy/internal/body"
	"github.com/gdummy/gdummy/internal/spell"
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
		if dec, ok := body.Unquote(quoted); ok {
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
	return func(c *Config, text string) error {
		v, err := ParseInteger(text, lo, hi)
		if err != nil {
			return err
		}
		*field(c) = v
		return nil
	}
}

// boolean makes the set function of a boolean.
func boolean(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, text string) error {
		v, err := ParseBoolean(text)
		if err != nil {
			return err
		}
		*field(c) = v
		return nil
	}
}

// size makes the set function of a size in bytes.
func size(field func(*Config) *int64) func(*Config, string) error {
	return sizeBetween(0, math.MaxInt64, field)
}

// sizeBetween makes the set function of a size between lo and hi bytes.
func sizeBetween(lo, hi int64, field func(*Config) *int64) func(*Config, string) error {
	return func(c *Config, text string) error {
		v, err := ParseSize(text)
		if err != nil {
			return err
		}
		if v < lo || v > hi {
			return errf("%s is out of range, expected %d to %d bytes", text, lo, hi)
		}
		*field(c) = v
		return nil
	}
}

// span makes the set function of a time span.
func span(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, text string) error {
		v, err := ParseDuration(text)
		if err != nil {
			return err
		}
		*field(c) = v
		return nil
	}
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

// maxRate is the highest rate, per second, that a clock of nanoseconds can give.
const maxRate = 1_000_000_000

// ParseRate reads a rate per second: a decimal number with up to nine digits
// behind the point and an optional suffix k, M or G, or the word unlimited. 0 is
// 1, as in the dummy input.
func ParseRate(text string) (PerSecond, error) {
	if strings.EqualFold(text, "unlimited") {
		return PerSecond{Unlimited: true}, nil
	}
	number, unit := text, uint64(1)
	if n := len(text); n > 0 {
		switch text[n-1] {
		case 'k', 'K':
			number, unit = text[:n-1], 1e3
		case 'm', 'M':
			number, unit = text[:n-1], 1e6
		case 'g', 'G':
			number, unit = text[:n-1], 1e9
		}
	}
	whole, fraction, _ := strings.Cut(number, ".")
	digits := whole + fraction
	switch {
	case text == "":
		return PerSecond{}, errors.New("nothing was given, expected a number per second or unlimited")
	case strings.HasPrefix(number, "-"):
		return PerSecond{}, errf("%s is negative, expected a number per second from 0 on, or unlimited", text)
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return PerSecond{}, errf("%q is not a number per second, nor unlimited", text)
	case len(fraction) > 9:
		return PerSecond{}, errf("%s has more than nine digits behind the point", text)
	}
	den := uint64(1)
	for range fraction {
		den *= 10
	}
	num, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || num > math.MaxUint64/unit || num*unit/den > maxRate {
		return PerSecond{}, errf("%s is out of range, expected at most %d per second, or unlimited", text, maxRate)
	}
	if num == 0 {
		return PerSecond{Num: 1, Den: 1}, nil
	}
	return PerSecond{Num: num * unit, Den: den}, nil
}

// ParseInteger reads a whole number from lo to hi.
func ParseInteger(text string, lo, hi int64) (int64, error) {
	v, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "":
		return 0, errors.New("nothing was given, expected a whole number")
	case errors.Is(err, strconv.ErrRange), err == nil && (v < lo || v > hi):
		switch {
		case lo == math.MinInt32:
			return 0, errf("%s is out of range, expected at most %d", text, hi)
		default:
			return 0, errf("%s is out of range, expected %d to %d", text, lo, hi)
		}
	case err != nil:
		return 0, errf("%q is not a whole number", text)
	}
	return v, nil
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

// ParseSize reads a size in bytes, with Fluent Bit's suffixes: K, M and G (also
// KB, MB, GB; any case) are powers of 1000.
func ParseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "BKMGbkmg")
	unit := int64(1)
	switch suffix := strings.ToUpper(text[len(digits):]); suffix {
	case "", "B":
	case "K", "KB":
		unit = 1e3
	case "M", "MB":
		unit = 1e6
	case "G", "GB":
		unit = 1e9
	default:
		return 0, errf("%q is not a size: the unit %q is unknown, expected K, M or G", text, suffix)
	}
	v, err := strconv.ParseFloat(digits, 64)
	switch {
	case text == "":
		return 0, errors.New("nothing was given, expected a size")
	case strings.Trim(digits, "0123456789.") != "" && strings.HasPrefix(digits, "-") && err == nil:
		return 0, errf("%s is negative, expected a size from 0 on", text)
	case err != nil || strings.Trim(digits, "0123456789.") != "":
		return 0, errf("%q is not a size", text)
	}
	if v *= float64(unit); v >= math.MaxInt64 {
		return 0, errf("%s is out of range", text)
	}
	return int64(v), nil
}

// ParseDuration reads a time span: a number of seconds, or one with units as in
// 500ms, 1.5h, 2d or 1h30m.
func ParseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, errors.New("nothing was given, expected a time span")
	}
	s := text
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		s = strconv.FormatFloat(v, 'f', -1, 64) + "s"
	} else {
		s = strings.ToLower(s)
		if days, ok := strings.CutSuffix(s, "d"); ok {
			v, err := strconv.ParseFloat(days, 64)
			if err != nil {
				return 0, errf("%q is not a time span", text)
			}
			s = strconv.FormatFloat(v*24, 'f', -1, 64) + "h"
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errf("%q is not a time span", text)
	}
	if d < 0 {
		return 0, errf("%s is negative, expected a time span from now on", text)
	}
	return d, nil
}

// Nearest returns the name among names that is most like the one given, or ""
// if none is like it.
func Nearest(given string, names []string) string { return spell.Nearest(given, names) }

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
