package testenv

import "testing"

var kept []byte

// An allocation is counted in a plain build, and only there; f runs in any.
func TestAllocsPerRun(t *testing.T) {
	calls := 0
	n := AllocsPerRun(10, func() { calls++; kept = make([]byte, 100) })
	if want := map[bool]float64{true: 0, false: 1}[Instrumented()]; n != want || calls == 0 {
		t.Errorf("%v allocations in %d calls, want %v", n, calls, want)
	}
}
