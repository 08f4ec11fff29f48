// SPDX-License-Identifier: Apache-2.0

// Package units is the one grammar of numbers with units: counts, rates, sizes,
// time spans, shares and factors. Options, load profiles, flags, faults and the
// functions of templates read their values with it, so that `10k`, `30/m`, `20M`
// and `1d12h` mean the same wherever they are accepted.
//
// The normal path is one of [ParseCount], [ParseRate], [ParseSize],
// [ParseByteRate], [ParseDuration] and [ParseShare]. Each returns the exact value
// or an [*Error], which names the value, the place in it, what is expected, and
// the spelling that was probably meant. Nothing is rounded: a value that cannot
// be kept exactly is an error.
//
// # Terms
//
// A number is a decimal: 500, 0.1, 1e6. A multiple follows it without a space:
// k, M, G, T are powers of 1000 in every kind of value, Ki, Mi, Gi, Ti powers of
// 1024 in sizes. A lone m is never a million and a lone M never a minute: the
// two are confused too easily.
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
	Problem  string   // what is wrong, unless Expected implies it
	Expected string   // what is expected, with an example
	Meant    []string // correct spellings of what was probably meant
}

// Error returns the error in one line.
func (e *Error) Error() string {
	if e.Value == "" {
		return "empty value: " + e.Text()
	}
	return fmt.Sprintf("invalid value %s: %s", quote(e.Value), e.Text())
}

// Text returns the error without the value, for a caller that shows the value.
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

// quote returns a value in quotes, shortened.
func quote(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}

// The longest number, in bytes, and the largest exponent: far beyond what any
// kind of value can hold, and small enough to compute with.
const (
	maxNumber   = 64
	maxExponent = 64
)

// isDigit reports whether c is a decimal digit.
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number reads the number at the start of s and returns what follows it; v is nil
// if there is none. A sign is not part of it. The exponent is: Helm writes a
// million from its values as 1e+06.
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

// sign takes the sign off a text.
func sign(text string) (negative bool, rest string) {
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		return true, rest
	}
	return false, strings.TrimPrefix(text, "+")
}

// letters returns how many bytes at the start of s are neither digits nor
// punctuation of the grammar: the name of a unit.
func letters(s string) int {
	if i := strings.IndexAny(s, "0123456789./%+- \t"); i >= 0 {
		return i
	}
	return len(s)
}

// noUnit reports an unknown unit, if the name can be one.
func (e *Error) noUnit(name string) {
	if name != "" && name != "M" && !strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) }) {
		e.Problem = "unknown unit " + quote(name)
	}
}

// times returns v*unit if that is a whole number of 64 bits.
func times(v *big.Rat, unit uint64) (n uint64, whole, fits bool) {
	p := new(big.Rat).Mul(v, new(big.Rat).SetInt(new(big.Int).SetUint64(unit)))
	floor := new(big.Int).Quo(p.Num(), p.Denom())
	return floor.Uint64(), p.IsInt(), floor.IsUint64()
}

// The multiples, by their letters.
var multiples = []struct {
	letter byte
	power  uint64 // of 1000
	binary uint64 // of 1024
}{{'k', 1e3, 1 << 10}, {'m', 1e6, 1 << 20}, {'g', 1e9, 1 << 30}, {'t', 1e12, 1 << 40}}

// multiple returns the factor that a name such as k, M or Gi stands for, 1 for the
// empty name and 0 for an unknown one. Case does not matter, but for a lone m.
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

// notBinary returns the power of 1000 for a multiple such as Ki. A lone m is none.
func notBinary(name string) string {
	if name[0] == 'm' {
		return "M"
	}
	return name[:1]
}

// scaled returns v*factor.
func scaled(v *big.Rat, factor uint64) *big.Rat {
	return new(big.Rat).Mul(v, new(big.Rat).SetInt(new(big.Int).SetUint64(factor)))
}

// finish completes an error with the spelling that was probably meant: a repaired
// text that parse accepts, or what parse suggests for it.
func finish(e *Error, parse func(text string) *Error) error {
	for _, text := range repairs(e.Value) {
		if len(e.Meant) > 0 {
			break
		}
		switch again := parse(text); {
		case text == e.Value:
		case again == nil:
			e.Meant = []string{text}
		default:
			e.Meant = again.Meant
		}
	}
	return e
}
