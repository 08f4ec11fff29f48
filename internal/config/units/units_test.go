// SPDX-License-Identifier: Apache-2.0

package units

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// kind is a kind of value, and the normal forms of the examples in values.md.
type kind struct {
	name    string
	read    func(text string) (normal string, err error)
	normals map[string]string
}

var kinds = []kind{
	{"count", reads(func(s string) (int64, error) { return ParseCount(s, -1e18, 1e18) }, FormatCount), map[string]string{"5000": "5k", "10k": "10k", "1.5M": "1.5M", "1e+06": "1M", "-1": "-1"}},
	{"rate", reads(ParseRate, FormatRate), map[string]string{"500": "500", "0.1": "0.1", "50k": "50k", "10/s": "10", "30/m": "0.5", "1/h": "1/h"}},
	{"size", reads(ParseSize, FormatCount), map[string]string{"4M": "4M", "64KB": "64k", "1MiB": "1048576"}},
	{"byte rate", reads(ParseByteRate, FormatCount), map[string]string{"10M": "10M", "1MB/s": "1M", "600MB/m": "10M"}},
	{"time", reads(ParseDuration, FormatDuration), map[string]string{"90": "1m30s", "500ms": "500ms", "1h30m": "1h30m", "1d12h": "36h", "0.5d": "12h", "250us": "250us"}},
	{"moment", reads(ParseMoment, FormatMoment), map[string]string{"2026-11-01T00:00:00+01:00": "2026-10-31T23:00:00Z", "2026-11-01T00:00:00.25Z": "2026-11-01T00:00:00.25Z", "-24h": "-1d", "+90s": "+1m30s", "now": "now", "1700000000": "2023-11-14T22:13:20Z"}},
	{"share", reads(ParseShare, func(p float64) string { return fmt.Sprintf("%.12g%%", 100*p) }), map[string]string{"5%": "5%", "0.1%": "0.1%"}},
}

// reads returns a function that parses a value and returns it in its normal form.
func reads[T any](parse func(string) (T, error), format func(T) string) func(string) (string, error) {
	return func(text string) (string, error) {
		v, err := parse(text)
		return format(v), err
	}
}

// The documented examples are correct: those that are accepted, and the errors of the others.
func TestExamples(t *testing.T) {
	accepted, rejected := map[string][]string{}, map[string]bool{}
	last := ""
	for line := range strings.Lines(Markdown) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case strings.HasPrefix(line, "|  |  | "):
			accepted[last] = append(accepted[last], strings.Trim(cells[0], "`"))
		case len(cells) == 4:
			last = cells[0]
			accepted[last] = append(accepted[last], strings.Trim(cells[2], "`"))
		case len(cells) == 3 && strings.HasPrefix(cells[0], "`"):
			rejected[cells[1]] = true
			i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == cells[1] })
			if i < 0 {
				t.Fatalf("unknown kind %q", cells[1])
			}
			var e *Error
			if normal, err := kinds[i].read(strings.Trim(cells[0], "`")); !errors.As(err, &e) || e.Text() != cells[2] {
				t.Errorf("%s %s: %s, %v, but documented: %s", cells[1], cells[0], normal, err, cells[2])
			}
		}
	}
	delete(accepted, "type") // the header
	for _, k := range kinds {
		if !rejected[k.name] || len(accepted[k.name]) != len(k.normals) {
			t.Errorf("%s: examples %q, want those of %q, and one that is rejected", k.name, accepted[k.name], k.normals)
		}
		for _, text := range accepted[k.name] {
			if normal, err := k.read(text); err != nil || normal != k.normals[text] {
				t.Errorf("%s %q is %s, %v; want %s", k.name, text, normal, err, k.normals[text])
			}
		}
	}
}

// Exact values of common spellings.
func TestValues(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int64 // -1 for an error
	}{
		{"0", 0}, {"7", 7}, {"007", 7}, {"+7", 7}, {"1k", 1000}, {"1K", 1000}, {"2M", 2e6}, {"1g", 1e9}, {"3T", 3e12}, {"1.5k", 1500}, {".5k", 500}, {"5.k", 5000},
		{"1e3", 1000}, {"1E3", 1000}, {"1e+06", 1e6}, {"5e-1k", 500}, {"1.0", 1}, {"9223372036854775807", math.MaxInt64},
		{"9223372036854775.807k", math.MaxInt64},
		{"9223372036854775808", -1}, {"1e19", -1}, {"1e999999999", -1}, {"10000000T", -1}, {"1.5", -1}, {"1e-3", -1}, {"-1", -1}, {"", -1}, {" 1", -1}, {"1 ", -1},
		{"k", -1}, {".", -1}, {"+", -1}, {"-", -1}, {"1m", -1}, {"1Ki", -1}, {"1kB", -1}, {"1k5", -1}, {"1kk", -1}, {"0x10", -1}, {"1_000", -1}, {"1,000", -1},
		{"NaN", -1}, {"inf", -1}, {"1e", -1}, {"1e+", -1}, {"1..2", -1}, {"1/s", -1}, {"１", -1}, {strings.Repeat("9", 65), -1}, {"++1", -1},
	} {
		if got, err := ParseCount(tt.text, 0, math.MaxInt64); err != nil && tt.want >= 0 || err == nil && got != tt.want {
			t.Errorf("ParseCount(%q) = %d, %v; want %d", tt.text, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		text string
		want int64
	}{
		{"0", 0}, {"5K", 5000}, {"5k", 5000}, {"5KB", 5000}, {"5kb", 5000}, {"1M", 1e6}, {"1MB", 1e6}, {"1mb", 1e6}, {"2G", 2e9}, {"2gb", 2e9}, {"1.5M", 1_500_000},
		{"10B", 10}, {"10b", 10}, {"0.5K", 500}, {"9G", 9e9}, {"1Ki", 1024}, {"1kib", 1024}, {"1MiB", 1 << 20}, {"0.5Gi", 1 << 29}, {"1Ti", 1 << 40}, {"1T", 1e12},
		{"1m", -1}, {"1BB", -1}, {"1KK", -1}, {"B", -1}, {"0.5", -1}, {"-1", -1}, {"99999999999G", -1}, {"1P", -1}, {"1mi", 1 << 20}, {"1M/s", -1},
	} {
		if got, err := ParseSize(tt.text); err != nil && tt.want >= 0 || err == nil && got != tt.want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", tt.text, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		text string
		want int64
	}{
		{"10M", 10e6}, {"10M/s", 10e6}, {"1MB/s", 1e6}, {"1MiB/s", 1 << 20}, {"600MB/m", 10e6}, {"36G/h", 10e6}, {"6mb/m", 1e5}, {"0", 0},
		{"100/m", -1}, {"10m", -1}, {"1MB/d", -1}, {"1MB/", -1}, {"/s", -1},
	} {
		if got, err := ParseByteRate(tt.text); err != nil && tt.want >= 0 || err == nil && got != tt.want {
			t.Errorf("ParseByteRate(%q) = %d, %v; want %d", tt.text, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		text string
		want Rate
	}{
		{"1", PerSecond}, {"0", 0}, {"250", 250 * PerSecond}, {"0.1", PerSecond / 10}, {"50k", 50000 * PerSecond}, {"1g", 1e9 * PerSecond}, {"1000000000", MaxRate},
		{"30/m", 30 * PerMinute}, {"1k/h", 1000 * PerHour}, {"0.000001/h", 1}, {"0.00000001", 36}, {"3.6T/h", MaxRate}, {"1e-3", PerSecond / 1000}, {"+5/s", 5 * PerSecond},
		{"1000000001", math.MaxUint64}, {"2G", math.MaxUint64}, {"1T", math.MaxUint64}, {"0.000000001", math.MaxUint64}, {"0.0000001/h", math.MaxUint64}, {"-1", math.MaxUint64}, {"1m", math.MaxUint64},
		{"1/M", math.MaxUint64}, {"1/d", math.MaxUint64}, {"5m/m", math.MaxUint64}, {"unlimited", math.MaxUint64}, {"1/s/s", math.MaxUint64},
	} {
		got, err := ParseRate(tt.text)
		if refused := tt.want == math.MaxUint64; (err != nil) != refused || err == nil && got != tt.want {
			t.Errorf("ParseRate(%q) = %d, %v; want %d", tt.text, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		text string
		want time.Duration
	}{
		{"0", 0}, {"1", time.Second}, {"1.5", 1500 * time.Millisecond}, {"500ms", 500 * time.Millisecond}, {"10us", 10 * time.Microsecond}, {"10µs", 10 * time.Microsecond},
		{"10μs", 10 * time.Microsecond}, {"7ns", 7}, {"1m", time.Minute}, {"2h", 2 * time.Hour}, {"1h30m", 90 * time.Minute}, {"1d12h", 36 * time.Hour}, {"0.5d", 12 * time.Hour},
		{"1S", time.Second}, {"1H", time.Hour}, {"1MS", time.Millisecond}, {"1m0.5s", time.Minute + time.Second/2}, {"1e3", 1000 * time.Second}, {"36500d", MaxDuration}, {"0s", 0},
		{"1M", -1}, {"1h30", -1}, {"30 m", -1}, {"1h 30m", -1}, {"36500d1ns", -1}, {"1e60", -1}, {"0.5ns", -1}, {"0.0000000001", -1}, {"-1s", -1}, {"1y", -1}, {"1h-5m", -1}, {"h", -1}, {"", -1}, {"1k", -1}, {"1m/s", -1},
	} {
		if got, err := ParseDuration(tt.text); err != nil && tt.want >= 0 || err == nil && got != tt.want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
	if got, err := ParseOffset("-1h30m"); err != nil || got != -90*time.Minute {
		t.Errorf("ParseOffset(-1h30m) = %v, %v", got, err)
	}
	for text, want := range map[string]float64{"5%": 0.05, "0%": 0, "100%": 1, "0.1%": 0.001, "101%": -1, "-1%": -1, "5": -1, "5 %": -1, "0x1p3%": -1, "NaN%": -1, "%": -1} {
		if got, err := ParseShare(text); err != nil && want >= 0 || err == nil && got != want {
			t.Errorf("ParseShare(%q) = %g, %v; want %g", text, got, err, want)
		}
	}
	if n, err := ParseUnsigned("18446744073709551615"); err != nil || n != math.MaxUint64 {
		t.Errorf("ParseUnsigned of the largest is %d, %v", n, err)
	}
	for _, text := range []string{"18446744073709551616", "-1", "0.5", "x"} {
		if n, err := ParseUnsigned(text); err == nil {
			t.Errorf("ParseUnsigned(%q) = %d", text, n)
		}
	}
}

// An error has the value, what is expected, and a probable correct spelling.
func TestErrors(t *testing.T) {
	count := func(s string) error { _, err := ParseCount(s, 1, math.MaxInt32); return err }
	signed := func(s string) error { _, err := ParseCount(s, math.MinInt32, math.MaxInt32); return err }
	rate := func(s string) error { _, err := ParseRate(s); return err }
	size := func(s string) error { _, err := ParseSize(s); return err }
	byteRate := func(s string) error { _, err := ParseByteRate(s); return err }
	span := func(s string) error { _, err := ParseDuration(s); return err }
	share := func(s string) error { _, err := ParseShare(s); return err }
	factor := func(s string) error { _, err := ParseFactor(s); return err }
	for _, tt := range []struct {
		parse      func(string) error
		text, want string
	}{
		{count, "many", `invalid value "many": expected a whole number, such as 5000, 10k or 2M`},
		{count, "", `empty value: expected a whole number, such as 5000, 10k or 2M`},
		{count, "0", `invalid value "0": expected a whole number from 1 to 2147483647`},
		{signed, "3G", `invalid value "3G": expected a whole number of at most 2147483647`},
		{count, "5m", `invalid value "5m": expected M for millions; did you mean 5M?`},
		{count, "5 million", `invalid value "5 million": expected a whole number, such as 5000, 10k or 2M; did you mean 5M?`},
		{count, "5 milion", `invalid value "5 milion": expected a whole number, such as 5000, 10k or 2M; did you mean 5M?`},
		{count, "1_000_000", `invalid value "1_000_000": expected a whole number, such as 5000, 10k or 2M; did you mean 1000000?`},
		{count, "1,000,000", `invalid value "1,000,000": expected a whole number, such as 5000, 10k or 2M; did you mean 1000000?`},
		{count, "1 2", `invalid value "1 2": expected a whole number, such as 5000, 10k or 2M`},
		{count, "1Mi", `invalid value "1Mi": expected k, M, G or T, the powers of 1000; did you mean 1M?`},
		{count, "1mi", `invalid value "1mi": expected k, M, G or T, the powers of 1000; did you mean 1M?`},
		{rate, "1mi/s", `invalid value "1mi/s": expected k, M, G or T, the powers of 1000; did you mean 1M/s?`},
		{rate, "1m", `invalid value "1m": expected M for millions or /m for a rate per minute; did you mean 1M (1 million per second) or 1/m (1 per minute)?`},
		{rate, "fast", `invalid value "fast": expected records per second, such as 500, 1.5k or 30/m`},
		{rate, "10/minute", `invalid value "10/minute": expected /s, /m or /h; did you mean 10/m?`},
		{rate, "10 per minute", `invalid value "10 per minute": expected records per second, such as 500, 1.5k or 30/m; did you mean 10/m?`},
		{rate, "100rps", `invalid value "100rps": unknown unit "rps": expected records per second, such as 500, 1.5k or 30/m; did you mean 100/s?`},
		{rate, "-5", `invalid value "-5": must not be negative: expected records per second, such as 500, 1.5k or 30/m`},
		{rate, "2G", `invalid value "2G": expected at most 1G per second`},
		{rate, "5m/h", `invalid value "5m/h": expected M for millions; did you mean 5M/h?`},
		{size, "64 KB", `invalid value "64 KB": expected a size in bytes, such as 64k, 4M or 1GiB; did you mean 64KB?`},
		{size, "4m", `invalid value "4m": expected M for millions; did you mean 4M?`},
		{size, "1.5", `invalid value "1.5": expected whole bytes`},
		{size, "4 megabytes", `invalid value "4 megabytes": expected a size in bytes, such as 64k, 4M or 1GiB; did you mean 4MB?`},
		{byteRate, "10m", `invalid value "10m": expected M for millions or /m for a rate per minute; did you mean 10M (10 million per second) or 10/m (10 per minute)?`},
		{span, "1M", `invalid value "1M": expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d; did you mean 1m (minutes) or 30d (days)?`},
		{span, "1h30", `invalid value "1h30": missing unit after 30: expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d; did you mean 1h30m?`},
		{span, "2m5", `invalid value "2m5": missing unit after 5: expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d; did you mean 2m5s?`},
		{span, "5 minutes", `invalid value "5 minutes": expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d; did you mean 5m?`},
		{span, "1 hour 30 minuets", `invalid value "1 hour 30 minuets": expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d; did you mean 1h30m?`},
		{span, "2 weeks", `invalid value "2 weeks": expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d; did you mean 14d?`},
		{span, "1.5y", `invalid value "1.5y": unknown unit "y": expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d; did you mean 13140h?`},
		{span, "200y", `invalid value "200y": unknown unit "y": expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d`},
		{span, "-5s", `invalid value "-5s": must not be negative: expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d`},
		{span, "40000d", `invalid value "40000d": expected at most 36500d`},
		{share, "0.5", `invalid value "0.5": expected a share, such as 5% or 0.1%; did you mean 50% or 0.5%?`},
		{share, "5", `invalid value "5": expected a share, such as 5% or 0.1%; did you mean 5%?`},
		{share, "120%", `invalid value "120%": expected 0% to 100%`},
		{factor, "0", `invalid value "0": expected a factor above 0, such as 2 or 0.5`},
		{factor, "2x", `invalid value "2x": expected a factor above 0, such as 2 or 0.5`},
	} {
		if err := tt.parse(tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("%q:\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

// The normal form of a value parses as the same value.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1e7, 1e7)).Draw(t, "n")
		if got, err := ParseCount(FormatCount(n), math.MinInt64, math.MaxInt64); err != nil || got != n {
			t.Fatalf("%d is written %s and read as %d, %v", n, FormatCount(n), got, err)
		}
		if n >= 0 {
			if got, err := ParseSize(FormatCount(n)); err != nil || got != n {
				t.Fatalf("%d bytes are written %s and read as %d, %v", n, FormatCount(n), got, err)
			}
		}
		r := Rate(rapid.OneOf(rapid.Uint64Range(0, uint64(MaxRate)), rapid.Uint64Range(0, 1e12),
			rapid.Map(rapid.Uint64Range(0, 1e9), func(n uint64) uint64 { return n * uint64(PerSecond) })).Draw(t, "r"))
		if got, err := ParseRate(FormatRate(r)); err != nil || got != r {
			t.Fatalf("the rate %d is written %s and read as %d, %v", r, FormatRate(r), got, err)
		}
		if num, den := r.Fraction(); r > 0 && float64(num)/float64(den) != r.Float() && math.Abs(float64(num)/float64(den)/r.Float()-1) > 1e-15 {
			t.Fatalf("the rate %d is %d/%d", r, num, den)
		}
		d := time.Duration(rapid.OneOf(rapid.Int64Range(0, int64(MaxDuration)), rapid.Int64Range(0, 1e10)).Draw(t, "d"))
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%d is written %s and read as %d, %v", d, FormatDuration(d), got, err)
		}
	})
}

// isLimit reports whether an error is about the range of a value with a valid form.
func isLimit(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, prefix := range []string{"at most ", "a whole number from ", "a whole number of at most ", "a multiple of ", "whole "} {
		if strings.HasPrefix(e.Expected, prefix) {
			return true
		}
	}
	return false
}

// No text makes a parser panic. The normal form of a value parses as the same value, and
// all kinds that accept a text agree on its value. An error has a position in the text,
// and its suggestions are valid.
func FuzzParse(f *testing.F) {
	for _, k := range kinds {
		for text := range k.normals {
			f.Add(text)
		}
	}
	for _, s := range []string{"", "-1", "1m", "5min", "2 weeks", "4 M", "10/min", "2026-11-01 08:30", "1969-12-31T23:59:59Z", "1e-64", "1e65", "1h30", "1 000", "9223372036854775808", "1.5y", "µs", "1\x80s", "5 per minute", "1,5k"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range kinds {
			normal, err := k.read(text)
			if err == nil {
				if again, err := k.read(normal); err != nil || again != normal {
					t.Fatalf("%s %q is %s, which is %s, %v", k.name, text, normal, again, err)
				}
				continue
			}
			var e *Error
			if !errors.As(err, &e) || e.Value != text || e.Offset < 0 || e.Offset > len(text) || e.Expected == "" {
				t.Fatalf("%s %q: %#v", k.name, text, err)
			}
			for _, m := range e.Meant {
				m, _, _ = strings.Cut(m, " (")
				if _, err := k.read(m); err != nil && k.name != "byte rate" && !isLimit(err) {
					t.Fatalf("%s %q: %v, which is refused: %v", k.name, text, e, err)
				}
			}
		}
		n, err := ParseCount(text, 0, math.MaxInt64)
		if err != nil || strings.HasPrefix(text, "-") { // a count may be -0
			return
		}
		if s, err := ParseSize(text); err != nil || s != n {
			t.Fatalf("%q is the count %d and the size %d, %v", text, n, s, err)
		}
		if r, err := ParseRate(text); n <= 1e9 && (err != nil || r != Rate(n)*PerSecond) {
			t.Fatalf("%q is the count %d and the rate %d, %v", text, n, r, err)
		}
	})
}
