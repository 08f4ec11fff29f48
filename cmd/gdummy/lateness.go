// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"
)

// lateness finds what made the records of a run late: its output, generating them,
// or that the process did not get to run. It adds up what each has taken since
// no record was late; what is given up then is due to whatever took longest.
type lateness struct {
	since time.Time // when it began to generate

	generating, writing, stalled time.Duration // since no record was late

	short                             uint64 // records given up, all together
	byGenerating, byWriting, byStalls uint64
}

// generated notes that records were generated until now, and how many were given up
// until then. onTime says that none is late now.
func (l *lateness) generated(now time.Time, short uint64, onTime bool) {
	l.generating += now.Sub(l.since)
	more := short - l.short
	switch l.short = short; {
	case l.writing >= max(l.generating, l.stalled):
		l.byWriting += more
	case l.generating >= l.stalled:
		l.byGenerating += more
	default:
		l.byStalls += more
	}
	if onTime {
		l.generating, l.writing, l.stalled = 0, 0, 0
	}
}

// wrote notes that something was written from begin to end.
func (l *lateness) wrote(begin, end time.Time) { l.writing += end.Sub(begin) }

// woke notes that the run goes on, at now, after it was to sleep until at.
func (l *lateness) woke(now, at time.Time) {
	l.stalled += max(now.Sub(at), 0)
	l.since = now
}

// String says why records were given up.
func (l *lateness) String() string {
	var causes []string
	for _, c := range []struct {
		n    uint64
		what string
	}{{l.byWriting, "the output was too slow for the rate"}, {l.byGenerating, "generating them was too slow for the rate"}, {l.byStalls, "this process was not run in time"}} {
		switch c.n {
		case 0:
		case l.short:
			causes = append(causes, c.what)
		default:
			causes = append(causes, fmt.Sprintf("%d because %s", c.n, c.what))
		}
	}
	return strings.Join(causes, ", ")
}
