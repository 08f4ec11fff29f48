// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/config/diag"
)

func mustParse(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, text string) *Profile {
	t.Helper()
	p, err := ParseProfile(text)
	if err != nil {
		t.Fatalf("ParseProfile(%q): %v", text, err)
	}
	return p
}

const day = 24 * time.Hour

var dueTests = []struct {
	spec string
	at   time.Duration
	want uint64
	why  string
}{
	{"500", time.Second, 500, "a number alone is a constant rate"},
	{"500", 0, 0, "nothing is due before any time has passed"},
	{"500", 2*time.Millisecond - 1, 0, "a record is due when the integral reaches it"},
	{"500", 2 * time.Millisecond, 1, "and not later"},
	{"500", -time.Second, 0, "no time is before the start"},
	{"0.1", 10 * time.Second, 1, "0.1 is a tenth, not the double next to it"},
	{"1/m", 59999999999, 0, "a rate per minute"},
	{"1/m", time.Minute, 1, "a rate per minute"},
	{"1/h", time.Hour, 1, "a rate per hour"},
	{"1k/h", time.Hour, 1000, "a suffix and a unit together"},
	{"1G", time.Second, 1e9, "the highest rate"},
	{"1G", 100 * 365 * day, 3153600000000000000, "a century at the highest rate does not overflow"},
	{"0.000001/h", 36500 * day, 0, "the lowest rate: 0.876 of a record in a century"},
	{"0.00000278", 100 * time.Hour, 1, "just above one record in 100 hours"},
	{"idle", 36500 * day, 0, "never a record"},
	{"idle for 10s; 100", 10 * time.Second, 0, "idle delays what follows"},
	{"idle for 10s; 100", 11 * time.Second, 100, "idle delays what follows"},

	{"ramp 0 to 1k for 2m", 2 * time.Minute, 60000, "a triangle: half of 1000/s times 120 s"},
	{"ramp 0 to 1k for 2m", time.Minute, 15000, "a quarter of the records in half the time"},
	{"ramp 0 to 1k for 2m", time.Hour, 60000, "nothing after the end"},
	{"ramp 1k to 0 for 2m", time.Minute, 45000, "down: three quarters in half the time"},
	{"ramp 1k to 0 for 2m", 2 * time.Minute, 60000, "down: the same total"},
	{"ramp 1k to 0 for 2m", 2*time.Minute - 1, 59999, "the last record is due at the very end"},
	{"ramp 100 to 100 for 1s", 10 * time.Millisecond, 1, "a ramp between equal rates is constant"},
	{"ramp 1 to 2 for 3ns; 1", time.Second, 1, "the 4.5 billionths of a record from the ramp count"},
	{"ramp 0 to 1G for 36500d", 36500 * day, 1576800000000000000, "the largest ramp does not overflow"},

	{"steps 100 to 300 by 100 every 10s", 10 * time.Second, 1000, "the first step lasts for TIME"},
	{"steps 100 to 300 by 100 every 10s", 30 * time.Second, 6000, "so does the last one"},
	{"steps 100 to 300 by 100 every 10s", 31 * time.Second, 6000, "then it ends"},
	{"steps 300 to 100 by 100 every 10s", 10 * time.Second, 3000, "downwards"},
	{"steps 100 to 250 by 100 every 1s", 3 * time.Second, 550, "the last step is smaller"},
	{"steps 250 to 100 by 100 every 1s", 3 * time.Second, 500, "downwards too"},
	{"steps 5 to 5 by 1 every 1s", 9 * time.Second, 5, "equal rates are one step"},

	{"sine 100 to 1000 every 24h", day, 47520000, "the mean rate over a whole period"},
	{"sine 100 to 1000 every 24h", day / 2, 23760000, "half the records in half the time"},
	{"sine 100 to 1000 every 24h", 365 * day, 365 * 47520000, "no drift in a year"},
	{"sine 0 to 2 every 2s from peak", 500 * time.Millisecond, 0, "1/2 + 1/π = 0.818 in the first quarter from the peak"},
	{"sine 0 to 200 every 2s from peak", 500 * time.Millisecond, 81, "the same at a hundred times the rate"},
	{"sine 0 to 200 every 2s", 500 * time.Millisecond, 18, "1/2 - 1/π = 0.182 in the first quarter from the trough"},
	{"sine 7 to 7 every 1s", time.Second, 7, "a sine between equal rates is constant"},
	{"sine 0 to 10 every 2ns for 10s; 0", time.Hour, 50, "a period of 2 ns"},

	{"bursts 5k on 200ms off 1.8s", 2 * time.Second, 1000, "a burst starts at once"},
	{"bursts 5k on 200ms off 1.8s", 200 * time.Millisecond, 1000, "and ends when off begins"},
	{"bursts 5k on 200ms off 1.8s base 100", 2 * time.Second, 1180, "the base fills the gaps"},
	{"bursts 10 on 1s off 1s for 3.5s", time.Minute, 20, "the end may be anywhere in the pattern"},

	{"0.1 for 10s; repeat", 365 * day, 3153600, "one record in each cycle, for a year"},
	{"0.1 for 10s; repeat", 36500 * day, 315360000, "and for a century"},
	{"0.15 for 10s; repeat", 20 * time.Second, 3, "half a record carries over to the next cycle"},
	{"1/m for 20s; idle for 1s; repeat", 63 * time.Second, 1, "three thirds are one"},
	{"1/m for 20s; idle for 1s; repeat", 62 * time.Second, 1, "three thirds are one, when the third is complete"},
	{"1/m for 20s; idle for 1s; repeat", 62*time.Second - 1, 0, "and not before"},
	{"100 for 1s; idle for 1s; repeat 3", time.Hour, 300, "three times in total"},
	{"100 for 1s; repeat 1", time.Hour, 100, "once is once"},
	{"100 for 1s; scale 2", time.Hour, 200, "scale multiplies the rate"},
	{"100 for 1s; stretch 2", time.Hour, 200, "stretch multiplies the time"},
	{"ramp 0 to 10 for 10s; 10 for 5s; scale 0.1; stretch 10; repeat 2", time.Hour, 200, "all modifiers together"},
}

func TestDue(t *testing.T) {
	for _, tt := range dueTests {
		p := mustParse(t, tt.spec)
		if got := p.Due(int64(tt.at)); got != tt.want {
			t.Errorf("%s: Due(%v) = %d, want %d: %s", tt.spec, tt.at, got, tt.want, tt.why)
		}
	}
}

func TestAt(t *testing.T) {
	for _, tt := range []struct {
		spec string
		n    uint64
		want int64
		why  string
	}{
		{"500", 0, 0, "0 records are due from the start"},
		{"500", 1, 2e6, "500 per second are 2 ms apart"},
		{"3", 1, 333333334, "rounded up: the integral is below 1 before"},
		{"3", 3, 1e9, "a whole second again: no drift"},
		{"3", 3 * 86400 * 365, 86400 * 365 * 1e9, "no drift in a year either"},
		{"0", 1, Never, "no rate, no record"},
		{"0 for 1s; repeat", 1, Never, "not in any cycle either"},
		{"100 for 1s", 100, 1e9, "the last record is due at the end"},
		{"100 for 1s", 101, Never, "no other record follows"},
		{"ramp 0 to 1k for 2m", 60000, 120e9, "the last record of a ramp"},
		{"ramp 0 to 1k for 2m", 15000, 60e9, "a quarter in half the time"},
		{"ramp 1k to 0 for 2m", 60000, 120e9, "the last record is due even where the rate reaches 0"},
		{"idle for 10s; 100", 1, 10010e6, "the first one after the pause"},
		{"1k for 1s; idle for 1h; 1k", 1001, 3601001e6, "across a pause"},
		{"bursts 1 on 1s off 9s", 1000, 9991e9, "each burst has one, at its end"},
		{"0.1 for 10s; repeat", 3153600, 86400 * 365 * 1e9, "one record per cycle for a year"},
		{"1G", math.MaxInt64 - 1, math.MaxInt64 - 1, "the latest time"},
		{"1G", math.MaxInt64, Never, "beyond the latest time"},
		{"1G", math.MaxUint64, Never, "beyond the latest time"},
	} {
		p := mustParse(t, tt.spec)
		if got := p.At(tt.n); got != tt.want {
			t.Errorf("%s: At(%d) = %d, want %d: %s", tt.spec, tt.n, got, tt.want, tt.why)
		}
	}
}

var errorTests = []struct {
	spec    string
	line    int
	column  int
	problem string
	why     string
}{
	{"", 1, 1, "expected a segment", "an empty profile is not an idle one"},
	{" ; ,\n ", 1, 5, "expected a segment", "separators alone"},
	{"rmap 0 to 1k for 2m", 1, 1, `unknown word "rmap"; did you mean ramp`, "a typo has a nearest keyword"},
	{"daily", 1, 6, "incomplete daily: expected a time of day and a rate", "no time of day"},
	{"daily 500", 1, 7, `invalid time "500": expected a time of day such as 09:00`, "a rate alone"},
	{"daily 09:00", 1, 12, `missing value after "09:00": expected a rate`, "a time without a rate"},
	{"daily 24:00 5", 1, 7, `invalid time of day "24:00": expected one from 00:00 to 23:59:59`, "no such hour"},
	{"daily 9:5 5", 1, 7, `invalid time of day "9:5"`, "9:05 or 9:50?"},
	{"daily 09:00 5 12:00 6", 1, 15, `unexpected "12:00": expected a comma before it`, "a missing separator"},
	{"daily moon 09:00 5", 1, 7, `invalid day "moon": expected a time of day such as 09:00, or days such as mon or mon-fri; did you mean mon`, "a typo in a day"},
	{"daily mon-fr 09:00 5", 1, 7, `invalid time "mon-fr"`, "a typo in a range"},
	{"daily mon", 1, 10, "missing time of day after the days", "days alone"},
	{"daily 09:00 5, mon 09:00 6", 1, 20, `duplicate "09:00" on mon`, "two rates at one time"},
	{"daily 09:00 5 for 1d, 10:00 6", 1, 23, `unexpected "10:00" after "for"`, "a time after the end"},
	{"daily 09:00 5; repeat", 1, 16, "repeat with daily", "it repeats already"},
	{"daily 09:00 5; stretch 2", 1, 16, "stretch with daily", "a day has 24 hours"},
	{"500; zone UTC", 1, 6, "zone without daily", "nothing depends on it"},
	{"daily 09:00 5; zone Local", 1, 21, `unknown time zone "Local"`, "another machine has another one"},
	{"daily 09:00 5; zone Europe/Berlino", 1, 21, `unknown time zone "Europe/Berlino"`, "no such zone"},
	{"daily 09:00 5; from -24h", 1, 21, `invalid start "-24h"`, "a relative start changes with every run"},
	{"500; jitter", 1, 12, "incomplete jitter: expected a share such as 30%", "no share"},
	{"500; jitter 0.3", 1, 16, `invalid value "0.3"`, "a part of 1"},
	{"500; jitter 0%", 1, 13, "invalid jitter 0%: expected more than 0%", "no jitter"},
	{"500; jitter 130%", 1, 13, "expected 0% to 100%", "records would pass each other"},
	{"poisson 5; jitter 10%", 1, 12, "jitter with poisson", "random already"},
	{"elephant", 1, 1, "expected a rate or one of constant", "other words get the list"},
	{"-5", 1, 1, `invalid segment "-5": expected a rate`, "a negative rate"},
	{"constant -5", 1, 10, `must not be negative: expected records per second`, "a negative rate"},
	{"constant NaN", 1, 10, `invalid value "NaN"`, "valid as a float only"},
	{"constant Inf", 1, 10, `invalid value "Inf"`, "valid as a float only"},
	{"constant 1e3x", 1, 13, `unknown unit "x"`, "text after the multiple"},
	{"2G", 1, 1, "at most 1G per second", "the limit is one record per nanosecond"},
	{"9999999999999999G", 1, 1, "at most 1G per second", "far above"},
	{"1234567890123456789", 1, 1, "at most 1G per second", "more digits than fit"},
	{"0.000000001", 1, 1, "a multiple of 0.000001/h", "a rate that would be rounded"},
	{"0.0000001/h", 1, 1, "a multiple of 0.000001/h", "a rate that would be rounded"},
	{"5m", 1, 2, "did you mean 5M (5 million per second) or 5/m (5 per minute)?", "thousandths, minutes or millions?"},
	{"5x", 1, 2, `unknown unit "x": expected records per second`, "an unknown suffix"},
	{"5/d", 1, 2, "expected /s, /m or /h", "an unknown unit"},
	{"1.2.3", 1, 4, `invalid value "1.2.3": expected records per second`, "two points"},
	{".", 1, 1, "expected records per second", "a point alone is not a number"},
	{"ramp 0 to 1k", 1, 13, `expected "for" and a time span`, "a ramp without an end has no slope"},
	{"ramp to 5", 1, 10, "expected a rate", "the first rate is missing"},
	{"ramp 0 to", 1, 10, `missing value after "to": expected a rate`, "a word without its value"},
	{"ramp 0 to 1k to 2k for 1s", 1, 14, `duplicate "to"`, "ambiguous"},
	{"500 fro 1m", 1, 5, "; did you mean for", "a typo in a clause"},
	{"500 for 1m ramp 0 to 1k for 1m", 1, 12, "a semicolon or a comma before it", "the separator is missing"},
	{"idle 5", 1, 6, "expected for or the end of idle", "idle has no rate"},
	{"500 for", 1, 8, `missing value after "for"`, "the time is missing"},
	{"500 for x", 1, 9, "expected a time span", "not a time"},
	{"500 for 10x", 1, 11, `unknown unit "x": expected a time span`, "an unknown unit"},
	{"500 for 1h30", 1, 11, "missing unit after 30: expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d; did you mean 1h30m?", "the last unit is missing"},
	{"500 for 0s", 1, 9, "at least 1ns", "an empty time span"},
	{"500 for 0.5ns", 1, 9, "expected whole nanoseconds", "a time that would be rounded"},
	{"500 for 36501d", 1, 9, "at most 36500d", "longer than a century"},
	{"500 for 99999999999999999h", 1, 9, "at most 36500d", "far above"},
	{"500; 600", 1, 4, "no end, but another segment follows", "the second segment is never reached"},
	{"500 for 1m\n600 for 1m\n700 fur 1m", 3, 5, "; did you mean for", "the error is on line 3"},
	{"é 500", 1, 1, `invalid segment "é"`, "a letter of two bytes"},
	{"500 é", 1, 5, `unexpected "é"`, "a letter of two bytes"},
	{"steps 1 to 2 by 0 every 1s", 1, 17, "invalid step 0", "it would never end"},
	{"steps 0 to 1G by 0.000001/h every 1s", 1, 35, "too long", "more steps than time"},
	{"sine 5 to 1 every 1s", 1, 6, "the lower rate first", "trough and peak are swapped"},
	{"sine 1 to 5 every 1s from top", 1, 27, "expected trough or peak", "an unknown phase"},
	{"bursts 1 on 36500d off 1ns", 1, 24, "at most 36500d in total", "a pattern beyond the limit"},
	{"poisson 5 seed x", 1, 16, "expected a whole number", "not a seed"},
	{"poisson 5 seed 99999999999999999999", 1, 16, "expected a whole number", "a seed that does not fit"},
	{"repeat", 1, 1, "repeat without a segment", "nothing to repeat"},
	{"500; repeat", 1, 6, "repeat is never reached", "the segment has no end"},
	{"500 for 1s; repeat 0", 1, 20, "expected at least 1", "zero times"},
	{"500 for 1s; repeat 1.5", 1, 20, "expected a whole number", "one and a half times"},
	{"500 for 1s; repeat for", 1, 20, "expected a whole number", "repeat has no such word"},
	{"500 for 1s; repeat 3 times", 1, 22, `unexpected "times": expected the end of repeat`, "an extra word"},
	{"500 for 1s; repeat; repeat", 1, 21, "duplicate repeat", "ambiguous"},
	{"500 for 1m; repeat 99999999999999", 1, 20, "at most 36500d", "longer than a century in total"},
	{"scale 2; 500", 1, 10, "all segments before it", "modifiers come last"},
	{"500; scale 0", 1, 12, "expected a factor above 0", "nothing would be due"},
	{"500; scale", 1, 11, "incomplete scale: expected a factor", "the factor is missing"},
	{"500; scale 2x", 1, 12, "expected a factor", "not a number"},
	{"500; scale 1000000000", 1, 12, "makes the rate 500 too high", "scaled beyond the limit"},
	{"0.00000001; scale 0.001", 1, 19, "too fine", "scaled below what is exact"},
	{"1 for 36500d; stretch 2", 1, 23, "too long", "stretched beyond the limit"},
	{"1 for 1ns; stretch 0.5", 1, 20, "a fraction of a nanosecond", "stretched below the nanosecond"},
	{strings.Repeat("1 for 1s;", 1001), 1, 9001, "expected at most 1000", "memory is bounded"},
	{strings.Repeat(" ", MaxText+1), 1, MaxText + 1, "longer than 65536 bytes", "time is bounded"},
}

func TestErrors(t *testing.T) {
	for _, tt := range errorTests {
		short := tt.spec[:min(len(tt.spec), 60)]
		p, err := ParseProfile(tt.spec)
		if err == nil {
			t.Errorf("ParseProfile(%q) = %s, want an error: %s", short, p, tt.why)
			continue
		}
		var syn *diag.Error
		if !errors.As(err, &syn) {
			t.Errorf("ParseProfile(%q): %v has no position", short, err)
			continue
		}
		if syn.Line != tt.line || syn.Column != tt.column || !strings.Contains(syn.Problem+"; did you mean "+syn.Near, tt.problem) {
			t.Errorf("ParseProfile(%q): %v\n%s\nwant line %d, column %d: %s\n%s", short, err, syn.Excerpt(), tt.line, tt.column, tt.problem, tt.why)
		}
	}
}

func TestKinds(t *testing.T) {
	for i := range Kinds {
		k := &Kinds[i]
		p, err := ParseProfile(k.Example)
		if err != nil {
			t.Errorf("%s: example: %v", k.Name, err)
			continue
		}
		if k.Name != "idle" && p.Due(int64(day)) == 0 {
			t.Errorf("%s: example %q has no records", k.Name, k.Example)
		}
		if !strings.Contains(k.Example, k.Name+" ") && !strings.HasSuffix(k.Example, k.Name) {
			t.Errorf("%s: example %q does not contain it", k.Name, k.Example)
		}
	}
}
