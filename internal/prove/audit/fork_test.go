// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// joined takes steps in forks that end at cuts, and joins them. Where a fork is not exact, the
// steps are taken again.
func joined(t interface{ Fatal(...any) }, o Options, steps []func(*Auditor), cuts []int) (a *Auditor, again int) {
	a = New(o)
	from := 0
	for _, to := range append(cuts, len(steps)) {
		f := a.Fork(1 << 20)
		for _, step := range steps[from:to] {
			step(f)
		}
		if err := a.Join(f); errors.Is(err, ErrInexact) {
			again++
			for _, step := range steps[from:to] {
				step(a)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		from = to
	}
	return a, again
}

// bytesOf returns the file of the part of an audit.
func bytesOf(t interface{ Fatal(...any) }, a *Auditor) []byte {
	p, err := a.Part(Part{Sources: []Source{{"all", 7}}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// For any division of an audit into forks, its part is byte for byte that of an audit without
// forks, and so is the verdict.
func TestForksAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 5 {
			s := drawStory(t)
			var cuts []int
			for range rapid.IntRange(0, 8).Draw(t, "forks") {
				cuts = append(cuts, rapid.IntRange(0, len(s.steps)).Draw(t, "cut"))
			}
			slices.Sort(cuts)
			for _, part := range []bool{true, false} {
				o := Options{Since: s.since, Ledgers: s.ledgers, Part: part}
				one := New(o)
				for _, step := range s.steps {
					step(one)
				}
				several, _ := joined(t, o, s.steps, cuts)
				if part {
					if want, got := bytesOf(t, one), bytesOf(t, several); !bytes.Equal(want, got) {
						t.Fatalf("cut at %d of %d: parts of %d and %d bytes\n% x\n% x", cuts, len(s.steps), len(want), len(got), want, got)
					}
					continue
				}
				if diff := cmp.Diff(verdictJSON(t, one.Verdict()), verdictJSON(t, several.Verdict())); diff != "" {
					t.Fatalf("one audit, and forks:\n%s", diff)
				}
			}
		}
	})
}

// With more distances and gaps than are kept, forks that are not exact are read again: the
// verdict is the same, and a part has the largest distances.
func TestForksOfDisorder(t *testing.T) {
	const n = 60_000
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		var numbers []uint64
		for k := range uint64(n) {
			if seed%2 == 0 && k%3 == 0 {
				continue // more gaps than are kept
			}
			numbers = append(numbers, k)
		}
		r.Shuffle(len(numbers), func(i, j int) {
			if seed < 4 || i-j < 50 && j-i < 50 {
				numbers[i], numbers[j] = numbers[j], numbers[i]
			}
		})
		numbers = append(numbers, numbers[:n/4]...) // duplicates, with the largest distances
		if seed == 3 {
			numbers = slices.Insert(numbers, 0, numbers[n/2:n/2+2]...)
		}
		var steps []func(*Auditor)
		for _, k := range numbers {
			steps = append(steps, func(a *Auditor) {
				a.Take(recordid.ID{Run: 1, Seq: k, Time: int64(k) * 1e6}, recordscan.Intact, 0)
			})
		}
		var cuts []int
		for range r.IntN(5) + 1 {
			cuts = append(cuts, r.IntN(len(steps)))
		}
		slices.Sort(cuts)
		one := New(Options{})
		for _, step := range steps {
			step(one)
		}
		several, again := joined(t, Options{}, steps, cuts)
		t.Logf("seed %d, cut at %d: %d forks again", seed, cuts, again)
		if diff := cmp.Diff(verdictJSON(t, one.Verdict()), verdictJSON(t, several.Verdict())); diff != "" {
			t.Fatalf("seed %d:\n%s", seed, diff)
		}
		part, _ := joined(t, Options{Part: true}, steps, cuts)
		checkLags(t, fmt.Sprint("seed ", seed), part.order[0].late, numbers)
		v, err := merged(Options{}, bytesOf(t, part))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(verdictJSON(t, one.Verdict()), verdictJSON(t, v)); diff != "" {
			t.Fatalf("seed %d, the merged part:\n%s", seed, diff)
		}
	}
}

// checkLags checks the reordered records of arrivals: all numbers, and the distances of all
// but those of late.below or less.
func checkLags(t *testing.T, name string, l *late, numbers []uint64) {
	t.Helper()
	lags := map[uint64]uint64{} // the highest number before each
	seen, highest := map[uint64]bool{}, uint64(0)
	for _, k := range numbers {
		if !seen[k] && k < highest {
			lags[k] = highest
		}
		seen[k] = true
		highest = max(highest, k)
	}
	if l.numbers.count != uint64(len(lags)) {
		t.Fatalf("%s: %d reordered, want %d", name, l.numbers.count, len(lags))
	}
	kept := map[uint64]bool{}
	for _, g := range l.lags {
		for k := g.from; k <= g.to; k++ {
			switch before, ok := lags[k]; {
			case !ok || kept[k]:
				t.Fatalf("%s: %d is not reordered, or twice", name, k)
			case before != g.max && before-k > l.below:
				t.Fatalf("%s: %d after %d, want after %d", name, k, g.max, before)
			}
			kept[k] = true
		}
	}
	for k, before := range lags {
		if !l.numbers.has(k) || !kept[k] && before-k > l.below {
			t.Fatalf("%s: %d after %d is missing; below is %d", name, k, before, l.below)
		}
	}
}
