package template

import (
	"testing"

	"github.com/gdummy/gdummy/internal/value"
)

// Where things with dwell times are depends on the record's number and time
// only: it is the same in any order of records, also when the clock goes back,
// and when a stream begins anywhere.
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
			t.Fatalf("record %d is %s, and %s if they are made backwards", k, inTurn[k], got)
		}
	}
	for k := uint64(0); k < n; k += 97 {
		alone := mustCompile(t, text)
		if got := string(value.OfRaw(alone.AppendBody(nil, at(k), k)).AppendJSON(nil)); got != inTurn[k] {
			t.Fatalf("record %d is %s, and %s alone", k, inTurn[k], got)
		}
	}
}

// A life of one thing goes on in time as the records do: the states that are
// seen of it follow one another, and it has one id, one beginning and steps
// that only grow.
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
			t.Fatalf("record %d at %f is in %s", k, now, s.AppendJSON(nil))
		}
		id := s.Field("id").Int()
		was, known := lives[id]
		if known && (is.began != was.began || is.step < was.step || is.since < was.since || (is.step == was.step) != (is == was)) {
			t.Fatalf("record %d goes from %+v to %s", k, was, s.AppendJSON(nil))
		}
		lives[id] = is
	}
	// 2000 seconds of 25 things, each of whose lives lasts 202.5 on the average, and
	// those that were under way: the bounds are three standard deviations.
	if len(lives) < 240 || len(lives) > 304 {
		t.Errorf("%d lives were seen, expected about 272", len(lives))
	}
}
