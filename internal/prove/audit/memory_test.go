// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// A billion records in order need almost no memory: full blocks are one span.
func TestBillionInOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("### SKIPPED with -short: a billion records take seconds")
	}
	before := testenv.LiveHeap()
	s := newSet(&memoryBudget{limit: 1 << 20})
	const n = 1_000_000_000
	for k := range uint64(n) {
		if s.add(k) != added {
			t.Fatal(k)
		}
	}
	if s.count != n || len(s.full) != 1 || len(s.blocks) != 1 || s.m.frozen {
		t.Errorf("%d numbers, %d spans, %d blocks, frozen: %v", s.count, len(s.full), len(s.blocks), s.m.frozen)
	}
	s.missing(0, n-1, func(g gap) { t.Errorf("missing %+v", g) })
	if s.add(5) != present || s.add(n-1) != present || s.add(n) != added {
		t.Error("add: wrong result for a number that is present")
	}
	used := testenv.LiveHeap() - before
	t.Logf("%d bytes", used)
	if used > 1<<20 {
		t.Errorf("%d records need %d bytes", uint64(n), used)
	}
	runtime.KeepAlive(s)
}

// A billion records of which one in 5000 is missing need less than 64 MB. The test
// measures a complete audit of a sixteenth.
func TestBillionWithHoles(t *testing.T) {
	if testing.Short() {
		t.Skip("### SKIPPED with -short: a billion records take seconds")
	}
	before := testenv.LiveHeap()
	a := New(Options{Memory: 64 << 20})
	const n = 1_000_000_000 / 16
	lost := uint64(0)
	for k := range uint64(n) {
		if k%5000 == 77 {
			lost++
			continue
		}
		a.Take(recordid.ID{Seq: k, Time: int64(k) * 1000}, recordscan.Intact, int64(k)*1000+5000)
	}
	a.mem.reclaim(nil) // as sixteen times as many records would cause
	used := testenv.LiveHeap() - before
	t.Logf("%d bytes for a sixteenth of a billion", used)
	v := a.Verdict()
	if v.Lost != lost || v.Arrived != n-lost || !v.Exact {
		t.Errorf("%+v, want %d lost", v.Counts, lost)
	}
	if used > 8<<20 {
		t.Errorf("%d bytes used", used)
	}
}

// With scattered numbers and very little memory, usage stays near the limit, counts are
// never wrong, and a note reports that they are not exact.
func TestAdversarialOrder(t *testing.T) {
	testenv.SkipRace(t)
	const n = 1 << 20
	orders := map[string]func(r *rand.Rand, k uint64) uint64{
		// An odd multiplier is a bijection modulo a power of two.
		"stride":    func(_ *rand.Rand, k uint64) uint64 { return k * 2654435761 % n },
		"backwards": func(_ *rand.Rand, k uint64) uint64 { return n - 1 - k },
		"two ends": func(_ *rand.Rand, k uint64) uint64 {
			if k%2 == 0 {
				return k / 2
			}
			return n - 1 - k/2
		},
		"blocks in turn": func(_ *rand.Rand, k uint64) uint64 { return k%16<<16 | k/16 },
		"far apart":      func(_ *rand.Rand, k uint64) uint64 { return k * 2654435761 % n << 20 },
	}
	for name, order := range orders {
		for _, limit := range []int64{64 << 10, 64 << 20} {
			r := rand.New(rand.NewPCG(1, 2))
			before := testenv.LiveHeap()
			a := New(Options{Memory: limit})
			var lost, twice, peak uint64
			for k := range uint64(n) {
				seq := order(r, k)
				if r.IntN(1000) == 0 && k > 0 {
					if name != "far apart" {
						lost++
					}
					continue
				}
				a.Take(recordid.ID{Seq: seq, Time: int64(k)}, recordscan.Intact, 0)
				if r.IntN(1000) == 0 {
					a.Take(recordid.ID{Seq: seq, Time: int64(k)}, recordscan.Intact, 0) // an immediate duplicate
					twice++
				}
				if k%(1<<17) == 0 {
					peak = max(peak, uint64(max(testenv.LiveHeap()-before, 0)))
				}
			}
			var v *Verdict
			if d := testenv.CPUTime(func() { v = a.Verdict() }); d > 10*time.Second {
				t.Errorf("%s: the verdict took %v", name, d)
			}
			if name == "far apart" {
				lost = v.Lost // almost all; this case is about duplicates
			}
			if v.Lost > lost || v.Lost+v.Unknown < lost || v.Duplicates > twice || v.Duplicates+v.Unknown < twice {
				t.Errorf("%s, %d: %+v; want %d lost, %d duplicates", name, limit, v.Counts, lost, twice)
			}
			if v.Exact && (v.Unknown > 0 || v.Duplicates != twice || v.Lost != lost) {
				t.Errorf("%s, %d: exact, but %+v; want %d lost, %d duplicates", name, limit, v.Counts, lost, twice)
			}
			if limit == 64<<20 && name != "far apart" && !v.Exact {
				t.Errorf("%s: exact with %d bytes for %d records: the limit is too high for this test", name, limit, n)
			}
			if !v.Exact && len(v.Notes) < 2 {
				t.Errorf("%s: not exact, but the notes are %q", name, v.Notes)
			}
			// The map has spare capacity, and some bitmaps are kept for reuse.
			if room := limit + limit/2 + 2<<20; int64(peak) > room {
				t.Errorf("%s: %d bytes used, want at most %d", name, peak, room)
			}
			t.Logf("%-14s %5d KB: at most %5d KB, exact %v, unknown %d", name, limit>>10, peak>>10, v.Exact, v.Unknown)
		}
	}
}

// Many runs with many gaps stay within the limit, and the times of gaps do not displace
// the numbers that arrived.
func TestManyRunsWithHoles(t *testing.T) {
	testenv.SkipRace(t)
	before := testenv.LiveHeap()
	const limit = 8 << 20
	a := New(Options{Memory: limit})
	const runs, records = 2000, 500
	for k := range uint64(records) {
		for run := range recordid.Run(runs) {
			a.Take(recordid.ID{Run: run, Seq: 2 * k, Time: int64(k)}, recordscan.Intact, 0)
		}
	}
	used := testenv.LiveHeap() - before
	if used > 2*limit+runs*1024 {
		t.Errorf("%d bytes used", used)
	}
	if v := a.Verdict(); v.Arrived != runs*records || v.Lost+v.Unknown < runs*(records-1) || v.Lost > runs*(records-1) {
		t.Errorf("%+v", v.Counts)
	}
}

// With little memory, only records that our receiver certainly refused or withheld are
// counted as such, and the counts add up.
func TestRefusedWithLittleMemory(t *testing.T) {
	testenv.SkipRace(t)
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		a := New(Options{Memory: int64(1+r.IntN(40)) << 13})
		a.Expect("drop", true)
		a.Expect("status", false)
		a.Expect("reset", false)
		const n = 10 * blockSize
		var truth Counts
		truth.Sent = n
		state := make([]byte, n) // bits: arrived, drop, status, reset
		last := 0
		for range 3 * n / 64 {
			at, bit := r.IntN(n/64)*64, byte(1)<<r.IntN(4)
			if r.IntN(4) > 0 {
				at = min(last+64, n-64) // mostly in order
			}
			last = at
			for k := at; k < at+64; k++ {
				if r.IntN(50) == 0 {
					continue
				}
				id := recordid.ID{Seq: uint64(k), Time: 1}
				if bit == 1 && state[k]&1 == 0 {
					a.Take(id, recordscan.Intact, 0)
				} else if bit > 1 {
					a.Refuse(int(bit>>2), id) // 0, 1, 2
				}
				state[k] |= bit
			}
		}
		end := 0
		for k, s := range state {
			if s != 0 {
				end = k + 1
			}
		}
		for _, s := range state[:end] {
			switch {
			case s&1 != 0:
				truth.Arrived++
			case s&2 != 0:
				truth.Withheld++
			default:
				truth.Lost++
				if s&12 != 0 {
					truth.ByReceiver++
				}
			}
		}
		v := a.Verdict()
		if v.Sent != uint64(end) || v.Arrived > truth.Arrived || v.Lost > truth.Lost || v.Withheld > truth.Withheld || v.ByReceiver > truth.ByReceiver ||
			v.Arrived+v.Lost+v.Withheld+v.Unknown < v.Sent {
			t.Fatalf("seed %d: %+v, want %+v", seed, v.Counts, truth)
		}
		if v.Exact && (v.Lost != truth.Lost || v.Withheld != truth.Withheld) || v.Unknown > 0 && v.Exact {
			t.Fatalf("seed %d: exact, but %+v, want %+v", seed, v.Counts, truth)
		}
		if !v.Receiver.AtLeast && v.ByReceiver != truth.ByReceiver {
			t.Fatalf("seed %d: lost by the receiver: %d, want %d", seed, v.ByReceiver, truth.ByReceiver)
		}
	}
}
