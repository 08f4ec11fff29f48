// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/config/units"
)

// The number of records of a whole day in each zone, by hand.
var dailyTests = []struct {
	spec     string
	from, to string // RFC 3339
	want     uint64
	why      string
}{
	{"daily 09:00 500, 12:00 900, 18:00 300", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z",
		3600 * (9*300 + 3*500 + 6*900 + 6*300), "the last rate of a day lasts until the first of the next"},
	{"daily 09:00 1, 18:00 0", "2026-11-02T12:00:00Z", "2026-11-02T13:00:00Z", 3600, "a start between two times"},
	{"daily mon-fri 00:00 1, sat sun 00:00 0", "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z", 5 * 86400, "weekdays"},
	{"daily fri-mon 12:00 1, tue 12:00 0", "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z", 4 * 86400, "a range over the end of the week, a rate that lasts for days"},
	{"daily 00:00 1; zone Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23 * 3600, "spring: a day of 23 hours"},
	{"daily 00:00 1; zone Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25 * 3600, "autumn: a day of 25 hours"},
	{"daily 00:00 0, 02:00 1, 03:00 0; zone Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 0, "spring: the hour that is skipped has no records"},
	{"daily 00:00 0, 02:30 1, 04:00 0; zone Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 3600, "spring: a time in the gap applies from 03:00"},
	{"daily 00:00 0, 02:00 1, 03:00 0; zone Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 2 * 3600, "autumn: the hour that comes twice has its records twice"},
	{"daily 00:00 0, 02:30 1, 03:00 0; zone Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 3600, "autumn: a time in that hour applies twice, and the rate falls back between"},
	{"daily 00:00 0, 02:00 1, 03:00 0; zone Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", "2026-10-05T00:00:00+11:00", 1800, "a gap of half an hour"},
	{"daily 00:00 0, 09:00 1, 10:00 0; zone +05:30", "2026-11-02T03:30:00Z", "2026-11-02T04:30:00Z", 3600, "an offset"},
	{"daily 00:00 0, 09:00 1, 10:00 0; zone America/New_York", "2080-07-01T12:00:00Z", "2080-07-01T15:00:00Z", 3600, "far after the last rule of the zone's table"},
	{"daily 00:00 2; zone Pacific/Apia", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", 2 * 86400, "a zone without the day of December 30, 2011"},
	{"daily thu 00:00 1, fri 00:00 5, sat 00:00 0; zone Pacific/Apia", "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", 86400, "the same, on a Friday"},
	{"idle for 1h; daily 09:00 1, 10:00 0 for 2h", "2026-11-02T08:00:00Z", "2026-11-03T10:00:00Z", 3600, "after another segment, with an end"},
	{"daily 09:00 1, 10:00 0; scale 2.5", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z", 9000, "scale"},
	{"daily 09:00:30 1, 09:00:31 0", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z", 1, "seconds"},
}

func TestDaily(t *testing.T) {
	for _, tt := range dailyTests {
		from, err := time.Parse(time.RFC3339, tt.from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := time.Parse(time.RFC3339, tt.to)
		if err != nil {
			t.Fatal(err)
		}
		length := int64(to.Sub(from))
		p := mustParse(t, tt.spec).From(from.UnixNano())
		if got := p.Due(length); got != tt.want {
			t.Errorf("%s, from %s to %s: %d records, want %d: %s", tt.spec, tt.from, tt.to, got, tt.want, tt.why)
		}
		q := mustParse(t, p.String())
		if got := q.Due(length); got != tt.want || q.String() != p.String() {
			t.Errorf("%s: its normal form %q is %q with %d records, want %d", tt.spec, p, q, got, tt.want)
		}
	}
}

var dailyZones = []string{"UTC", "+05:30", "-03:30", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/Los_Angeles"}

// drawDaily draws a profile with a daily segment, all of whose times are whole minutes.
func drawDaily(t *rapid.T) string {
	var parts []string
	seen := map[string]bool{}
	for range rapid.IntRange(1, 6).Draw(t, "times") {
		at := fmt.Sprintf("%02d:%02d", rapid.SampledFrom([]int{0, 1, 2, 3, 9, 23}).Draw(t, "hour"), rapid.SampledFrom([]int{0, 30, 59}).Draw(t, "minute"))
		if seen[at] {
			continue // on the same days, perhaps
		}
		seen[at] = true
		days := rapid.SampledFrom([]string{"", "", "mon-fri ", "sat sun ", "sun ", "fri-tue ", "mon-sun "}).Draw(t, "days")
		parts = append(parts, days+at+" "+drawRate.Draw(t, "rate"))
	}
	text := "daily " + strings.Join(parts, ", ")
	if rapid.Bool().Draw(t, "ends") {
		text += fmt.Sprintf(" for %dns", rapid.Int64Range(1, 1e15).Draw(t, "for"))
	}
	if rapid.Bool().Draw(t, "after") {
		text = "constant " + drawRate.Draw(t, "first") + " for 90m; " + text
	}
	from := rapid.Int64Range(1.2e9, 2e9).Draw(t, "from")
	if rapid.Bool().Draw(t, "near a change") {
		at := rapid.SampledFrom([]string{"2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z", "2026-03-08T09:00:00Z", "2011-12-30T09:00:00Z"}).Draw(t, "change")
		change, _ := time.Parse(time.RFC3339, at)
		from = change.Unix() + rapid.Int64Range(-100000, 20000).Draw(t, "before")
	}
	moment := units.FormatMoment(units.Moment{Nanoseconds: from*1e9 + rapid.Int64Range(0, 999999999).Draw(t, "ns")})
	return text + "; zone " + rapid.SampledFrom(dailyZones).Draw(t, "zone") + "; from " + moment
}

// The integral is the sum, minute by minute of the zone's clock, of the rate of the
// latest entry, found by stepping back through the calendar.
func TestDailyIntegral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawDaily(t)
		p := mustParse(t, text)
		at := rapid.Int64Range(0, int64(4*day)).Draw(t, "at")
		want := new(big.Rat)
		begin := time.Unix(0, *p.from).In(p.location())
		for i := range p.segments {
			s := &p.segments[i]
			end := min(uint64(at), p.end)
			if s.dur > 0 {
				end = min(end, s.start+s.dur)
			}
			for x := s.start; x < end; {
				now := begin.Add(time.Duration(x))
				next := min(end, x+uint64(now.Truncate(time.Minute).Add(time.Minute).Sub(now)))
				rate := s.a
				if s.daily != nil {
					rate = latest(s.daily.entries, now)
				}
				want.Add(want, new(big.Rat).SetFrac(new(big.Int).Mul(new(big.Int).SetUint64(rate), new(big.Int).SetUint64(next-x)), new(big.Int).SetUint64(quantaPerNanosecond)))
				x = next
			}
		}
		n := new(big.Int).Div(want.Num(), want.Denom()).Uint64()
		if got := p.Due(at); got != n {
			t.Fatalf("%s: %d records after %v, want %s", text, got, time.Duration(at), want.FloatString(9))
		}
		low, high := p.Bounds(0, at+1)
		if mean := p.Records(0, at+1) / float64(at+1) * 1e9; mean < low*(1-1e-9) || mean > high*(1+1e-9) {
			t.Fatalf("%s: a mean rate of %g until %v, outside of its bounds %g and %g", text, mean, time.Duration(at), low, high)
		}
	})
}

// latest returns the rate of the latest entry at a local time: on this day or, minute by
// minute, on an earlier one of the calendar.
func latest(entries []entry, now time.Time) uint64 {
	weekday := (int(now.Weekday()) + 6) % 7
	of := uint64(now.Hour()*60+now.Minute()) * 60e9
	for back := range 8 {
		best := -1
		for i, e := range entries {
			if e.days>>((weekday-back+14)%7)&1 > 0 && (back > 0 || e.at <= of) && (best < 0 || e.at > entries[best].at) {
				best = i
			}
		}
		if best >= 0 {
			return entries[best].rate
		}
	}
	panic("no entry in a week")
}

// The segments that depend on the time of day have the properties of the others.
func TestDailyAtIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawDaily(t)
		p := mustParse(t, text)
		at := rapid.Int64Range(0, MaxTime).Draw(t, "far")
		if rapid.Bool().Draw(t, "near") {
			at %= int64(10 * day)
		}
		n := p.Due(at)
		fresh := mustParse(t, text)
		for k := n - min(n, 2); k < n+5; k++ {
			when := fresh.At(k)
			if again := p.At(k); again != when {
				t.Fatalf("%s: At(%d) = %d alone, %d in sequence", text, k, when, again)
			}
			if when == Never || when == 0 {
				continue
			}
			if p.Due(when) < k || p.Due(when-1) >= k {
				t.Fatalf("%s: At(%d) = %d, but %d are due then, and %d before", text, k, when, p.Due(when), p.Due(when-1))
			}
			if (k <= n) != (when <= at) {
				t.Fatalf("%s: At(%d) = %d, but Due(%d) = %d", text, k, when, at, n)
			}
		}
	})
}

func TestDailyFrom(t *testing.T) {
	own := mustParse(t, "daily 09:00 500, 18:00 50; from 2026-11-01T08:00:00Z")
	if own.From(0) != own {
		t.Error("From changes a profile that has a start")
	}
	if plain := mustParse(t, "500"); plain.From(0) != plain || plain.Daily() {
		t.Error("From changes a profile without times of day")
	}
	p := mustParse(t, "daily 09:00 500, 18:00 50")
	before := p.String()
	if late := p.From(18 * 3600e9); late.RateAt(0) != 50 || p.RateAt(9*3600e9) != 500 || p.String() != before {
		t.Errorf("from 18:00 at a rate of %g, want 50; the profile itself at 09:00 %g, want 500, and %q", late.RateAt(0), p.RateAt(9*3600e9), p)
	}
}

func TestDailyNormal(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"DAILY 9:00 500, 12:00 0.9k; 18:00 300", "daily 09:00 500, 12:00 900, 18:00 300"},
		{"daily Mon-Fri 08:00 5\n20:00 1\nsat sun 10:00:05 2 for 14d", "daily mon-fri 08:00 5, 20:00 1, sat-sun 10:00:05 2 for 14d"},
		{"daily sat-mon 08:00 5, mon-sun 09:00 1", "daily mon sat-sun 08:00 5, mon-sun 09:00 1"},
		{"daily mon 08:00 5, tue 08:00 6; 100", ""},
		{"daily 08:00 5 for 1d; 100; from 0; zone Asia/Tokyo", "daily 08:00 5 for 1d; constant 100; zone Asia/Tokyo; from 1970-01-01T00:00:00Z"},
	} {
		p, err := ParseProfile(tt.text)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q: no error, want one for the segment after an endless one", tt.text)
			}
			continue
		}
		if err != nil || p.String() != tt.want {
			t.Errorf("%q: %v, %v, want %q", tt.text, p, err, tt.want)
		}
	}
}
