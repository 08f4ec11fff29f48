// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strings"
)

// Caveats returns a line for each tolerated fault, each kind of records that are missing
// without being lost, and each gap in the coverage of the verdict. It omits what faults
// already mentions.
func (v *Verdict) Caveats(faults []string) []string {
	reported := strings.Join(faults, ", ")
	var all []string
	for _, c := range []struct {
		n         uint64
		one, more string
		in        string // text after the number in a fault
	}{
		{v.Lost, "1 lost, within the limit", "%s lost, within the limit", "lost"},
		{v.Duplicates, "1 duplicate, within the limit", "%s duplicates, within the limit", "duplicates"},
		{v.Damaged, "1 damaged, within the limit", "%s damaged, within the limit", "damaged"},
		{v.Withheld, "1 withheld, within the limit", "%s withheld, within the limit", "withheld"},
		{v.Shortfall.N, "1 short of the rate, within the limit", "%s short of the rate, within the limit", "short of the rate"},
		{v.Refused.N, "1 refused by Fluent Bit", "%s refused by Fluent Bit", ""},
		{v.Unchecked, "1 record could not be checked for damage", "%s records could not be checked for damage", "unchecked"},
		{v.Unknown, "1 record is unknown", "%s records are unknown", "unknown"},
		{v.Broken, "1 piece could not be read", "%s pieces could not be read", "piece"},
	} {
		switch {
		case c.n == 0 || c.in != "" && strings.Contains(reported, Grouped(c.n)+" "+c.in):
		case c.n == 1:
			all = append(all, c.one)
		default:
			all = append(all, fmt.Sprintf(c.more, Grouped(c.n)))
		}
	}
	if c := v.brokenRecords(); c != "" {
		all = append(all, c)
	}
	if c := v.byReceiver(); c != "" {
		all = append(all, c)
	}
	if c, _ := v.stopped(""); c != "" && !strings.Contains(reported, "stopped before") {
		all = append(all, c)
	}
	if !v.Exact {
		all = append(all, "not enough memory, a larger --memory helps")
	}
	for _, end := range v.ends() {
		if !strings.Contains(reported, end) {
			all = append(all, end)
		}
	}
	return all
}

// Known reports whether the verdict covers everything that was sent.
func (v *Verdict) Known() bool {
	return v.Exact && len(v.MissingShards) == 0 && len(v.NoLedgerOf) == 0 && v.Unchecked == 0 && v.Unknown == 0 && v.Broken == 0 && v.Unclosed == 0 && v.WithoutLedger == 0
}

// ends returns a line for each kind of unknown ends of streams. The number of records is
// unknown, too.
func (v *Verdict) ends() (all []string) {
	if n := len(v.NoLedgerOf); n > 0 {
		text := "no ledger of shard " + v.NoLedgerOf[0]
		if n > 1 {
			text += " and others"
		}
		all = append(all, text)
	}
	if v.Unclosed > 0 {
		all = append(all, unclosed(v.Unclosed))
	}
	switch {
	case v.WithoutLedger == 1:
		all = append(all, "a run has no ledger, so losses at its end are unknown")
	case v.WithoutLedger > 1:
		all = append(all, fmt.Sprintf("%d runs have no ledger, so losses at their ends are unknown", v.WithoutLedger))
	}
	return all
}

// unclosed describes n runs whose ledgers have no close line.
func unclosed(n int) string {
	if n == 1 {
		return "a ledger has no close line, so records sent after its last line are unknown"
	}
	return fmt.Sprintf("the ledgers of %d runs have no close line, so records sent after their last lines are unknown", n)
}

// stopped describes the runs that were stopped before their ends, or returns "". limit
// follows the number of unsent records, which may be unknown.
func (v *Verdict) stopped(limit string) (text string, known bool) {
	n := 0
	known = true
	for i := range v.Streams {
		if st := &v.Streams[i]; st.StoppedEarly {
			n++
			known = known && st.Unsent.Known
		}
	}
	switch {
	case n == 0:
		return "", true
	case n == 1:
		text = "a run was stopped before its end"
	default:
		text = fmt.Sprintf("%d runs were stopped before their ends", n)
	}
	switch {
	case known:
		text = fmt.Sprintf("%s unsent%s (%s)", v.Unsent, limit, text)
	case v.Unsent.N > 0:
		text = fmt.Sprintf("at least %s unsent (%s)", v.Unsent, text)
	}
	return text, known
}

// Proven reports whether ledgers prove that all accepted records arrived.
func (v *Verdict) Proven() bool {
	for i := range v.Streams {
		if st := &v.Streams[i]; !st.Ledger || !st.Closed || st.Lost > 0 || st.Withheld > 0 || st.Unknown > 0 || st.BrokenRecords != nil && st.BrokenRecords.Lost > 0 {
			return false
		}
	}
	return v.Arrived > 0 && v.Exact
}
