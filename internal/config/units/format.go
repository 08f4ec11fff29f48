// SPDX-License-Identifier: Apache-2.0

package units

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// FormatCount returns the shortest text that parses as the same number: 1500, 1.5M, 20k.
// Sizes have the same form.
func FormatCount(n int64) string {
	sign, abs := "", uint64(n)
	if n < 0 {
		sign, abs = "-", -abs
	}
	text, name := multipled(abs, 1)
	return sign + text + name
}

// FormatRate returns a text that parses as the same rate.
func FormatRate(r Rate) string {
	per, unit := PerSecond, ""
	switch {
	case r%(PerSecond/1e8) == 0:
	case r%(PerMinute/1e7) == 0:
		per, unit = PerMinute, "/m"
	default:
		per, unit = PerHour, "/h"
	}
	text, name := multipled(uint64(r), uint64(per))
	return text + name + unit
}

// multipled returns n/unit with the largest multiple that needs at most two decimals.
func multipled(n, unit uint64) (text, name string) {
	for _, m := range []struct {
		name string
		size uint64
	}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if n/m.size >= unit && n%(unit*(m.size/100)) == 0 {
			return decimal(n, unit*m.size), m.name
		}
	}
	return decimal(n, unit), ""
}

// decimal returns n/unit, which must have a finite decimal form.
func decimal(n, unit uint64) string {
	return trimmed(new(big.Rat).SetFrac(new(big.Int).SetUint64(n), new(big.Int).SetUint64(unit)))
}

// FormatDuration returns a text that parses as the same time span: 1h30m, 1.8s, 500ms,
// 2d. For a negative time span it returns 0s.
func FormatDuration(d time.Duration) string {
	ns := uint64(max(d, 0))
	if ns == 0 {
		return "0s"
	}
	if ns%86400e9 == 0 {
		return strconv.FormatUint(ns/86400e9, 10) + "d"
	}
	var b strings.Builder
	for _, u := range timeUnits[1:3] {
		if ns >= u.ns {
			b.WriteString(strconv.FormatUint(ns/u.ns, 10) + u.name)
			ns %= u.ns
		}
	}
	switch {
	case ns == 0:
	case ns >= 1e9 || b.Len() > 0:
		b.WriteString(decimal(ns, 1e9) + "s")
	case ns >= 1e6:
		b.WriteString(decimal(ns, 1e6) + "ms")
	case ns >= 1e3:
		b.WriteString(decimal(ns, 1e3) + "us")
	default:
		b.WriteString(strconv.FormatUint(ns, 10) + "ns")
	}
	return b.String()
}

// Plural formats a count and its noun.
func Plural(n uint64, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
