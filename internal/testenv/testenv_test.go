// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"runtime"
	"testing"
	"time"
)

var kept []byte

// AllocsPerRun counts allocations unless the build is instrumented, and always calls f.
func TestAllocsPerRun(t *testing.T) {
	calls := 0
	n := AllocsPerRun(10, func() { calls++; kept = make([]byte, 100) })
	if want := map[bool]float64{true: 0, false: 1}[Instrumented()]; n != want || calls == 0 {
		t.Errorf("%v allocations in %d calls, want %v", n, calls, want)
	}
}

// What is reachable counts, and nothing else does.
func TestLiveHeap(t *testing.T) {
	before := LiveHeap()
	held := make([]byte, 8<<20)
	if grown := LiveHeap() - before; grown < 8<<20 || grown > 9<<20 {
		t.Errorf("8 MB that are reachable: grown by %d", grown)
	}
	runtime.KeepAlive(held)
	held = nil
	if grown := LiveHeap() - before; grown > 1<<20 {
		t.Errorf("nothing is reachable: grown by %d", grown)
	}
}

// Sleep costs no processor time, work does.
func TestCPUTime(t *testing.T) {
	if d := CPUTime(func() { time.Sleep(50 * time.Millisecond) }); d > 25*time.Millisecond {
		t.Errorf("sleeping took %v", d)
	}
	busy := func() {
		for end := threadTime() + 20*time.Millisecond; threadTime() < end; {
		}
	}
	if d := CPUTime(busy); d < 20*time.Millisecond {
		t.Errorf("20 ms of work took %v", d)
	}
}
