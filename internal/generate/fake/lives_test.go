// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

// With dwell times, the state depends only on the number and time of the record: not on
// the order of records, a clock that goes back, or the first record of the stream.
func TestStatesInTime(t *testing.T) {
	const text = `{{ $s := states 40 "login 5s: browse; browse 1m: browse 7, buy 2, logout 1; buy 30s..90s: browse; logout 1h" }}` +
		`{"s": {{ $s }}, "u": {{ state_of (cycle "ada" "grace" 17) "up 1h: down; down 5m..10m: up 1, gone 1; gone 1m" }}}`
	const n = 2000
	at := func(k uint64) int64 { return exampleTime + int64(k*k%7919)*977e6 - int64(k)*1e9 }
	p := mustCompile(t, text)
	inTurn := make([]string, n)
	for k := range inTurn {
		inTurn[k] = string(value.OfRaw(p.AppendBody(nil, at(uint64(k)), uint64(k))).AppendJSON(nil))
	}
	back := mustCompile(t, text)
	for k := n - 1; k >= 0; k-- {
		if got := string(value.OfRaw(back.AppendBody(nil, at(uint64(k)), uint64(k))).AppendJSON(nil)); got != inTurn[k] {
			t.Fatalf("record %d is %s in order, and %s in reverse order", k, inTurn[k], got)
		}
	}
	for k := uint64(0); k < n; k += 97 {
		alone := mustCompile(t, text)
		if got := string(value.OfRaw(alone.AppendBody(nil, at(k), k)).AppendJSON(nil)); got != inTurn[k] {
			t.Fatalf("record %d is %s in order, and %s alone", k, inTurn[k], got)
		}
	}
}

// A life progresses with the time of records: its states follow each other, its id and
// its begin are constant, and its steps increase.
func TestStatesGoOn(t *testing.T) {
	p := mustCompile(t, `{"s": {{ states 25 "created 20s: paid 3, cancelled 1; paid 1m..3m: shipped; shipped 2m; cancelled 10s" }}}`)
	type life struct {
		began, since float64
		step         int64
		state        string
	}
	lives := map[int64]life{}
	for k := range uint64(100_000) {
		s := value.OfRaw(p.AppendBody(nil, exampleTime+int64(k)*2e7, k)).Field("s")
		is := life{s.Field("began").Float(), s.Field("since").Float(), s.Field("step").Int(), s.Field("state").S()}
		now, until := float64(exampleTime)/1e9+float64(k)*0.02, s.Field("until").Float()
		if is.since > now+1e-5 || until < now-1e-5 || is.began > is.since {
			t.Fatalf("record %d at %f: got %s", k, now, s.AppendJSON(nil))
		}
		id := s.Field("id").Int()
		was, known := lives[id]
		if known && (is.began != was.began || is.step < was.step || is.since < was.since || (is.step == was.step) != (is == was)) {
			t.Fatalf("record %d: transition from %+v to %s", k, was, s.AppendJSON(nil))
		}
		lives[id] = is
	}
	// 2000 seconds of 25 entities whose lives last 202.5 s on average, and the lives
	// that were open at the start. The bounds are three standard deviations.
	if len(lives) < 240 || len(lives) > 304 {
		t.Errorf("%d lives, want about 272", len(lives))
	}
}

// Without dwell times, the mean length of lives and the frequencies of their last states
// follow from the weights.
func TestLivesLast(t *testing.T) {
	testenv.SkipRace(t)
	t.Parallel()
	for _, tt := range []struct {
		machine string
		visits  float64            // mean number in a life
		ends    map[string]float64 // share of each last state
	}{
		{"s: s 19, e 1", 21, map[string]float64{"e": 1}},
		{"s: s 3, e 1", 5, map[string]float64{"e": 1}},
		{"s: s 39, e 1", 41, map[string]float64{"e": 1}},
		{"created: paid 9, cancelled 1; paid: shipped; shipped: delivered", 3.8, map[string]float64{"cancelled": 0.1, "delivered": 0.9}},
		{"login: browse; browse: browse 7, buy 2, logout 1; buy: browse", 14, map[string]float64{"logout": 1}},
		{"a: a 8, b 1, c 1; b: b 1, d 1", 7, map[string]float64{"c": 0.5, "d": 0.5}},
		{"a: b; b: c", 3, map[string]float64{"c": 1}},
	} {
		const n = 300_000
		p := mustCompile(t, `{"s": {{ states 1000 "`+tt.machine+`" }}}`)
		lives, ends := 0.0, map[string]float64{}
		var dst []byte
		for k := range uint64(n) {
			dst = p.AppendBody(dst[:0], exampleTime, k)
			if s := value.OfRaw(dst).Field("s"); s.Field("last").Truth() {
				lives++
				ends[strings.Clone(s.Field("state").S())]++
			}
		}
		if got := n / lives; got < tt.visits*0.99 || got > tt.visits*1.01 {
			t.Errorf("%s: the mean length of a life is %.3f steps, want %v", tt.machine, got, tt.visits)
		}
		for end, want := range tt.ends {
			if got := ends[end] / lives; got < want-0.006 || got > want+0.006 {
				t.Errorf("%s: %.4f of the lives end with %s, want %v", tt.machine, got, end, want)
			}
		}
	}
}
