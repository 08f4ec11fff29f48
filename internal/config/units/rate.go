// SPDX-License-Identifier: Apache-2.0

package units

import (
	"math/big"
	"strings"
)

// Rate is a number of events per time, in quanta: a quantum is a millionth of an
// event per hour. Sums and comparisons of rates are exact.
type Rate uint64

// Quanta is one per second, in quanta.
const Quanta = 3600e6

// One per hour, minute and second, and the maximum: one per nanosecond.
const (
	PerSecond Rate = Quanta
	PerMinute      = PerSecond / 60
	PerHour        = PerMinute / 60
	MaxRate        = 1e9 * PerSecond
)

const (
	expectedRate     = "records per second, such as 500, 1.5k or 30/m"
	expectedByteRate = "bytes per second, such as 500k, 10M or 600MB/m"
)

// Fraction returns the rate as num/den per second, in lowest terms.
func (r Rate) Fraction() (num, den uint64) {
	f := big.NewRat(0, 1).SetFrac(new(big.Int).SetUint64(uint64(r)), big.NewInt(int64(PerSecond)))
	return f.Num().Uint64(), f.Denom().Uint64()
}

// Float returns the rate per second.
func (r Rate) Float() float64 { return float64(r) / float64(PerSecond) }

// ParseRate parses a rate from 0 to [MaxRate]: a number, an optional multiple, and
// an optional /s, /m or /h.
func ParseRate(text string) (Rate, error) {
	return parsed(text, rate, repairs)
}

func rate(text string) (Rate, *Error) {
	e := &Error{Value: text, Expected: expectedRate}
	v, name, per, ok := e.fraction()
	if !ok {
		return 0, e
	}
	factor, binary := multiple(name)
	if factor == 0 || binary {
		e.noMultiple(name, true)
		return 0, e
	}
	e.Offset = 0
	n, whole, fits := times(scaled(v, factor), uint64(per))
	switch {
	case !fits || Rate(n) > MaxRate:
		e.Expected = "at most 1G per second"
		return 0, e
	case !whole:
		e.Expected = "a multiple of 0.000001/h or of 0.00000001/s"
		return 0, e
	}
	return Rate(n), nil
}

// ParseByteRate parses a rate in bytes: a size with an optional /s, /m or /h. It must be
// a whole number per second.
func ParseByteRate(text string) (int64, error) {
	return parsed(text, byteRate, repairs)
}

func byteRate(text string) (int64, *Error) {
	e := &Error{Value: text, Expected: expectedByteRate}
	v, name, per, ok := e.fraction()
	if !ok {
		return 0, e
	}
	factor := bytesOf(name)
	if factor == 0 {
		e.noMultiple(name, true)
		return 0, e
	}
	e.Offset = 0
	return e.whole64(new(big.Rat).Quo(scaled(v, factor), big.NewRat(int64(PerSecond/per), 1)), "whole bytes per second")
}

// fraction parses a number, the name of its multiple, and the unit after a slash, which is
// a second without one. It sets Offset to that of the name.
func (e *Error) fraction() (v *big.Rat, name string, per Rate, ok bool) {
	text := e.Value
	negative, digits := sign(text)
	v, after := number(digits)
	switch {
	case v == nil:
		return nil, "", 0, false
	case negative:
		e.Problem = mustNotBeNegative
		return nil, "", 0, false
	}
	name, unit, slash := strings.Cut(after, "/")
	e.Offset = len(text) - len(after)
	per = PerSecond
	if slash {
		switch unit {
		case "s":
		case "m":
			per = PerMinute
		case "h":
			per = PerHour
		default:
			e.Offset += len(name)
			e.Expected = "/s, /m or /h"
			return nil, "", 0, false
		}
	}
	return v, name, per, true
}
