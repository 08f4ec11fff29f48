// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

// Numbers have the requested distribution, and the test detects a parameter that is off
// by 2 %. By chance, the distance of 400,000 draws exceeds 0.0031 once in a thousand
// runs. The seed is fixed.
func TestDistributions(t *testing.T) {
	testenv.SkipRace(t)
	t.Parallel()
	const n, bound = 400_000, 0.0031
	phi := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	between := func(lo, hi float64) func(float64) float64 {
		return func(x float64) float64 { return min(max((x-lo)/(hi-lo), 0), 1) }
	}
	for _, tt := range []struct {
		expression string
		cdf        func(x float64) float64
		wrong      []string
	}{
		{`uniform 2 4`, between(2, 4), []string{`uniform 2.04 4`, `uniform 2 4.04`}},
		{`float -5 100`, between(-5, 100), []string{`float -5 102`, `float -3 100`}},
		{`float 0 100 2`, between(0, 100), []string{`float 0 102 2`}},
		{`normal 100 15`, func(x float64) float64 { return phi((x - 100) / 15) }, []string{`normal 100.3 15`, `normal 100 15.3`, `normal 100 14.7`}},
		{`lognormal 8.5 1.2`, func(x float64) float64 { return phi((math.Log(x) - 8.5) / 1.2) }, []string{`lognormal 8.524 1.2`, `lognormal 8.5 1.224`}},
		{`exponential 250`, func(x float64) float64 { return 1 - math.Exp(-x/250) }, []string{`exponential 255`, `exponential 245`}},
		{`latitude`, between(-90, 90), nil},
		{`longitude`, between(-180, 180), nil},
		{`sub (now "unix_float" "UTC" "1h" "10s") (now "unix_float")`, between(3590, 3610), []string{
			`sub (now "unix_float" "UTC" "1h" "10200ms") (now "unix_float")`, `sub (now "unix_float" "UTC" "1h200ms" "10s") (now "unix_float")`}},
		{`int 0 999999`, between(0, 1e6), []string{`int 0 1019999`, `int 20000 999999`}},
		{`port`, between(32768, 61000), nil},
	} {
		if d := testenv.Kolmogorov(floats(t, tt.expression, n), tt.cdf); d > bound {
			t.Errorf("%s: the distance is %.4f, expected at most %v", tt.expression, d, bound)
		}
		if testing.Short() {
			continue // planted errors are tested in full runs
		}
		for _, wrong := range tt.wrong {
			if d := testenv.Kolmogorov(floats(t, wrong, n), tt.cdf); d < bound {
				t.Errorf("%s is not distinguished from %s: the distance is %.4f", wrong, tt.expression, d)
			}
		}
	}
}

// chi returns the chi squared of counts, and the bound that it exceeds by chance once in
// a thousand runs (Wilson and Hilferty).
func chi(counts map[string]float64, want map[string]float64) (sum, bound float64) {
	total, weights := 0.0, 0.0
	for _, c := range counts {
		total += c
	}
	for _, w := range want {
		weights += w
	}
	for key, w := range want {
		e := total * w / weights
		sum += (counts[key] - e) * (counts[key] - e) / e
	}
	for key, c := range counts {
		if want[key] == 0 {
			sum += c * total // must not occur
		}
	}
	f := float64(len(want) - 1)
	return sum, f * math.Pow(1-2/(9*f)+3.1*math.Sqrt(2/(9*f)), 3)
}

// Values have the requested frequencies, and the test detects a weight, an exponent or a
// probability that is off by 2 %.
func TestFrequencies(t *testing.T) {
	testenv.SkipRace(t)
	t.Parallel()
	const n = 1_000_000
	equal := func(values ...string) map[string]float64 {
		m := map[string]float64{}
		for _, v := range values {
			m[v] = 1
		}
		return m
	}
	numbers := func(lo, hi int) map[string]float64 {
		m := map[string]float64{}
		for i := lo; i <= hi; i++ {
			m[fmt.Sprint(i)] = 1
		}
		return m
	}
	zipf := map[string]float64{}
	for i := 1; i <= 50; i++ {
		zipf[fmt.Sprint(i)] = math.Pow(float64(i), -1.1)
	}
	for _, tt := range []struct {
		expression string
		want       map[string]float64
		wrong      []string
	}{
		{`weighted 200 90 404 8 500 2`, map[string]float64{"200": 90, "404": 8, "500": 2}, []string{`weighted 200 90 404 8.16 500 2`, `weighted 200 91.8 404 8 500 2`}},
		{`bool 0.25`, map[string]float64{"true": 1, "false": 3}, []string{`bool 0.255`, `bool 0.245`}},
		{`pick "a" "b" "c" "d"`, equal("a", "b", "c", "d"), []string{`weighted "a" 102 "b" 100 "c" 100 "d" 100`}},
		{`int 1 6`, numbers(1, 6), []string{`int 1 7`, `weighted 1 102 2 100 3 100 4 100 5 100 6 100`}},
		{`int -50 49`, numbers(-50, 49), []string{`int -50 50`}},
		{`zipf 50 1.1`, zipf, []string{`zipf 50 1.122`, `zipf 50 1.078`, `zipf 51 1.1`}},
		{`cardinality 20 (int 1 20)`, numbers(1, 20), []string{`cardinality 19 (int 1 20)`}},
		{`unique 1 100`, numbers(1, 100), nil},
		{`shuffle 1 2 3 4 5`, numbers(1, 5), nil},
		{`(row "users.csv").age`, equal("36", "85", "41"), nil},
		{`status`, map[string]float64{"200": 820, "304": 60, "404": 35, "302": 20, "201": 15, "204": 10, "301": 8, "400": 6, "401": 6, "403": 5, "500": 8, "502": 3, "503": 3, "504": 1}, nil},
		{`level`, map[string]float64{"info": 70, "debug": 18, "warn": 8, "error": 4}, nil},
		{`method`, map[string]float64{"GET": 72, "POST": 16, "PUT": 5, "DELETE": 3, "HEAD": 2, "PATCH": 2}, nil},
	} {
		count := func(expression string) map[string]float64 {
			counts := map[string]float64{}
			for _, v := range values(t, expression, n) {
				counts[string(v.AppendText(nil))]++
			}
			return counts
		}
		if sum, bound := chi(count(tt.expression), tt.want); sum > bound {
			t.Errorf("%s: chi squared is %.1f, expected at most %.1f", tt.expression, sum, bound)
		}
		if testing.Short() {
			continue // planted errors are tested in full runs
		}
		for _, wrong := range tt.wrong {
			if sum, bound := chi(count(wrong), tt.want); sum < bound {
				t.Errorf("%s is not distinguished from %s: chi squared is %.1f", wrong, tt.expression, sum)
			}
		}
	}
}

// All orders of a shuffle are equally likely, and consecutive orders are independent.
func TestShuffles(t *testing.T) {
	orders := map[string]float64{}
	pairs := map[string]float64{}
	want, wantPairs := map[string]float64{}, map[string]float64{}
	before := ""
	for block := range slices.Chunk(values(t, `shuffle "a" "b" "c"`, 60_000), 3) {
		order := block[0].S() + block[1].S() + block[2].S()
		orders[order]++
		if before != "" {
			pairs[before+order]++
		}
		before = order
	}
	for key := range orders {
		want[key] = 1
		for other := range orders {
			wantPairs[key+other] = 1
		}
	}
	if sum, bound := chi(orders, want); sum > bound || len(orders) != 6 {
		t.Errorf("chi squared of %d orders is %.1f, expected at most %.1f", len(orders), sum, bound)
	}
	if sum, bound := chi(pairs, wantPairs); sum > bound {
		t.Errorf("chi squared of consecutive orders = %.1f, want at most %.1f", sum, bound)
	}
}

// A counter is exact at any record number.
func TestCounter(t *testing.T) {
	for _, tt := range []struct {
		expression        string
		start, step, wrap int64
	}{
		{`counter 0 7 700`, 0, 7, 700},
		{`counter 5 -3 10`, 5, -3, 10},
		{`counter 1 1000000000000 999999999989`, 1, 1e12, 999999999989},
		{`counter -1 -9223372036854775807 9223372036854775807`, -1, -math.MaxInt64, math.MaxInt64},
		{`counter 0 9223372036854775806 9223372036854775807`, 0, math.MaxInt64 - 1, math.MaxInt64},
	} {
		p := mustCompile(t, `{"v": {{ `+tt.expression+` }}}`)
		for _, k := range []uint64{0, 1, 2, 99, 1e6, 1e12, 1<<62 + 12345} {
			got := value.OfRaw(p.AppendBody(nil, exampleTime, k)).Field("v").Int()
			n := new(big.Int).Mul(new(big.Int).SetUint64(k), big.NewInt(tt.step))
			n.Mod(n, big.NewInt(tt.wrap)) // Euclidean: never negative
			if want := tt.start + n.Int64(); got != want {
				t.Errorf("%s: record %d has %d, want %d", tt.expression, k, got, want)
			}
		}
	}
}

// Names, ids and texts match the documented patterns.
func TestOutputPatterns(t *testing.T) {
	for expression, pattern := range map[string]string{
		`container`:       `^[a-z]+$`,
		`container_id`:    `^[0-9a-f]{64}$`,
		`namespace`:       `^[a-z-]+$`,
		`service`:         `^[a-z]+$`,
		`node`:            `^ip-10-0-(\d|1[0-5])-([4-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-3])$`,
		`hostname`:        `^[a-z]+-0\d\d$`,
		`pod_of "x"`:      `^x-[bcdfghjklmnpqrstvwxz2456789]{10}-[bcdfghjklmnpqrstvwxz2456789]{5}$`,
		`trace_id`:        `^[0-9a-f]{32}$`,
		`span_id`:         `^[0-9a-f]{16}$`,
		`hex 7`:           `^[0-9a-f]{7}$`,
		`domain`:          `^[a-z]+(-[a-z]+)?\.(example(\.(com|net|org))?|test)$`,
		`password`:        `^[!-~]{12,20}$`,
		`cvv`:             `^\d{3}$`,
		`card_expiry`:     `^(12/23|(0[1-9]|1[0-2])/2[4-7]|(0[1-9]|1[01])/28)$`, // the records are of November 2023
		`url_slug 4`:      `^[a-z]+(-[a-z]+){3}$`,
		`file_name`:       `^[a-z]+(_\d{4}|-[a-z]+)?\.[a-z]+$`,
		`file_path`:       `^(/[a-z]+){2,3}/[a-z]+(_\d{4}|-[a-z]+)?\.[a-z]+$`,
		`booking_code`:    `^[A-Z0-9]{6}$`,
		`state_code`:      `^[A-Z]{2}$`,
		`language_code`:   `^[a-z]{2}$`,
		`http_version`:    `^HTTP/\d\.\d$`,
		`numerify "a#-#"`: `^a\d-\d$`,
		`lexify "é??"`:    `^é[a-z]{2}$`,
		`price 5 6`:       `^[56](\.\d\d?)?$`,
	} {
		re := regexp.MustCompile(pattern)
		for _, v := range values(t, expression, 2000) {
			if s := string(v.AppendText(nil)); !re.MatchString(s) {
				t.Errorf("%s: %q does not match %s", expression, s, pattern)
				break
			}
		}
	}
	for _, n := range []int{1, 2, 3, 12, 1000} {
		for _, v := range values(t, fmt.Sprintf("base64 %d", n), 50) {
			if b, err := base64.StdEncoding.DecodeString(v.S()); err != nil || len(b) != n {
				t.Errorf("base64 %d: %q, %v", n, v.S(), err)
			}
		}
		for _, v := range values(t, fmt.Sprintf("pick (bytes %d) (hex %d)", n, n), 50) {
			if len(v.S()) != n {
				t.Errorf("%q: the length is not %d", v.S(), n)
			}
		}
	}
	for _, f := range floats(t, `price 1 200`, 5000) {
		if f < 1 || f > 200 || math.Abs(f*100-math.Round(f*100)) > 1e-9 {
			t.Errorf("a price is %v", f)
		}
	}
}

// The walk of a key does not depend on other keys, and has its own period.
func TestWalkKeys(t *testing.T) {
	alone := floats(t, `walk 0 10 50 "a"`, 400)
	among := values(t, `walk 0 10 50 (cycle "a" "b")`, 400)
	apart := 0.0
	for k, v := range among {
		if k%2 == 0 && v.Float() != alone[k] {
			t.Fatalf("record %d: %v with other keys, %v alone", k, v.Float(), alone[k])
		}
		if k%2 == 1 {
			apart = max(apart, math.Abs(v.Float()-alone[k]))
		}
	}
	if apart < 1 {
		t.Errorf("the distance of two keys is at most %v", apart)
	}
	// A walk with a longer period changes more slowly.
	moved := func(period int) (sum float64) {
		fs := floats(t, fmt.Sprintf("walk 0 10 %d", period), 5000)
		for k := range fs[1:] {
			sum += math.Abs(fs[k+1] - fs[k])
		}
		return sum
	}
	if fast, slow := moved(20), moved(200); fast < 8*slow || fast > 12*slow {
		t.Errorf("a walk of period 20 moves by %v, one of period 200 by %v", fast, slow)
	}
}

// The columns of a row belong together, with the types given in the file.
func TestRows(t *testing.T) {
	p := mustCompile(t, `{{ $r := row "users.csv" }}{"n": {{ $r.name }}, "e": {{ $r.email }}, "a": {{ $r.age }}}`)
	seen := map[string]bool{}
	for k := range uint64(200) {
		seen[record(p, k)] = true
	}
	want := `{"n":"Ada Lovelace","e":"ada@example.org","a":36} {"n":"Alan Turing","e":"alan@example.org","a":41} {"n":"Grace Hopper","e":"grace@example.org","a":85}`
	var got []string
	for s := range seen {
		got = append(got, s)
	}
	slices.Sort(got)
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}

// Conversions of strftime are those of C. Fractions may be anywhere, and all other text
// is literal.
func TestStrftime(t *testing.T) {
	for layout, want := range map[string]string{
		"%Y %y %m %d %e": "2023 23 11 14 14", "%H %I %M %S %p": "22 10 13 20 PM", "%b %B %h %a %A": "Nov November Nov Tue Tuesday",
		"%z %Z %j": "+0000 UTC 318", "%F %T %D %R": "2023-11-14 22:13:20 11/14/23 22:13", "%n%t%%": "\n\t%",
		"%S.%f": "20.123456", "%H%M%S%f": "221320123456", "%L ms": "123 ms", "%f%L": "123456123",
		"Monday 2 Jan 15 .000 %d": "Monday 2 Jan 15 .000 14", "100%": "100%", "%H%": "22%",
		"%C %G %g %V %U %W %u %w": "20 2023 23 46 46 46 2 2", "%k %l %P %s %N": "22 10 pm 1700000000 123456789",
		"%c|%x|%X|%r": "Tue Nov 14 22:13:20 2023|11/14/23|22:13:20|10:13:20 PM", "%Ey %Od %EY": "23 14 2023",
		"%-m %-I %_j %3e %05d": "11 10 318  14 00014", "%^b %#p %^A %10a|%-k": "NOV pm TUESDAY        Tue|22", "%:z %::z %3N %6N %1L": "+00:00 +00:00:00 123 123456 1",
	} {
		if got := values(t, fmt.Sprintf("now %q", layout), 1)[0].S(); got != want {
			t.Errorf("%q is %q, want %q", layout, got, want)
		}
	}
}

// Numbers of weeks and padded numbers are those of GNU date, at the ends of years too.
func TestStrftimeWeeks(t *testing.T) {
	for moment, want := range map[int64]string{ // date -ud @SECONDS +'%F %G-%V %U %W %u %w %j %-d %_d %k %l %-H %C'
		1704067199: "2023-12-31 2023-52 53 52 7 0 365 31 31 23 11 23 20", 1704067200: "2024-01-01 2024-01 00 01 1 1 001 1  1  0 12 0 20",
		1609459200: "2021-01-01 2020-53 00 00 5 5 001 1  1  0 12 0 20", 1735689599: "2024-12-31 2025-01 52 53 2 2 366 31 31 23 11 23 20",
		-86400: "1969-12-31 1970-01 52 52 3 3 365 31 31  0 12 0 19",
	} {
		got := values(t, fmt.Sprintf(`time_of %d "%%F %%G-%%V %%U %%W %%u %%w %%j %%-d %%_d %%k %%l %%-H %%C"`, moment), 1)[0].S()
		if got != want {
			t.Errorf("%d is %q, want %q", moment, got, want)
		}
	}
	if got, want := values(t, `time_of -5 "%_6s %06s"`, 1)[0].S(), "    -5 -00005"; got != want { // date -ud @-5 +'%_6s %06s'
		t.Errorf("a negative number is %q, want %q", got, want)
	}
	if _, err := compile(`{"v": {{ now "%H:%Q" }}}`); err == nil || !strings.HasSuffix(err.Error(), "now: LAYOUT: unknown directive %Q") {
		t.Error(err)
	}
	if _, err := compile(`{"v": {{ now "%-:y" }}}`); err == nil || !strings.HasSuffix(err.Error(), "now: LAYOUT: unknown directive %-:y") {
		t.Error(err)
	}
}

// A misspelt name of a layout is an error, unless it is a valid layout.
func TestLayoutNames(t *testing.T) {
	for layout, want := range map[string]string{
		"rfc3399": "rfc3339", "rfc3339ms": "rfc3339_ms", "RFC3339": "rfc3339", "apache2": "apache", "rfc5424": "rfc1123", "unixms": "unix_ms", "Kitchen": "kitchen",
	} {
		_, err := compile(fmt.Sprintf(`{"v": {{ now %q }}}`, layout))
		if want := fmt.Sprintf("now: unknown LAYOUT %q; did you mean %s?", layout, want); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", layout, err, want)
		}
	}
	if _, err := compile(`{"v": {{ now "iso8601withzone" }}}`); err == nil || !strings.HasSuffix(err.Error(), `unknown LAYOUT "iso8601withzone": expected a name, a layout of Go or one of strftime`) {
		t.Error(err)
	}
	for layout, want := range map[string]string{
		"20060102": "20231114", "20060102T150405Z0700": "20231114T221320Z", "15h04": "22h13", "Jan": "Nov", "Monday": "Tuesday", "02Jan2006": "14Nov2023",
		"2006-01-02": "2023-11-14", "3PM": "10PM", "MST": "UTC", "at 15 Uhr": "at 22 Uhr",
	} {
		if got := values(t, fmt.Sprintf("now %q", layout), 1)[0].S(); got != want {
			t.Errorf("%q is %q, want %q", layout, got, want)
		}
	}
}

// A walk is continuous and within its documented bounds from any record number on.
func TestWalkFar(t *testing.T) {
	p := mustCompile(t, `{"v": {{ walk 0 1 100 }}}`)
	at := func(k uint64) float64 { return value.OfRaw(p.AppendBody(nil, exampleTime, k)).Field("v").Float() }
	for _, k := range []uint64{0, 1 << 49, 1<<50 + 1, 1 << 58, 4e18, 1<<64 - 1000} {
		moved := 0.0
		for i := range uint64(500) {
			step := math.Abs(at(k+i+1) - at(k+i))
			if step == 0 || step > 0.05 {
				t.Fatalf("record %d: a step of %v", k+i, step)
			}
			moved += step
		}
		if moved < 0.5 || moved > 8 {
			t.Errorf("from record %d on: a range of %v in 500 records", k, moved)
		}
	}
	fs := floats(t, `walk 0 1 100`, 100_000)
	var spans []float64
	for c := range slices.Chunk(fs, 100) {
		spans = append(spans, slices.Max(c)-slices.Min(c))
	}
	slices.Sort(spans)
	slices.Sort(fs)
	if span := spans[len(spans)/2]; math.Abs(span-0.24) > 0.02 {
		t.Errorf("in PERIOD records: %v of the range", span)
	}
	if lo, hi := fs[len(fs)/50], fs[len(fs)-len(fs)/50]; math.Abs(lo-0.19) > 0.03 || math.Abs(hi-0.81) > 0.03 {
		t.Errorf("most values are from %v to %v", lo, hi)
	}
}

// Over all keys, the mean, deviation and steps of a walk are those of its octaves, with
// amplitudes h = 8/15, h/2, h/4 and h/8, each with twice the frequency of the one
// before. The test detects an amplitude that is off by 2 %.
func TestWalkMoments(t *testing.T) {
	testenv.SkipRace(t)
	moments := func(expression string) (mean, sd, pace float64) {
		const n = 400_000
		fs := floats(t, expression, 2*n) // two records of each key
		squares, moved := 0.0, 0.0
		for i := 0; i < len(fs); i += 2 {
			mean += fs[i] / n
			squares += fs[i] * fs[i] / n
			moved += (fs[i+1] - fs[i]) * (fs[i+1] - fs[i]) / n
		}
		return mean, math.Sqrt(squares - mean*mean), math.Sqrt(moved)
	}
	// A smoothed step between two uniform heights has the variance 26/35/12; its
	// slope the mean square 1/6 * 6/5, at the same for all octaves: h and 2h/2.
	const h = 8.0 / 15
	spread := 60 * math.Sqrt(26.0/35/12*h*h*(1+1.0/4+1.0/16+1.0/64))
	slope := 60 * math.Sqrt(4*h*h/5) / 1000
	right := func(mean, sd, pace float64) bool {
		return math.Abs(mean-50) < 0.1 && math.Abs(sd/spread-1) < 0.01 && math.Abs(pace/slope-1) < 0.01
	}
	if mean, sd, pace := moments(`walk 20 80 1000 (div seq 2)`); !right(mean, sd, pace) {
		t.Errorf("the mean is %v, want 50; the deviation %v, want %v; a step %v, want %v", mean, sd, spread, pace, slope)
	}
	for _, wrong := range []string{`walk 20 81.2 1000 (div seq 2)`, `walk 19.4 80.6 1000 (div seq 2)`, `walk 20 80 1020 (div seq 2)`} {
		if right(moments(wrong)) {
			t.Errorf("%s is not distinguished from the correct walk", wrong)
		}
	}
}
