// SPDX-License-Identifier: Apache-2.0

package units

import (
	"fmt"
	"math"
	"math/big"
	"strings"
)

const (
	expectedCount  = "a whole number, such as 5000, 10k or 2M"
	expectedSize   = "a size in bytes, such as 64k, 4M or 1GiB"
	expectedShare  = "a share, such as 5% or 0.1%"
	expectedFactor = "a factor above 0, such as 2 or 0.5"
)

// ParseCount parses a whole number from lo to hi, with an optional multiple and,
// if lo is negative, a sign.
func ParseCount(text string, lo, hi int64) (int64, error) {
	return parsed(text, func(s string) (int64, *Error) { return count(s, lo, hi) }, repairs)
}

func count(text string, lo, hi int64) (int64, *Error) {
	e := &Error{Value: text, Expected: expectedCount}
	v := e.counted()
	if v == nil || !v.IsInt() {
		return 0, e
	}
	n := v.Num()
	if !n.IsInt64() || n.Int64() < lo || n.Int64() > hi {
		e.Expected = fmt.Sprintf("a whole number from %d to %d", lo, hi)
		if lo <= math.MinInt32 {
			e.Expected = fmt.Sprintf("a whole number of at most %d", hi)
		}
		return 0, e
	}
	return n.Int64(), nil
}

// ParseUnsigned parses a whole number of 64 bits, as ParseCount does.
func ParseUnsigned(text string) (uint64, error) {
	e := &Error{Value: text, Expected: expectedCount}
	v := e.counted()
	if v == nil {
		return 0, e
	}
	if n, whole, fits := times(v, 1); whole && fits && v.Sign() >= 0 {
		return n, nil
	}
	e.Expected = fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64))
	return 0, e
}

// counted parses a number with a sign and a multiple. It returns nil for an error.
func (e *Error) counted() *big.Rat {
	negative, digits := sign(e.Value)
	v, name := number(digits)
	if v == nil {
		return nil
	}
	factor, binary := multiple(name)
	e.Offset = len(e.Value) - len(name)
	if factor == 0 || binary {
		e.noMultiple(name, false)
		return nil
	}
	e.Offset = 0
	v = scaled(v, factor)
	if negative {
		v.Neg(v)
	}
	return v
}

// ParseSize parses a size in bytes: a number and an optional multiple, either of
// which may be followed by B. k, M, G and T are powers of 1000 as in Fluent Bit,
// Ki, Mi, Gi and Ti powers of 1024.
func ParseSize(text string) (int64, error) {
	return parsed(text, size, repairs)
}

func size(text string) (int64, *Error) {
	e := &Error{Value: text, Expected: expectedSize}
	negative, digits := sign(text)
	v, name := number(digits)
	switch {
	case v == nil:
		return 0, e
	case negative:
		e.Problem = mustNotBeNegative
		return 0, e
	}
	factor := bytesOf(name)
	if factor == 0 {
		e.Offset = len(text) - len(name)
		e.noMultiple(name, false)
		return 0, e
	}
	return e.whole64(scaled(v, factor), "whole bytes")
}

// whole64 returns v as an integer, if it is one and fits.
func (e *Error) whole64(v *big.Rat, what string) (int64, *Error) {
	n, whole, fits := times(v, 1)
	switch {
	case !fits || n > math.MaxInt64:
		e.Expected = fmt.Sprintf("at most %d bytes", math.MaxInt64)
	case !whole:
		e.Expected = what
	default:
		return int64(n), nil
	}
	return 0, e
}

// bytesOf returns the factor of a multiple of bytes, such as k, KB, KiB or B, or 0. A
// single m is not a multiple, but mb is.
func bytesOf(name string) uint64 {
	if core := strings.TrimRight(name, "Bb"); len(core) == len(name)-1 {
		if core == "m" {
			core = "M"
		}
		name = core
	}
	factor, _ := multiple(name)
	return factor
}

// ParseShare parses a percentage from 0% to 100% and returns it as a part of 1.
func ParseShare(text string) (float64, error) {
	e := &Error{Value: text, Expected: expectedShare}
	_, digits := sign(text)
	v, rest := number(digits)
	if v == nil {
		return 0, e
	}
	hundred := big.NewRat(100, 1)
	if rest != "%" {
		e.Offset = len(text) - len(rest)
		if rest == "" && text == digits && v.Cmp(hundred) <= 0 {
			if v.Sign() > 0 && v.Cmp(big.NewRat(1, 1)) <= 0 {
				e.Meant = append(e.Meant, trimmed(new(big.Rat).Mul(v, hundred))+"%")
			}
			e.Meant = append(e.Meant, text+"%")
		}
		return 0, e
	}
	if strings.HasPrefix(text, "-") || v.Cmp(hundred) > 0 {
		e.Expected = "0% to 100%"
		return 0, e
	}
	f, _ := v.Quo(v, hundred).Float64()
	return f, nil
}

// trimmed returns a number without trailing zeros.
func trimmed(v *big.Rat) string {
	s := v.FloatString(maxNumber)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Factor is a number above 0 that multiplies others.
type Factor struct{ v *big.Rat }

// ParseFactor parses a number above 0.
func ParseFactor(text string) (Factor, error) {
	_, digits := sign(text)
	v, rest := number(digits)
	if v == nil || rest != "" || v.Sign() == 0 || strings.HasPrefix(text, "-") {
		return Factor{}, &Error{Value: text, Expected: expectedFactor}
	}
	return Factor{v}, nil
}

// Times returns the product, rounded down. It reports whether the product is exact, and
// whether it fits.
func (f Factor) Times(n uint64) (product uint64, whole, fits bool) { return times(f.v, n) }

// Fraction returns the factor as num/den in lowest terms, and whether both fit.
func (f Factor) Fraction() (num, den uint64, fits bool) {
	return f.v.Num().Uint64(), f.v.Denom().Uint64(), f.v.Num().IsUint64() && f.v.Denom().IsUint64()
}
