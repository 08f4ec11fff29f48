// SPDX-License-Identifier: Apache-2.0

// Package capacity finds the highest rate that a pipeline sustains, and compares two
// pipelines.
//
// A rate is sustained if a trial at that rate holds: nothing is lost or given up,
// latency stays below a limit, and the backlog does not grow. The normal path is
// [Search.Run], which asks a [Runner] for trials and returns a [Result]: an interval of
// rates and its confidence. [Compare] asks two runners in turn and returns ratios.
// [Evidence.Culprit] names what limited a trial.
//
// The package measures nothing and starts nothing. The runner does, so that the same
// code searches real pipelines and those of a simulator, whose capacity is known. The
// page docs/explanation/capacity.md describes the method and what the simulator proved.
//
// Rates are in records per second, sizes in bytes. A share is a fraction: 0.5 is half.
package capacity

import (
	"context"
	"time"
)

// Runner drives one pipeline.
//
// Its methods return an error only if they could not measure: the process did not
// start, or ctx ended. A process that exits during a trial is a trial that did not
// hold, with the reason [Exited].
type Runner interface {
	// Ramp drives one process through rising rates, from the given one, a few
	// seconds each. low is the highest rate with which it kept up, high the lowest
	// with which it did not. low is 0 if it did not keep up at all; high is 0 if it
	// kept up with the highest rate that the runner can produce.
	Ramp(ctx context.Context, from float64) (low, high float64, err error)

	// Trial starts a process, warms it up and measures it at one rate.
	Trial(ctx context.Context, ask Ask) (Trial, error)
}

// Ask is what a trial is asked to do.
type Ask struct {
	Rate float64
	Hold time.Duration // to measure, after the warm-up

	// Whole trials last for Hold even if they fail. Others end as soon as their
	// failure is certain. Compare asks for whole trials.
	Whole bool

	// Without is the name of a filter that is left out, or "".
	Without string
}

// Reason is why a trial did not hold.
type Reason string

// The reasons, by precedence: a trial that has several reports the first.
const (
	Exited    Reason = "exited"    // the process ended
	Lost      Reason = "lost"      // records were lost
	GivenUp   Reason = "given up"  // an output exhausted its retries
	Shortfall Reason = "shortfall" // records were not generated in time
	Late      Reason = "latency"   // p99 is above the limit
	Backlog   Reason = "backlog"   // chunks, ring, storage, retry queue or memory grow
)

// Trial is what one trial measured.
type Trial struct {
	Rate   float64 `json:"rate"` // asked for
	Held   bool    `json:"held"`
	Reason Reason  `json:"reason,omitempty"` // why it did not hold
	Detail string  `json:"detail,omitempty"` // a figure for the reason, such as "812 of 4,000,000"

	Hold     time.Duration `json:"hold"`     // asked for
	Duration time.Duration `json:"duration"` // measured; shorter than Hold if it ended early
	Whole    bool          `json:"whole,omitempty"`
	Without  string        `json:"without,omitempty"` // the filter that was left out

	Achieved float64       `json:"achieved"` // records that arrived per second
	Bytes    float64       `json:"bytes"`    // generated, per second
	P50      time.Duration `json:"p50"`      // latency; 0 if unknown
	P99      time.Duration `json:"p99"`
	CPU      time.Duration `json:"cpu"`     // of the process, within Duration
	Memory   int64         `json:"memory"`  // largest resident set
	Backlog  int64         `json:"backlog"` // records that were due and had not arrived at the end
	Growth   int64         `json:"growth"`  // of the backlog, in records per second

	Samples  []Sample `json:"samples,omitempty"` // over time, by At
	Evidence Evidence `json:"evidence"`

	// Set by Search and Compare.
	Purpose     Purpose       `json:"purpose"`
	Took        time.Duration `json:"took"`                  // with start, warm-up and end
	Contradicts bool          `json:"contradicts,omitempty"` // it held above a failure, or failed below a success
}

// Purpose is why a trial was run.
type Purpose string

const (
	Bisect  Purpose = "search"  // to narrow the interval
	Confirm Purpose = "confirm" // a longer trial at 95 % of the rate
	Cost    Purpose = "cost"    // at a fraction of the rate
	Part    Purpose = "part"    // without a filter, to measure its part of the cost
	Pair    Purpose = "pair"    // one of a pair of a comparison
)

// CPUPerRecord returns the CPU time for each record that arrived, in nanoseconds, or 0
// if none arrived.
func (t *Trial) CPUPerRecord() float64 {
	n := t.Achieved * t.Duration.Seconds()
	if n <= 0 {
		return 0
	}
	return float64(t.CPU) / n
}

// Sample is a moment of a trial.
type Sample struct {
	At       time.Duration `json:"at"`       // since the end of the warm-up
	Rate     float64       `json:"rate"`     // generated
	Achieved float64       `json:"achieved"` // arrived
	P99      time.Duration `json:"p99"`
	CPU      float64       `json:"cpu"` // cores
	Memory   int64         `json:"memory"`
	Backlog  int64         `json:"backlog"` // records
}

// Evidence is what a trial saw of the pipeline's parts. A part that the runner cannot
// see is left out: zero is "unknown" for everything but counts.
type Evidence struct {
	Threads []Thread `json:"threads,omitempty"`
	Filters []Filter `json:"filters,omitempty"`
	Outputs []Output `json:"outputs,omitempty"`

	Pauses   uint64  `json:"pauses,omitempty"`    // of inputs
	Storage  float64 `json:"storage,omitempty"`   // fullest storage limit, as a share
	Memory   float64 `json:"memory,omitempty"`    // fullest mem_buf_limit, as a share
	CPUQuota float64 `json:"cpu_quota,omitempty"` // cores that the cgroup allows
	CPU      float64 `json:"cpu,omitempty"`       // cores that the process used

	ReceiverLimit float64 `json:"receiver_limit,omitempty"` // records per second that the receiver takes at most
	ReceiverBusy  float64 `json:"receiver_busy,omitempty"`  // share of time in which it read records
	Workers       int     `json:"workers,omitempty"`        // requests that the receiver handles at the same time at most
	WorkersBusy   float64 `json:"workers_busy,omitempty"`   // share of time in which all of these were busy
	Headroom      float64 `json:"headroom,omitempty"`       // records per second that gdummy can produce
}

// Role is what a thread does.
type Role string

// The roles of threads.
const (
	EngineThread Role = "engine"
	InputThread  Role = "input"
	OutputThread Role = "output"
	OtherThread  Role = "other"
)

// Thread is a thread of the process.
type Thread struct {
	Role Role    `json:"role"`
	Name string  `json:"name"` // of the input or output, or of the thread itself
	CPU  float64 `json:"cpu"`  // share of a core

	// Busy is the share of time in which it did not wait for events: it computed, it
	// waited for a CPU, or it was blocked. 0 if unknown.
	Busy   float64 `json:"busy,omitempty"`
	Waited float64 `json:"waited,omitempty"` // share of time in which it waited for a CPU
}

// Filter is a filter of the pipeline.
type Filter struct {
	Name    string  `json:"name"`
	Time    float64 `json:"time,omitempty"`    // share of time that its thread spent in it
	Dropped uint64  `json:"dropped,omitempty"` // records
}

// Output is an output of the pipeline.
type Output struct {
	Name    string  `json:"name"`
	Workers int     `json:"workers,omitempty"`
	Busy    float64 `json:"busy,omitempty"`     // share of time in which its workers had a chunk in hand
	Retries uint64  `json:"retries,omitempty"`  // scheduled
	GivenUp uint64  `json:"given_up,omitempty"` // chunks
}
