// SPDX-License-Identifier: Apache-2.0

// Package units parses and formats numbers with units: counts, rates, sizes, time
// spans, shares and factors. Options, load profiles, flags, faults and template
// functions use it, so that `10k`, `30/m`, `20M` and `1d12h` have the same meaning
// everywhere.
//
// The normal path is one of [ParseCount], [ParseRate], [ParseSize],
// [ParseByteRate], [ParseDuration] and [ParseShare]. Each returns the exact value
// or an [*Error] with the value, the position, what is expected, and probable correct
// spellings. Values are never rounded: a value that cannot be represented exactly is
// an error.
//
// # Terms
//
// A number is a decimal: 500, 0.1, 1e6. A multiple follows it without a space:
// k, M, G, T are powers of 1000 in every kind of value, Ki, Mi, Gi, Ti powers of
// 1024 in sizes. A single m is never a million, and a single M is never a minute,
// because they are easily confused.
package units

import (
	"fmt"
	"math/big"
	"strings"
	"unicode"
)

// Error is an error in a value.
type Error struct {
	Value    string   // as given
	Offset   int      // of the error in Value, in bytes
	Problem  string   // the error, unless Expected implies it
	Expected string   // the valid values, with an example
	Meant    []string // probable correct spellings
}

// Error returns the error in one line.
func (e *Error) Error() string {
	if e.Value == "" {
		return "empty value: " + e.Text()
	}
	return fmt.Sprintf("invalid value %s: %s", quote(e.Value), e.Text())
}

// Text returns the error without the value, for callers that show the value themselves.
func (e *Error) Text() string {
	text := "expected " + e.Expected
	if e.Problem != "" {
		text = e.Problem + ": " + text
	}
	if len(e.Meant) > 0 {
		text += "; did you mean " + strings.Join(e.Meant, " or ") + "?"
	}
	return text
}

// mustNotBeNegative is the Problem of a negative value.
const mustNotBeNegative = "must not be negative"

// ParseBool parses a boolean in the spellings of Fluent Bit: on, true and yes, and off,
// false and no, in any case. ok is false for other texts.
func ParseBool(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "on", "true", "yes":
		return true, true
	case "off", "false", "no":
		return false, true
	}
	return false, false
}

// quote returns a value in quotes, shortened.
func quote(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}

// The maximum length of a number, in bytes, and the maximum exponent: far beyond the
// range of any kind of value, and small enough to compute with.
const (
	maxNumber   = 64
	maxExponent = 64
)

// isDigit reports whether c is a decimal digit.
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number parses the number at the start of s and returns the rest of s. v is nil if there
// is not a number. It accepts an exponent, since Helm writes a million as 1e+06, but no sign.
func number(s string) (v *big.Rat, rest string) {
	i, digits, point := 0, 0, false
	for ; i < len(s); i++ {
		switch {
		case isDigit(s[i]):
			digits++
			continue
		case s[i] == '.' && !point:
			point = true
			continue
		}
		break
	}
	if digits == 0 || i > maxNumber {
		return nil, s
	}
	end := i
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		exponent, from := 0, j
		for ; j < len(s) && isDigit(s[j]); j++ {
			exponent = min(10*exponent+int(s[j]-'0'), maxExponent+1)
		}
		if exponent > maxExponent {
			return nil, s
		}
		if j > from {
			end = j
		}
	}
	v, ok := new(big.Rat).SetString(s[:end])
	if !ok {
		return nil, s
	}
	return v, s[end:]
}

// sign removes the sign of a text.
func sign(text string) (negative bool, rest string) {
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		return true, rest
	}
	return false, strings.TrimPrefix(text, "+")
}

// letters returns the length of the name of a unit at the start of s: of all bytes that
// are neither digits nor punctuation.
func letters(s string) int {
	if i := strings.IndexAny(s, "0123456789./%+- \t"); i >= 0 {
		return i
	}
	return len(s)
}

// noMultiple reports a name at Offset that is not a multiple: m, which has other
// meanings, a power of 1024, or an unknown one. A rate may be per minute.
func (e *Error) noMultiple(name string, rate bool) {
	before, after := e.Value[:e.Offset], e.Value[e.Offset+len(name):]
	_, binary := multiple(name)
	switch {
	case name == "m" && rate && after == "":
		e.Expected = "M for millions or /m for a rate per minute"
		e.Meant = []string{before + "M (" + before + " million per second)", before + "/m (" + before + " per minute)"}
	case name == "m":
		e.Expected = "M for millions"
		e.Meant = []string{before + "M" + after}
	case binary:
		e.Expected = "k, M, G or T, the powers of 1000"
		e.Meant = []string{before + strings.Replace(name[:1], "m", "M", 1) + after}
	default:
		e.noUnit(name)
	}
}

// noUnit reports an unknown unit, if the name could be one.
func (e *Error) noUnit(name string) {
	if name != "" && name != "M" && !strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) }) {
		e.Problem = "unknown unit " + quote(name)
	}
}

// times returns v*unit if that is a whole number of 64 bits.
func times(v *big.Rat, unit uint64) (n uint64, whole, fits bool) {
	p := scaled(v, unit)
	floor := new(big.Int).Quo(p.Num(), p.Denom())
	return floor.Uint64(), p.IsInt(), floor.IsUint64()
}

// The multiples, by letter.
var multiples = []struct {
	letter byte
	power  uint64 // of 1000
	binary uint64 // of 1024
}{{'k', 1e3, 1 << 10}, {'m', 1e6, 1 << 20}, {'g', 1e9, 1 << 30}, {'t', 1e12, 1 << 40}}

// multiple returns the factor of a name such as k, M or Gi, 1 for the empty name, and 0
// for an unknown name. It ignores case, except that of a single m.
func multiple(name string) (factor uint64, binary bool) {
	if name == "" {
		return 1, false
	}
	if name == "m" {
		return 0, false
	}
	lower := strings.ToLower(name)
	for _, m := range multiples {
		switch {
		case lower[0] != m.letter:
		case len(lower) == 1:
			return m.power, false
		case lower[1:] == "i":
			return m.binary, true
		}
	}
	return 0, false
}

// scaled returns v*factor.
func scaled(v *big.Rat, factor uint64) *big.Rat {
	return new(big.Rat).Mul(v, new(big.Rat).SetInt(new(big.Int).SetUint64(factor)))
}

// parsed returns the result of parse. It adds probable correct spellings to an error:
// repairs of the text that parse accepts, or its suggestions for them.
func parsed[T any](text string, parse func(text string) (T, *Error), repairs func(text string) []string) (T, error) {
	v, e := parse(text)
	if e == nil {
		return v, nil
	}
	for _, meant := range repairs(text) {
		if len(e.Meant) > 0 {
			break
		}
		switch _, again := parse(meant); {
		case meant == text:
		case again == nil:
			e.Meant = []string{meant}
		default:
			e.Meant = again.Meant
		}
	}
	return v, e
}
