// SPDX-License-Identifier: Apache-2.0

package disorder

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/clock"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// draw returns any plan.
func draw(t *rapid.T) *Plan {
	l := clock.Layout{
		Origin:  rapid.SampledFrom([]uint64{0, 0, 7, 1e6}).Draw(t, "origin"),
		PerTick: rapid.Uint64Range(1, 3).Draw(t, "per tick"), Lanes: rapid.Uint64Range(1, 3).Draw(t, "lanes"),
	}
	c := clock.Even(1e18, pace.FixedRate{Num: rapid.Uint64Range(1e6, 1e9).Draw(t, "step"), Den: 1}, l)
	if rapid.Bool().Draw(t, "profile") {
		p, err := pace.ParseProfile(rapid.SampledFrom([]string{"100", "poisson 50", "20 for 1s; idle for 2s; repeat"}).Draw(t, "text"))
		if err != nil {
			t.Fatal(err)
		}
		c = clock.Along(1e18, p, clock.Speed{Num: rapid.Uint64Range(1, 60).Draw(t, "speed"), Den: 1}, l)
	}
	r := Rules{Shuffle: time.Duration(rapid.SampledFrom([]int64{0, 1, 1e8, 3e9, 3600e9}).Draw(t, "shuffle"))}
	if rapid.Bool().Draw(t, "repeats") {
		r.Repeat = Repeat{rapid.SampledFrom([]float64{0.001, 0.05, MaxRepeat}).Draw(t, "share"), rapid.Uint64Range(2, 100).Draw(t, "within")}
	}
	if rapid.Bool().Draw(t, "late") {
		r.Late = Late{Share: 0.3, From: time.Second, To: time.Minute}
	}
	limit := rapid.SampledFrom([]uint64{pace.Unbounded, 150, 1e6 + 100}).Draw(t, "limit")
	return New(r, rapid.Uint64().Draw(t, "key"), c, limit)
}

// What is delivered where agrees with where it is delivered. A shuffle stays within its
// block of time; a repeat is one of a delivery that is not a repeat itself, close before
// it.
func TestPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		first := p.clock.Origin()
		delivered := map[uint64][]uint64{} // positions by original
		const n = 300
		for position := first; position < first+n; position++ {
			original := p.Original(position)
			delivered[original] = append(delivered[original], position)
			carriers, m := p.Carriers(original)
			if !slices.Contains(carriers[:m], position) {
				t.Fatalf("position %d delivers %d, which is at %v", position, original, carriers[:m])
			}
			source, repeats := p.source(position)
			if repeats != p.Repeats(position) {
				t.Fatalf("position %d repeats %d, and does not", position, source)
			}
			if !repeats {
				source = position
			} else if source >= position || position-source >= p.Repeat.Within || p.Repeats(source) || source < first {
				t.Fatalf("position %d repeats %d", position, source)
			}
			if p.Shuffle == 0 && original != source {
				t.Fatalf("position %d delivers %d without a shuffle", position, original)
			}
			if p.Shuffle > 0 {
				block := func(position uint64) uint64 { from, _, _ := p.block(position); return from }
				if block(source) != block(original) {
					t.Fatalf("position %d delivers %d of another block of time", position, original)
				}
			}
			if d := p.Delay(original); d != 0 && (d < int64(time.Second) || d > int64(time.Minute)) {
				t.Fatalf("a delay of %v", time.Duration(d))
			}
		}
		for original, positions := range delivered {
			carriers, m := p.Carriers(original)
			within := slices.DeleteFunc(slices.Clone(carriers[:m]), func(at uint64) bool { return at < first || at >= first+n })
			if !slices.Equal(within, positions) {
				t.Fatalf("%d is delivered at %v, but at %v by the plan", original, positions, within)
			}
		}

		again, err := Parse(p.Text(), p.clock)
		if err != nil || again.Text() != p.Text() {
			t.Fatalf("%s is read as %v, %v", p.Text(), again, err)
		}
		for position := first; position < first+50; position++ {
			if p.Original(position) != again.Original(position) || p.Delay(position) != again.Delay(position) {
				t.Fatalf("%s: position %d is different when read again", p.Text(), position)
			}
		}
	})
}

// Shares are what was asked for.
func TestShares(t *testing.T) {
	c := clock.Even(0, pace.FixedRate{Num: 1e9, Den: 1}, clock.Layout{})
	for _, share := range []float64{0.01, 0.1, MaxRepeat} {
		p := New(Rules{Repeat: Repeat{share, 1000}, Late: Late{Share: share, Mean: time.Minute}}, 5, c, pace.Unbounded)
		const n = 400_000
		repeats, late, sum := 0.0, 0.0, 0.0
		for position := range uint64(n) {
			if p.Repeats(position) {
				repeats++
			}
			if d := p.Delay(position); d > 0 {
				late++
				sum += float64(d)
			}
		}
		for what, got := range map[string]float64{"repeats": repeats / n, "late records": late / n} {
			if sd := math.Sqrt(share * (1 - share) / n); math.Abs(got-share) > 5*sd+0.0026*share {
				t.Errorf("a share of %v is %v of %s", share, got, what)
			}
		}
		if mean := sum / late / float64(time.Minute); math.Abs(mean-1) > 5/math.Sqrt(late) {
			t.Errorf("the mean delay is %v minutes", mean)
		}
	}
}

// Rules survive their text; mistakes name what is expected.
func TestRules(t *testing.T) {
	for text, want := range map[string]Late{
		"5% by 10s": {Share: 0.05, From: 10 * time.Second, To: 10 * time.Second}, "0.1% BY 0 to 2m": {Share: 0.001, To: 2 * time.Minute},
		"100% by exponential 1h": {Share: 1, Mean: time.Hour},
	} {
		l, err := ParseLate(text)
		r := Rules{Late: l}
		if p, err2 := Parse(r.String(), nil); err != nil || l != want || err2 != nil || p.Late != want {
			t.Errorf("%q is %+v, %v; want %+v, written %q", text, l, err, want, r.String())
		}
	}
	for _, text := range []string{"", "5%", "5% by", "5 by 10s", "5% by 10", "5% by 10s until 5m", "5% by 5m to 10s", "5% by 0", "5% by normal 5s", "x by 1s", "5% in 10s"} {
		if l, err := ParseLate(text); err == nil && text != "5% by 10" {
			t.Errorf("%q is %+v", text, l)
		}
	}
	for _, text := range []string{"", "1%", "1% within", "1% within 1", "21% within 10", "1 within 10", "1% of 10", "1% within 1.5"} {
		if r, err := ParseRepeat(text); err == nil {
			t.Errorf("%q is %+v", text, r)
		}
	}
	for _, text := range []string{"", "key x", "limit -1", "shuffle_within 30s", "repeat 1%", "late", "odd 5"} {
		if p, err := Parse(text, nil); err == nil {
			t.Errorf("%q is %+v", text, p)
		}
	}
}

func BenchmarkOriginal(b *testing.B) {
	c := clock.Even(0, pace.FixedRate{Num: 1e7, Den: 1}, clock.Layout{})
	p := New(Rules{Shuffle: 30 * time.Second, Repeat: Repeat{0.01, 1000}, Late: Late{Share: 0.05, From: 1, To: 1e9}}, 5, c, pace.Unbounded)
	b.ReportAllocs()
	for k := range uint64(b.N) {
		p.Delay(p.Original(k))
	}
}

// The clocks of hosts are off by numbers that are evenly distributed between the limits.
func TestSkewed(t *testing.T) {
	const within = 5 * time.Second
	p := New(Rules{Skew: Skew{Key: "host", Within: within}}, 7, nil, pace.Unbounded)
	again, err := Parse(p.Text(), nil)
	if err != nil || again.Rules != p.Rules {
		t.Fatalf("%q is parsed as %+v, %v", p.Text(), again, err)
	}
	var tenths [10]int
	const hosts = 100_000
	for i := range hosts {
		host := strconv.AppendInt(nil, int64(i), 10)
		d := p.Skewed(host)
		if d < -int64(within) || d > int64(within) || d != again.Skewed(host) {
			t.Fatalf("the clock of %s is off by %d ns, again by %d", host, d, again.Skewed(host))
		}
		tenths[min((d+int64(within))/int64(within/5), 9)]++
	}
	for i, n := range tenths {
		if n < hosts/10-600 || n > hosts/10+600 {
			t.Errorf("%d hosts in tenth %d, want about %d", n, i, hosts/10)
		}
	}
	for _, text := range []string{"", "host", "host within", "host by 5s", "host within 0", "host, within 5s", "$ within 5s", "host within 5s to 6s"} {
		if s, err := ParseSkew(text); err == nil {
			t.Errorf("%q is %+v", text, s)
		}
	}
}
