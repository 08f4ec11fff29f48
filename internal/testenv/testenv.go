// SPDX-License-Identifier: Apache-2.0

// Package testenv reports properties of the test binary, and measures memory and time.
package testenv

import (
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Instrumented reports whether the race detector or coverage is enabled. They allocate
// and take time themselves.
func Instrumented() bool { return race || testing.CoverMode() != "" }

// AllocsPerRun is testing.AllocsPerRun. In an instrumented build it calls f once and
// returns 0, because the instrumentation allocates too.
func AllocsPerRun(runs int, f func()) float64 {
	if Instrumented() {
		f()
		return 0
	}
	return testing.AllocsPerRun(runs, f)
}

// LiveHeap collects garbage and returns the size of the reachable heap, in bytes.
func LiveHeap() int64 {
	runtime.GC()
	return LastLiveHeap()
}

// LastLiveHeap returns the size of the heap, in bytes, that was reachable at the last
// collection. It does not include the garbage since then.
func LastLiveHeap() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// CPUTime calls f and returns the processor time used by its thread. It does not include
// other processes, or goroutines that f starts.
func CPUTime(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime()
	f()
	return threadTime() - before
}

func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// SkipRace skips a long test of a single goroutine under the race detector, because it
// cannot have a race.
func SkipRace(t testing.TB) {
	t.Helper()
	if race {
		t.Skip("### SKIPPED under the race detector: a long test of a single goroutine; run it without -race")
	}
}

// Race reports whether the race detector is enabled.
func Race() bool { return race }

// Rounds returns n, or n/20 in an instrumented build, where a test takes ten times as
// long and its purpose is to find races.
func Rounds(n int) int {
	if Instrumented() {
		return max(n/20, 1)
	}
	return n
}

// Kolmogorov sorts draws and returns the maximum distance of their distribution from the
// given distribution function.
func Kolmogorov(draws []float64, cdf func(x float64) float64) float64 {
	slices.Sort(draws)
	n := float64(len(draws))
	d := 0.0
	for i, x := range draws {
		p := cdf(x)
		d = max(d, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
	}
	return d
}
