// SPDX-License-Identifier: Apache-2.0

// Package testenv reports what tests can expect of the build that runs them.
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

// Instrumented reports whether the race detector or coverage is on: the test binary
// then allocates and takes time for itself.
func Instrumented() bool { return race || testing.CoverMode() != "" }

// AllocsPerRun is testing.AllocsPerRun in a plain build. In an instrumented one it
// calls f once and returns 0, because the instrumentation allocates too.
func AllocsPerRun(runs int, f func()) float64 {
	if Instrumented() {
		f()
		return 0
	}
	return testing.AllocsPerRun(runs, f)
}

// LiveHeap collects garbage and returns the size, in bytes, of what is reachable.
func LiveHeap() int64 {
	runtime.GC()
	return LastLiveHeap()
}

// LastLiveHeap returns the size, in bytes, of what the last collection found
// reachable. Unlike the heap's size it does not depend on how much garbage has
// gathered since.
func LastLiveHeap() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// CPUTime calls f and returns the processor time that its thread has used. Other
// processes do not add to it, and what f leaves to goroutines is not counted.
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

// SkipRace skips a long test of a single goroutine under the race detector: it cannot
// have a race, and other builds run it.
func SkipRace(t testing.TB) {
	t.Helper()
	if race {
		t.Skip("SKIPPED under the race detector: a long test of a single goroutine; run it without -race")
	}
}

// Race reports whether the race detector is on.
func Race() bool { return race }

// Rounds returns n, or n/20 in an instrumented build, where a test takes ten times as
// long and its purpose is to find races.
func Rounds(n int) int {
	if Instrumented() {
		return max(n/20, 1)
	}
	return n
}

// Kolmogorov returns the largest distance between the distribution of draws, which it
// sorts, and the one whose distribution function is given.
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
