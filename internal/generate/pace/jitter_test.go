// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"testing"

	"pgregory.net/rapid"
)

// With jitter, a record is due early, by less than its share of the gap. The count is
// that of the same profile without, or one more, and the same at the end; record n alone
// is due when it is due in sequence.
func TestJitter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := drawProfile(t, plainKinds)
		if rapid.IntRange(0, 3).Draw(t, "daily") == 0 {
			plain = drawDaily(t)
		}
		p := mustParse(t, plain)
		share := rapid.SampledFrom([]string{"100%", "30%", "0.5%"}).Draw(t, "share")
		text := plain + "; jitter " + share + rapid.SampledFrom([]string{"", " seed 7"}).Draw(t, "seed")
		j := mustParse(t, text)
		if normal := mustParse(t, j.String()); normal.String() != j.String() {
			t.Fatalf("%s: the normal form %s is %s", text, j, normal)
		}
		at := max(drawMoment(t, p), 0)
		n := p.Due(at)
		if m := j.Due(at); m != n && m != n+1 {
			t.Fatalf("%s: %d records are due after %d ns, %d without jitter", text, m, at, n)
		}
		if end := int64(p.end); p.Due(end) != j.Due(end) {
			t.Fatalf("%s: %d records in all, %d without jitter", text, j.Due(end), p.Due(end))
		}
		fresh := mustParse(t, text)
		last := int64(0)
		for k := n - min(n, 3); k < n+20; k++ {
			when, without := j.At(k), p.At(k)
			if alone := fresh.At(k); rapid.Bool().Draw(t, "ask") && alone != when {
				t.Fatalf("%s: At(%d) = %d in sequence, %d alone", text, k, when, alone)
			}
			if when < last || when > without || (when == Never) != (without == Never) {
				t.Fatalf("%s: At(%d) = %d, after %d and %d without jitter", text, k, when, last, without)
			}
			last = when
			if when == Never || when == 0 {
				continue
			}
			if j.Due(when) < k || j.Due(when-1) >= k {
				t.Fatalf("%s: At(%d) = %d, but %d are due then, and %d before", text, k, when, j.Due(when), j.Due(when-1))
			}
			if early := p.Records(when, without-1); share == "0.5%" && early > 0.005000001 {
				t.Fatalf("%s: record %d is %g records early, want at most 0.005", text, k, early)
			}
		}
	})
}

// The gaps at a constant rate are spread around the mean as the sum of two uniform
// distributions: half of them below it, and a quarter farther from it than half the share.
func TestJitterGaps(t *testing.T) {
	p := mustParse(t, "1k; jitter 40%")
	const n = 100_000
	below, far := 0, 0
	for k := uint64(1); k <= n; k++ {
		gap := p.At(k+1) - p.At(k)
		if gap < 600_000-1 || gap > 1_400_000+1 {
			t.Fatalf("a gap of %d ns after record %d, want 0.6 to 1.4 ms", gap, k)
		}
		if gap < 1_000_000 {
			below++
		}
		if gap < 800_000 || gap > 1_200_000 {
			far++
		}
	}
	if below < n/2-1000 || below > n/2+1000 {
		t.Errorf("%d of %d gaps are below the mean, want half", below, n)
	}
	if far < n/4-1500 || far > n/4+1500 {
		t.Errorf("%d of %d gaps differ by more than half of the share, want a quarter", far, n)
	}
	if due := p.Due(100e9); due != n {
		t.Errorf("%d records in 100 s, want %d", due, n)
	}
}
