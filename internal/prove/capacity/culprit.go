// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"fmt"
	"math"
	"strings"

	"github.com/gdummy/gdummy/internal/chart"
)

const (
	// nearHeadroom is the share of gdummy's headroom from which a rate may be limited
	// by gdummy itself.
	nearHeadroom = 0.8

	// atLimit is the share of a limit from which a part is at its limit. A thread
	// that never sleeps measures between 95 and 100 % of a core.
	atLimit = 0.9

	// mostly is the share of a thread's time from which a filter is named with it.
	mostly = 0.5
)

// Culprit returns what limited a trial at the given rate, in a few words, such as
// "engine thread at 99 %". Without evidence against any part, it reports the busiest
// thread.
//
// The causes are tested in an order in which a cause precedes its effects: a full
// storage, retries and pauses follow from a part at its limit.
func (e *Evidence) Culprit(rate float64) string {
	if e.Headroom > 0 && rate >= nearHeadroom*e.Headroom {
		return fmt.Sprintf("gdummy itself, which can produce %s records/s", chart.FormatRate(e.Headroom))
	}
	for _, f := range e.Filters {
		if f.Dropped > 0 {
			return fmt.Sprintf("filter %s drops records", f.Name)
		}
	}
	if e.ReceiverLimit > 0 && rate >= atLimit*e.ReceiverLimit {
		return fmt.Sprintf("receiver at its limit of %s records/s", chart.FormatRate(e.ReceiverLimit))
	}
	busiest := e.busiest()
	// A quota below one core also limits threads that are below 100 %.
	if e.CPUQuota > 0 && e.CPU >= atLimit*e.CPUQuota && !(busiest != nil && busiest.CPU >= atLimit) {
		return fmt.Sprintf("CPU quota of %s cores at %s", trim(e.CPUQuota), percent(e.CPU/e.CPUQuota))
	}
	if busiest != nil && busiest.CPU >= atLimit {
		return e.describe(busiest)
	}
	if e.ReceiverBusy >= atLimit {
		return "receiver at " + percent(e.ReceiverBusy) + " of a core"
	}
	for _, o := range e.Outputs {
		if o.Busy >= atLimit {
			who := "its connection is"
			switch {
			case o.Workers == 1:
				who = "its worker is"
			case o.Workers > 1:
				who = fmt.Sprintf("its %d workers are", o.Workers)
			}
			return fmt.Sprintf("output %s: %s busy %s of the time", o.Name, who, percent(o.Busy))
		}
	}
	for _, o := range e.Outputs {
		if o.GivenUp > 0 {
			return fmt.Sprintf("output %s gave up %s", o.Name, plural(o.GivenUp, "chunk"))
		}
	}
	for _, o := range e.Outputs {
		if o.Retries > 0 {
			return fmt.Sprintf("output %s: %s", o.Name, plural(o.Retries, "retry"))
		}
	}
	if e.Storage >= atLimit {
		return "storage at " + percent(e.Storage) + " of its limit"
	}
	if e.Memory >= atLimit {
		return "mem_buf_limit at " + percent(e.Memory)
	}
	if e.Pauses > 0 {
		return "inputs were paused: " + plural(e.Pauses, "pause")
	}
	if busiest != nil {
		return "unknown: " + e.describe(busiest) + " is the busiest"
	}
	return "unknown"
}

// busiest returns the busiest thread, or nil.
func (e *Evidence) busiest() *Thread {
	var most *Thread
	for i := range e.Threads {
		if t := &e.Threads[i]; most == nil || t.CPU > most.CPU {
			most = t
		}
	}
	return most
}

// describe returns a thread's name and share, with the filter in which it spends most
// of its time. Filters run in the engine's thread, or in that of a threaded input.
func (e *Evidence) describe(t *Thread) string {
	name := "thread " + t.Name
	switch t.Role {
	case EngineThread:
		name = "engine thread"
	case InputThread:
		name = "thread of input " + t.Name
	case OutputThread:
		name = "thread of output " + t.Name
	}
	text := name + " at " + percent(t.CPU)
	if t.Role != EngineThread && t.Role != InputThread {
		return text
	}
	for _, f := range e.Filters {
		if t.CPU > 0 && f.Time >= mostly*t.CPU {
			return fmt.Sprintf("%s, %s of it in filter %s", text, percent(f.Time/t.CPU), f.Name)
		}
	}
	return text
}

// percent formats a share, at most 100 %, without decimals.
func percent(share float64) string {
	return fmt.Sprintf("%.0f %%", 100*math.Min(share, 1))
}

// trim formats a number with at most two decimals.
func trim(v float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

// plural formats a count and its noun.
func plural(n uint64, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
