// SPDX-License-Identifier: Apache-2.0

package printer

import (
	"fmt"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/generate/engine"
)

// lateness attributes the shortfall of a run to its output, to generating records, to a
// process that was not scheduled, or to a start after start_at. It adds up the time that
// each has taken since no record was late, and attributes further shortfall to the longest.
// Records that are due before a late start are dropped before the first record.
type lateness struct {
	since       time.Time // when generating began
	startedLate bool      // the run started after start_at, and this is before its first record

	generating, writing, stalled time.Duration // since no record was late

	short uint64 // number of records in the shortfall

	byGenerating, byWriting, byStalls, byStart uint64
}

// begin notes that a run of a configuration begins.
func (l *lateness) begin(config *engine.Config, now time.Time) {
	l.since = now
	l.startedLate = config.StartAt != nil && config.StartAt.From(now) < now.UnixNano()
}

// generated notes that records were generated until now, and the shortfall so far. onTime
// reports that no record is late now.
func (l *lateness) generated(now time.Time, short uint64, onTime bool) {
	l.generating += now.Sub(l.since)
	more := short - l.short
	switch l.short = short; {
	case l.startedLate:
		l.byStart, l.startedLate = more, false
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

// woke notes that the run continues at now, after it was due to sleep until at.
func (l *lateness) woke(now, at time.Time) {
	l.stalled += max(now.Sub(at), 0)
	l.since = now
}

// String returns the causes of the shortfall.
func (l *lateness) String() string {
	var causes []string
	for _, c := range []struct {
		n    uint64
		what string
	}{{l.byWriting, "the output was too slow"}, {l.byGenerating, "generating records was too slow"}, {l.byStalls, "the process was not scheduled in time"}, {l.byStart, "the run started after start_at"}} {
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
