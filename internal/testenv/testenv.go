// Package testenv reports what tests can expect of the build that runs them.
package testenv

import "testing"

// Instrumented reports whether the race detector or coverage is on: the test binary
// then allocates and takes time for itself.
func Instrumented() bool { return race || testing.CoverMode() != "" }

// AllocsPerRun is testing.AllocsPerRun in a plain build. In an instrumented one it
// calls f once and returns 0: what f allocates there is not its own.
func AllocsPerRun(runs int, f func()) float64 {
	if Instrumented() {
		f()
		return 0
	}
	return testing.AllocsPerRun(runs, f)
}
