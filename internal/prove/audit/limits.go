// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strconv"
	"time"
)

// Limits holds the tolerated number of each fault.
type Limits struct {
	Lost, Withheld, Duplicates, Damaged, Shortfall uint64

	// A negative value means no limit. A stream whose end is unknown exceeds any
	// limit of Unknown.
	Reordered, Foreign, Unknown, Unchecked int64

	// Unsent limits the records that runs stopped before their ends had still to send. A
	// negative value means no limit. An unknown number exceeds any other, such as that of a
	// run whose ledger has no close line.
	Unsent int64

	// Broken limits the unreadable parts of the input. With a negative value they
	// are a fault unless ledgers prove that everything arrived.
	Broken int64

	// BrokenLost and Repaired are for records that were sent broken on purpose; a
	// negative value means no limit.
	BrokenLost, Repaired int64

	P99 time.Duration // of the latency; 0 means no limit
}

// Faults returns a line for each limit that is exceeded; a clean verdict has none.
// Unknown records are a fault only if there is a limit for them.
func (l Limits) Faults(v *Verdict) []string {
	var f []string
	if what := v.nothing(); what != "" {
		f = append(f, "nothing was audited: "+what)
	}
	if n := len(v.MissingShards); n == 1 {
		f = append(f, fmt.Sprintf("the part of shard %d is missing", v.MissingShards[0]))
	} else if n > 1 {
		f = append(f, fmt.Sprintf("the parts of shards %s are missing", describeMissing(v.MissingShards)))
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
	if r := v.BrokenRecords; r != nil {
		if l.BrokenLost >= 0 {
			over("sent broken and lost", r.Lost, uint64(l.BrokenLost))
		}
		if l.Repaired >= 0 {
			over("sent broken and repaired", r.Repaired, uint64(l.Repaired))
		}
	}
	limit := ""
	if l.Unsent > 0 {
		limit = ", more than " + Grouped(uint64(l.Unsent))
	}
	if text, known := v.stopped(limit); l.Unsent >= 0 && (!known || v.Unsent.N > uint64(l.Unsent)) {
		f = append(f, text)
	}
	if l.Unsent >= 0 && l.Unknown < 0 && v.unfinished > 0 {
		f = append(f, unclosed(v.unfinished))
	}
	if l.Unknown >= 0 {
		f = append(f, v.ends()...) // the number of records is unknown, too
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

// nothing describes why nothing was audited. It returns "" if something was.
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

// Grouped formats a number with commas between thousands.
func Grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
