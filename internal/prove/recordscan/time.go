// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Time parses a time in one of the common forms: seconds, milliseconds, microseconds or
// nanoseconds since 1970, distinguished by their size, with an optional fraction; or RFC
// 3339, also with a space instead of the T, and without a zone, which means UTC. It
// returns nanoseconds since 1970, or 0 if text is not a time.
func Time(text []byte) int64 {
	if len(text) == 0 || len(text) > 40 {
		return 0
	}
	whole, fraction, digits := int64(0), int64(0), 0
	i := 0
	for ; i < len(text) && isDigit(text[i]); i++ {
		if whole > math.MaxInt64/10-1 {
			return 0
		}
		whole = whole*10 + int64(text[i]-'0')
	}
	if i > 0 && i < len(text) && text[i] == '.' {
		for i++; i < len(text) && isDigit(text[i]); i++ {
			if digits < 9 {
				fraction = fraction*10 + int64(text[i]-'0')
				digits++
			}
		}
	}
	if i == len(text) {
		return since1970(whole, fraction, digits)
	}
	if f, err := strconv.ParseFloat(string(text), 64); err == nil {
		return seconds(f) // with an exponent
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(form, string(text)); err == nil {
			return plausible(t)
		}
	}
	return 0
}

// since1970 returns the time whole.fraction, where fraction has the given number of
// digits, in the unit for which it lies between 1973 and 5138.
func since1970(whole, fraction int64, digits int) int64 {
	unit := unitOf(float64(whole))
	if unit == 0 || whole > math.MaxInt64/unit {
		return 0
	}
	part := fraction * unit
	for range digits {
		part /= 10
	}
	return whole*unit + part
}

// unitOf returns the unit, in nanoseconds, of a count since 1970, or 0 if the count is too
// small.
func unitOf(count float64) int64 {
	switch {
	case count < 1e8:
		return 0
	case count < 1e11:
		return int64(time.Second)
	case count < 1e14:
		return int64(time.Millisecond)
	case count < 1e17:
		return int64(time.Microsecond)
	}
	return 1
}

func seconds(f float64) int64 {
	ns := f * float64(unitOf(f))
	if !(ns > 0 && ns < math.MaxInt64) {
		return 0
	}
	return int64(ns)
}

func plausible(t time.Time) int64 {
	if y := t.Year(); y < 1973 || y > 2261 {
		return 0
	}
	return t.UnixNano()
}

// PackedTime is like [Time] for a value of MessagePack: a number, a string, or Fluent Bit's
// extension.
func PackedTime(b []byte) int64 {
	switch msgp.NextType(b) {
	case msgp.StrType:
		s, _, _ := msgp.ReadStringZC(b) // nil after an error
		return Time(s)
	case msgp.Float64Type, msgp.Float32Type:
		f, _, _ := msgp.ReadFloat64Bytes(b) // 0 after an error
		return seconds(f)
	case msgp.IntType, msgp.UintType:
		if n, _, err := msgp.ReadInt64Bytes(b); err == nil && n > 0 {
			return since1970(n, 0, 0)
		}
	default:
		if len(b) == 10 && b[0] == 0xd7 && b[1] == 0 {
			return int64(binary.BigEndian.Uint32(b[2:]))*int64(time.Second) + int64(binary.BigEndian.Uint32(b[6:]))
		}
	}
	return 0
}
