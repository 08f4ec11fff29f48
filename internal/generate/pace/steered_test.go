// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// span of time with one pace, and its records as a fraction, computed without Steered.
func between(p *Profile, from, to int64) *big.Rat {
	g := p.integral(to).sub(p.integral(from))
	n := new(big.Int).Add(new(big.Int).Lsh(new(big.Int).SetUint64(g.hi), 64), new(big.Int).SetUint64(g.lo))
	return new(big.Rat).SetFrac(n, new(big.Int).SetUint64(grainsPerRecord))
}

func floor(r *big.Rat) uint64 { return new(big.Int).Div(r.Num(), r.Denom()).Uint64() }

// Whatever the changes are, as many records are due as the integral of the rates in
// force, rounded down; each at the first nanosecond at which it is due; none before an
// earlier one.
func TestSteered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Steered
		sum := new(big.Rat)
		now, made := int64(0), uint64(0)
		var before int64 // when the last record was due
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			var p *Profile
			zero := now
			if rapid.IntRange(0, 4).Draw(t, "pause") > 0 {
				text := drawProfile(t, allKinds)
				p, _ = ParseProfile(text)
				if p == nil {
					continue // limits of its own
				}
				if rapid.Bool().Draw(t, "under way") {
					zero = rapid.Int64Range(0, now).Draw(t, "zero")
				}
			}
			s.Change(now, p, zero, made)
			if due := s.Due(now); due != floor(sum) {
				t.Fatalf("a change at %d ns: %d due, want %d as before it", now, due, floor(sum))
			}
			to := now + rapid.Int64Range(0, 1e12).Draw(t, "for")
			for range 3 {
				at := rapid.Int64Range(now, to).Draw(t, "at")
				want := new(big.Rat).Set(sum)
				if p != nil {
					want.Add(want, between(p, now-zero, at-zero))
				}
				due := s.Due(at)
				if due != floor(want) {
					t.Fatalf("%d ns after a change at %d ns: %d due, want %s", at-now, now, due, want.FloatString(12))
				}
				if due > 0 && due > made {
					k := rapid.Uint64Range(made+1, due).Draw(t, "record")
					when := s.At(k)
					if s.Due(when) < k || when > 0 && s.Due(when-1) >= k {
						t.Fatalf("At(%d) = %d, but %d are due then, and %d before", k, when, s.Due(when), s.Due(when-1))
					}
				}
			}
			if p != nil {
				sum.Add(sum, between(p, now-zero, to-zero))
			}
			now = to
			if due := s.Due(now); due > made { // some of them are made
				n := rapid.Uint64Range(made, due).Draw(t, "made")
				if n > made {
					at := s.At(n)
					if at < before || at > now {
						t.Fatalf("record %d at %d ns, want from %d, when an earlier one was due, to %d", n, at, before, now)
					}
					before = at
				}
				made = n
			}
		}
	})
}

// A pace that changes more often than a record is due still makes its records: fractions
// of a record are kept.
func TestSteeredOften(t *testing.T) {
	var s Steered
	p, err := ParseProfile("constant 1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(5 * 3600) {
		s.Change(i*200e6, p, 0, 0)
	}
	if due := s.Due(3600e9); due != 3600 {
		t.Errorf("an hour at 1 a second, set again five times a second: %d due, want 3600", due)
	}
	if at := s.At(3600); at != 3600e9 {
		t.Errorf("record 3600 at %d ns, want 3600 s", at)
	}
}

// What was due stays due when the pace changes, and its time stays.
func TestSteeredBacklog(t *testing.T) {
	var s Steered
	for i, rate := range []string{"constant 10", "constant 1000", "constant 1"} {
		p, err := ParseProfile(rate)
		if err != nil {
			t.Fatal(err)
		}
		s.Change(int64(i)*1e9, p, int64(i)*1e9, 0)
	}
	s.Change(3e9, nil, 0, 5)
	for _, tt := range []struct {
		n    uint64
		want int64
	}{{6, 600e6}, {10, 1e9}, {11, 1001e6}, {1010, 2e9}, {1011, 3e9}, {1012, Never}} {
		if at := s.At(tt.n); at != tt.want {
			t.Errorf("At(%d) = %d ns, want %d", tt.n, at, tt.want)
		}
	}
	for _, tt := range []struct {
		t    int64
		want uint64
	}{{999999999, 9}, {1500e6, 510}, {2999999999, 1010}, {3e9, 1011}, {1e15, 1011}} {
		if due := s.Due(tt.t); due != tt.want {
			t.Errorf("Due(%d) = %d, want %d", tt.t, due, tt.want)
		}
	}
}

// With jitter, too, no change adds, loses or takes back a record: one that was early at a
// change stays due.
func TestSteeredJitter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Steered
		sum := new(big.Rat)
		now, due, made := int64(0), uint64(0), uint64(0)
		before := int64(0)
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			var p *Profile
			if rapid.IntRange(0, 4).Draw(t, "pause") > 0 {
				p = mustParse(t, rapid.SampledFrom([]string{"5", "1k", "ramp 0 to 50 for 1m; 50", "3 for 1s; idle for 2s; repeat"}).Draw(t, "profile")+"; jitter 100%")
			}
			changed := now
			s.Change(now, p, now, made)
			for range 4 {
				to := now + rapid.Int64Range(0, 3e9).Draw(t, "for")
				if p != nil {
					sum.Add(sum, between(p, now-changed, to-changed))
				}
				now = to
				n := s.Due(now)
				if n < due || n < floor(sum) || n > floor(sum)+1 {
					t.Fatalf("%d records are due at %d ns, after %d; the integral is %s", n, now, due, sum.FloatString(9))
				}
				for ; made < n; made++ {
					at := s.At(made + 1)
					if at < before || at > now || s.Due(at) < made+1 {
						t.Fatalf("At(%d) = %d, after %d, when %d are due at %d", made+1, at, before, n, now)
					}
					before = at
				}
				if at := s.At(n + 1); at <= now {
					t.Fatalf("At(%d) = %d, but %d are due at %d", n+1, at, n, now)
				}
				due = n
			}
		}
	})
}
