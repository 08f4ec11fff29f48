// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"fmt"
	"math"
	"strings"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/config/units"
)

const (
	// nearHeadroom is the share of gdummy's headroom from which a rate may be limited
	// by gdummy itself.
	nearHeadroom = 0.8

	// atLimit is the share of a limit from which a part is at its limit. A thread
	// that never sleeps measures between 95 and 100 % of a core.
	atLimit = 0.9

	// part is the share of time from which a part of a thread's time is reported.
	part = 0.1

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
	if e.WorkersBusy >= atLimit {
		return fmt.Sprintf("receiver: its %s busy %s of the time", areWorkers(e.Workers), percent(e.WorkersBusy))
	}
	busiest := e.busiest()
	// A quota below one core also limits threads that are below 100 %.
	if e.CPUQuota > 0 && e.CPU >= atLimit*e.CPUQuota && !(busiest != nil && busiest.CPU >= atLimit) {
		return fmt.Sprintf("CPU quota of %s cores at %s", trim(e.CPUQuota), percent(e.CPU/e.CPUQuota))
	}
	if busiest != nil && busiest.load() >= atLimit {
		return e.describe(busiest)
	}
	if e.ReceiverBusy >= atLimit {
		return fmt.Sprintf("receiver: gdummy reads records %s of the time", percent(e.ReceiverBusy))
	}
	for _, o := range e.Outputs {
		if o.Busy >= atLimit {
			who := "connection is"
			if o.Workers > 0 {
				who = areWorkers(o.Workers)
			}
			return fmt.Sprintf("output %s: its %s busy %s of the time", o.Name, who, percent(o.Busy))
		}
	}
	for _, o := range e.Outputs {
		if o.GivenUp > 0 {
			return fmt.Sprintf("output %s gave up %s", o.Name, units.Plural(o.GivenUp, "chunk"))
		}
	}
	for _, o := range e.Outputs {
		if o.Retries > 0 {
			return fmt.Sprintf("output %s: %s", o.Name, units.Plural(o.Retries, "retry"))
		}
	}
	if e.Storage >= atLimit {
		return "storage at " + percent(e.Storage) + " of its limit"
	}
	if e.Memory >= atLimit {
		return "mem_buf_limit at " + percent(e.Memory)
	}
	if e.Pauses > 0 {
		return "inputs were paused: " + units.Plural(e.Pauses, "pause")
	}
	if busiest != nil {
		return unknown + ": " + e.describe(busiest) + " is the busiest"
	}
	return unknown
}

// unknown begins a Culprit without evidence.
const unknown = "unknown"

// busiest returns the thread that is closest to its limit, or nil.
func (e *Evidence) busiest() *Thread {
	var most *Thread
	for i := range e.Threads {
		if t := &e.Threads[i]; most == nil || t.load() > most.load() {
			most = t
		}
	}
	return most
}

// limit returns the thread that Culprit names, or nil if it names another part.
func (e *Evidence) limit() *Thread {
	t := e.busiest()
	if t == nil || t.load() < atLimit || !strings.HasPrefix(e.Culprit(0), e.describe(t)) {
		return nil
	}
	return t
}

// loadOf returns the load of a thread.
func (e *Evidence) loadOf(of *Thread) (most float64) {
	for _, t := range e.Threads {
		if t.Role == of.Role && t.Name == of.Name {
			most = max(most, t.load())
		}
	}
	return most
}

// load returns how close a thread of the pipeline is to its limit. On a machine that is
// short of CPU, or with a thread that is blocked, it is busy without a whole core.
func (t *Thread) load() float64 {
	if t.Role == OtherThread {
		return t.CPU
	}
	return max(t.CPU, t.Busy)
}

// areWorkers returns workers and their verb.
func areWorkers(n int) string {
	if n == 1 {
		return "worker is"
	}
	return fmt.Sprintf("%d workers are", n)
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
	if t.CPU < atLimit && t.load() >= atLimit {
		text = fmt.Sprintf("%s busy %s of the time (%s)", name, percent(t.Busy), t.parts())
	}
	if t.Role != EngineThread && t.Role != InputThread {
		return text
	}
	for _, f := range e.Filters {
		if load := t.load(); load > 0 && f.Time >= mostly*load {
			return fmt.Sprintf("%s, %s of it in filter %s", text, percent(f.Time/load), f.Name)
		}
	}
	return text
}

// parts returns what a busy thread did, of the time.
func (t *Thread) parts() string {
	text := percent(t.CPU) + " computing"
	if t.Waited >= part {
		text += ", " + percent(t.Waited) + " waiting for a CPU"
	}
	if blocked := t.Busy - t.CPU - t.Waited; blocked >= part {
		text += ", " + percent(blocked) + " blocked"
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
