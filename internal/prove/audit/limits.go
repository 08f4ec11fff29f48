// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strconv"
	"time"
)

// Limits are how much of each fault is forgiven.
type Limits struct {
	Lost, Withheld, Duplicates, Damaged, Shortfall uint64

	// Negative values are no limit. One of Unknown is exceeded as well by a
	// stream whose end is unknown.
	Reordered, Foreign, Unknown, Unchecked int64

	// Broken are pieces that could not be read. A negative value makes them a
	// fault unless ledgers prove that all arrived.
	Broken int64

	P99 time.Duration // latency; 0 is no limit
}

// Faults returns what is above the limits, one line each; none is a clean
// verdict. What is only unknown is no fault unless a limit says so.
func (l Limits) Faults(v *Verdict) []string {
	var f []string
	if what := v.nothing(); what != "" {
		f = append(f, "nothing was audited: "+what)
	}
	over := func(name string, got, limit uint64) {
		switch {
		case got <= limit:
		case limit == 0:
			f = append(f, fmt.Sprintf("%s %s", Grouped(got), name))
		default:
			f = append(f, fmt.Sprintf("%s %s, more than %s", Grouped(got), name, Grouped(limit)))
		}
	}
	over("lost", v.Lost, l.Lost)
	over("withheld", v.Withheld, l.Withheld)
	over("duplicates", v.Duplicates, l.Duplicates)
	over("damaged", v.Damaged, l.Damaged)
	over("short of the rate", v.Shortfall.N, l.Shortfall)
	for _, x := range []struct {
		name  string
		got   uint64
		limit int64
	}{{"reordered", v.Reordered, l.Reordered}, {"foreign", v.Foreign, l.Foreign}, {"unknown", v.Unknown, l.Unknown}, {"unchecked", v.Unchecked, l.Unchecked}} {
		if x.limit >= 0 {
			over(x.name, x.got, uint64(x.limit))
		}
	}
	if l.Unknown >= 0 {
		f = append(f, v.ends()...) // how much that is, nobody knows either
	}
	if broken := l.Broken; broken >= 0 || !v.Proven() {
		what := "pieces could not be read"
		if v.Broken == 1 {
			what = "piece could not be read"
		}
		over(what, v.Broken, uint64(max(broken, 0)))
	}
	if l.P99 > 0 {
		switch {
		case v.Latency == nil:
			f = append(f, "the latency is unknown: these sources carry no arrival times")
		case v.Latency.P(99) > int64(l.P99):
			f = append(f, fmt.Sprintf("a p99 latency of %v, more than %v", time.Duration(v.Latency.P(99)), l.P99))
		}
	}
	return f
}

// nothing says why there was nothing to audit; it is empty if there was.
func (v *Verdict) nothing() string {
	switch {
	case v.Arrived > 0 || v.Accepted.N > 0 || v.Lost > 0 || v.Withheld > 0:
		return ""
	case v.Other > 0:
		return "no record belongs to a requested run"
	case v.Foreign > 0:
		return "no record has an identity; the input options audit and ledger add one"
	case v.Broken > 0:
		return "no part of the input could be read"
	case len(v.Streams) > 0:
		return "no record arrived, and the ledger lists none as accepted"
	}
	return "the input has no records"
}

// Grouped prints a number with commas.
func Grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
