// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// values returns the values of an expression for the first n records.
func values(t testing.TB, expression string, n int) []value.Value {
	t.Helper()
	p := mustCompile(t, `{"v": {{ `+expression+` }}}`)
	vs := make([]value.Value, n)
	for k := range vs {
		vs[k] = value.OfRaw(p.AppendBody(nil, exampleTime+int64(k)*1e6, uint64(k))).Field("v")
	}
	return vs
}

func floats(t testing.TB, expression string, n int) []float64 {
	var fs []float64
	for _, v := range values(t, expression, n) {
		fs = append(fs, v.Float())
	}
	return fs
}

// A stack trace has as many lines as asked, each of which can be had alone.
func TestTraceLines(t *testing.T) {
	for language, steps := range map[string][]int{"java": {3, 4, 7, 8, 30}, "python": {4, 6, 30}, "go": {5, 6, 7, 8, 31}} {
		for _, n := range steps {
			expression := fmt.Sprintf("stack_trace %q %d", language, n)
			for _, v := range values(t, expression, 200) {
				if got := strings.Count(v.S(), "\n") + 1; got != n {
					t.Fatalf("%s has %d lines: %s", expression, got, v.S())
				}
			}
		}
	}
	for n, want := range []string{"a", "", "c d", "", ""} {
		if v := values(t, fmt.Sprintf(`line_of %d "a\n\nc d\n"`, n), 1)[0]; v.S() != want {
			t.Errorf("line %d is %q, want %q", n, v.S(), want)
		}
	}
	if v := values(t, `line_of -1 "a"`, 1)[0]; v.S() != "" {
		t.Errorf("line -1 is %q", v.S())
	}
}

// Means and deviations are the requested ones. The bounds are five standard errors, and
// the seed is fixed.
func TestMoments(t *testing.T) {
	const n = 100_000
	for _, tt := range []struct {
		expression string
		mean, sd   float64
	}{
		{`int 1 6`, 3.5, math.Sqrt(35.0 / 12)},
		{`int -10 10`, 0, math.Sqrt((21*21 - 1) / 12.0)},
		{`uniform 2 4`, 3, 2 / math.Sqrt(12)},
		{`float 0 1 3`, 0.5, 1 / math.Sqrt(12)},
		{`normal 100 15`, 100, 15},
		{`exponential 250`, 250, 250},
		{`lognormal 0 0.5`, math.Exp(0.125), math.Sqrt((math.Exp(0.25) - 1) * math.Exp(0.25))},
		{`weighted 10 1 20 3`, 17.5, math.Sqrt(18.75)},
		{`toint (bool 0.3 | ternary 1 0)`, 0.3, math.Sqrt(0.21)},
		{`pick 1 2 3 4`, 2.5, math.Sqrt(1.25)},
	} {
		sum, squares := 0.0, 0.0
		for _, f := range floats(t, tt.expression, n) {
			sum += f
			squares += (f - tt.mean) * (f - tt.mean)
		}
		if d := math.Abs(sum/n - tt.mean); d > 5*tt.sd/math.Sqrt(n) {
			t.Errorf("%s: the mean is %v, want %v", tt.expression, sum/n, tt.mean)
		}
		if sd := math.Sqrt(squares / n); math.Abs(sd-tt.sd) > 0.03*tt.sd {
			t.Errorf("%s: the deviation is %v, want %v", tt.expression, sd, tt.sd)
		}
	}
}

// Zipf's law: n occurs in proportion to 1/n^s.
func TestZipf(t *testing.T) {
	const n = 200_000
	var counts [101]float64
	for _, f := range floats(t, `zipf 100 1.1`, n) {
		counts[int(f)]++
	}
	sum := 0.0
	for i := 1; i <= 100; i++ {
		sum += math.Pow(float64(i), -1.1)
	}
	for i := 1; i <= 100; i++ {
		want := n * math.Pow(float64(i), -1.1) / sum
		if math.Abs(counts[i]-want) > 5*math.Sqrt(want) {
			t.Errorf("%d occurred %v times, want about %v", i, counts[i], want)
		}
	}
}

// A walk stays within its bounds, uses most of the range, and moves in small steps.
func TestWalk(t *testing.T) {
	fs := floats(t, `walk 20 80 100`, 50_000)
	for i, f := range fs {
		if f < 20 || f > 80 {
			t.Fatalf("record %d is at %v", i, f)
		}
		if i > 0 && math.Abs(f-fs[i-1]) > 6 {
			t.Fatalf("record %d jumps from %v to %v", i, fs[i-1], f)
		}
	}
	if lo, hi := slices.Min(fs), slices.Max(fs); lo > 32 || hi < 68 {
		t.Errorf("all values are between %v and %v", lo, hi)
	}
	if a, b := floats(t, `walk 0 1 10 "a"`, 20), floats(t, `walk 0 1 10 "b"`, 20); slices.Equal(a, b) {
		t.Error("two keys have the same walk")
	}
}

// Functions without repetition return exactly the documented number of values.
func TestExactly(t *testing.T) {
	for _, tt := range []struct {
		expression       string
		records, differs int
	}{
		{`cardinality 1000 (name)`, 50_000, 1000},
		{`cardinality 7 (hex 8)`, 5_000, 7},
		{`unique 1 5000`, 5000, 5000},
		{`unique 1 5000`, 15_000, 5000},
		{`shuffle "a" "b" "c" "d"`, 4, 4},
		{`cycle 1 2 3`, 3, 3},
		{`counter 0 7 700`, 1000, 100},
		{`uuid`, 100_000, 100_000},
		{`uuid7`, 100_000, 100_000},
		{`ulid`, 100_000, 100_000},
		{`trace_id`, 100_000, 100_000},
	} {
		seen := map[string]bool{}
		for _, v := range values(t, tt.expression, tt.records) {
			seen[string(v.AppendJSON(nil))] = true
		}
		if len(seen) != tt.differs {
			t.Errorf("%s: %d different values in %d records, want %d", tt.expression, len(seen), tt.records, tt.differs)
		}
	}
}

// Lives follow the transitions of the machine, none is cut off, and each transition has
// the frequency of its weight.
func TestStates(t *testing.T) {
	const lives = 50
	allowed := map[string][]string{"created": {"paid", "cancelled"}, "paid": {"packed"}, "packed": {"packed", "shipped"}, "shipped": {"delivered"}}
	p := mustCompile(t, `{{ $s := states 50 "created: paid 3, cancelled 1; paid: packed; packed: packed 1, shipped 1; shipped: delivered" }}`+
		`{"s": {{ $s.state }}, "p": {{ $s.previous }}, "i": {{ $s.id }}, "n": {{ $s.step }}, "l": {{ $s.last }}}`)
	type life struct {
		state string
		step  int64
	}
	open := map[int64]life{}
	ended := map[string]float64{}
	fresh := 0
	for k := range uint64(lives * 2000) {
		r := value.OfRaw(p.AppendBody(nil, exampleTime, k))
		id, state, step := r.Field("i").Int(), r.Field("s").S(), r.Field("n").Int()
		was, known := open[id]
		switch {
		case step == 0:
			if known || state != "created" || r.Field("p").K != value.Nil {
				t.Fatalf("record %d: the first state of a life is %s", k, r.AppendJSON(nil))
			}
		case !known:
			if fresh++; fresh > lives {
				t.Fatalf("record %d continues an unknown life", k)
			}
		case was.step+1 != step || was.state != r.Field("p").S() || !slices.Contains(allowed[was.state], state):
			t.Fatalf("record %d: transition from %v to %s", k, was, r.AppendJSON(nil))
		}
		open[id] = life{state, step}
		if last := r.Field("l").N == 1; last != (len(allowed[state]) == 0) {
			t.Fatalf("record %d: last is wrong: %s", k, r.AppendJSON(nil))
		} else if last {
			delete(open, id)
			ended[state]++
		}
	}
	if len(open) > lives {
		t.Errorf("%d lives are open, want at most %d", len(open), lives)
	}
	if share := ended["cancelled"] / (ended["cancelled"] + ended["delivered"]); math.Abs(share-0.25) > 0.02 {
		t.Errorf("%v of the lives are cancelled, want 0.25", share)
	}
}

// The output of printf equals that of package fmt.
func TestPrintf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flags := rapid.SampledFrom([]string{"", "-", "0", "+", " ", "+0", "-+", "#"}).Draw(t, "flags")
		width := rapid.SampledFrom([]string{"", "1", "5", "12"}).Draw(t, "width")
		precision := rapid.SampledFrom([]string{"", ".0", ".1", ".3"}).Draw(t, "precision")
		var verb, literal string
		var arg any
		unknown := false // at compile time
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 3:
			flags, width, precision, unknown = "", "", "", true
			verb = rapid.SampledFrom([]string{"d", "x", "f", "t", "c"}).Draw(t, "verb")
			arg, literal = any(true), "true"
			switch {
			case verb == "t":
				arg, literal = 5, "5"
			case verb != "x" && rapid.Bool().Draw(t, "text"):
				arg, literal = "no", `"no"`
			}
		case 0:
			i := rapid.Int64Range(-1e15, 1e15).Draw(t, "int")
			verb, arg, literal = rapid.SampledFrom([]string{"d", "x", "X"}).Draw(t, "verb"), i, strconv.FormatInt(i, 10)
		case 1:
			f := rapid.Float64Range(-1e9, 1e9).Draw(t, "float")
			verb, arg, literal = rapid.SampledFrom([]string{"f", "e", "g"}).Draw(t, "verb"), f, strconv.FormatFloat(f, 'e', -1, 64)
			flags = strings.ReplaceAll(flags, "#", "")
		default:
			s := rapid.StringMatching(`[a-zé ]{0,8}`).Draw(t, "string")
			verb, arg, literal = rapid.SampledFrom([]string{"s", "q"}).Draw(t, "verb"), s, strconv.Quote(s)
			flags = strings.Trim(flags, "+ #0")
			if verb == "q" {
				precision = ""
			}
		}
		format := "<%" + flags + width + precision + verb + ">"
		before := ""
		if unknown {
			before, literal = "{{ $l := list "+literal+" }}", "index $l 0"
		}
		p, err := compile(before + fmt.Sprintf(`{"v": {{ printf %q (%s) }}}`, format, literal))
		if err != nil {
			t.Fatal(err)
		}
		got := value.OfRaw(p.AppendBody(nil, exampleTime, 0)).Field("v").S()
		if want := fmt.Sprintf(format, arg); got != want {
			t.Errorf("%s of %v is %q, want %q", format, arg, got, want)
		}
	})
}

// Times equal those of package time, with any layout and zone, at any time.
func TestTimes(t *testing.T) {
	layouts := []string{time.RFC3339Nano, time.RFC3339, time.ANSIC, time.RFC850, "2006-01-02T15:04:05.000Z07:00", "15:04:05,000000", "Jan _2 15:04:05", ".000 05",
		"15:04:05.999999", "05.9 and .00", "05,999999999 2006"}
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"}
	rapid.Check(t, func(t *rapid.T) {
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		p, err := compile(fmt.Sprintf(`{"v": {{ now %q %q }}}`, layout, zone))
		if err != nil {
			t.Fatal(err)
		}
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			at := rapid.Int64Range(0, 4e18).Draw(t, "at")
			got := value.OfRaw(p.AppendBody(nil, at, 0)).Field("v").S()
			if want := time.Unix(0, at).In(loc).Format(layout); got != want {
				t.Errorf("%q in %s at %d is %q, want %q", layout, zone, at, got, want)
			}
		}
	})
}

// Times are right around the hours that come twice or not at all, on leap days and at
// the turn of the year, in whatever order records come.
func TestTimesAtEdges(t *testing.T) {
	edges := map[string][]time.Time{
		"Europe/Berlin":       {time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC)},
		"America/New_York":    {time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)},
		"Australia/Lord_Howe": {time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC)},   // by half an hour
		"Pacific/Apia":        {time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC)}, // a day that does not exist
		"UTC":                 {time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)},
	}
	const goLayout, strftimeLayout = "Mon 2006-01-02 002 15:04:05.000 -0700 MST", "%a %F %j %T.%L %z %Z"
	for zone, moments := range edges {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		p, err := compile(fmt.Sprintf(`{"go": {{ now %q %q }}, "c": {{ now %q %[2]q }}, "of": {{ time_of (div (now "unix_ns") 1000000000) "2006-01-02T15:04:05Z07:00" %[2]q }}}`, goLayout, zone, strftimeLayout))
		if err != nil {
			t.Fatal(err)
		}
		for _, edge := range moments {
			for _, d := range []time.Duration{0, -1, time.Second, -time.Hour, 90 * time.Minute, -time.Millisecond, 25 * time.Hour, -1, 0, 30 * time.Minute, 23 * time.Hour} {
				at := edge.Add(d)
				body := value.OfRaw(p.AppendBody(nil, at.UnixNano(), 0))
				if got, want := body.Field("go").S(), at.In(loc).Format(goLayout); got != want || body.Field("c").S() != want {
					t.Errorf("%v in %s is %q and %q, want %q", at, zone, got, body.Field("c").S(), want)
				}
				if got, want := body.Field("of").S(), at.In(loc).Format(time.RFC3339); got != want {
					t.Errorf("%v in %s is %q with time_of, want %q", at, zone, got, want)
				}
			}
		}
	}
}

// Identifiers of people pass the checks of real ones, and are in ranges that are never
// assigned.
func TestIdentifiers(t *testing.T) {
	for _, v := range values(t, `credit_card`, 500) {
		sum := 0
		for i := range len(v.S()) {
			d := int(v.S()[len(v.S())-1-i] - '0')
			if i%2 == 1 {
				if d *= 2; d > 9 {
					d -= 9
				}
			}
			sum += d
		}
		if sum%10 != 0 {
			t.Errorf("%s fails Luhn's check", v.S())
		}
	}
	for _, v := range values(t, `iban`, 500) {
		rem := 0
		for _, c := range v.S()[4:] + v.S()[:4] {
			d, err := strconv.ParseInt(string(c), 36, 32)
			if err != nil {
				t.Fatal(err)
			}
			if d > 9 {
				rem = (rem*100 + int(d)) % 97
			} else {
				rem = (rem*10 + int(d)) % 97
			}
		}
		if rem != 1 || len(v.S()) != 22 {
			t.Errorf("%s fails the check of ISO 13616", v.S())
		}
	}
	for _, v := range values(t, `hetu`, 500) {
		n, err := strconv.Atoi(v.S()[:6] + v.S()[7:10])
		if err != nil || v.S()[10] != "0123456789ABCDEFHJKLMNPRSTUVWXY"[n%31] || v.S()[7] != '9' {
			t.Errorf("%s: invalid check digit", v.S())
		}
	}
	for expression, pattern := range map[string]string{
		`ssn`:      `^9\d\d-(0[1-9]|[1-4]\d)-\d{4}$`,
		`nino`:     `^QQ\d{6}[A-D]$`,
		`phone`:    `^\+1[2-9]\d\d55501\d\d$`,
		`uuid`:     `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		`uuid7`:    `^018bcfe5-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		`ulid`:     `^01HF7YA[0-9A-HJKMNP-TV-Z]{19}$`,
		`mac`:      `^[0-9a-f][26ae](:[0-9a-f]{2}){5}$`,
		`email`:    `^[a-z]+\.[a-z]+\d*@example\.(com|org|net)$`,
		`username`: `^[a-z]+\.?[a-z]+\d*$`,
		`pod`:      `^[a-z]+-[a-z0-9]{10}-[a-z0-9]{5}$`,
	} {
		re := regexp.MustCompile(pattern)
		for _, v := range values(t, expression, 500) {
			if !re.MatchString(v.S()) {
				t.Errorf("%s: %q does not match %s", expression, v.S(), pattern)
				break
			}
		}
	}
}

// Addresses are in their network.
func TestAddresses(t *testing.T) {
	for _, tt := range []struct{ function, cidr string }{
		{"ipv4", "10.20.0.0/16"}, {"ipv4", "192.0.2.7/32"}, {"ipv4", "192.0.2.0/31"}, {"ipv4", "0.0.0.0/0"},
		{"ipv6", "2001:db8::/32"}, {"ipv6", "2001:db8:1:2:3::/80"}, {"ipv6", "::1/128"}, {"ipv6", "fe80::/64"},
	} {
		network := netip.MustParsePrefix(tt.cidr)
		for _, v := range values(t, fmt.Sprintf("%s %q", tt.function, tt.cidr), 300) {
			if ip, err := netip.ParseAddr(v.S()); err != nil || !network.Contains(ip) {
				t.Errorf("%s is not in %s", v.S(), tt.cidr)
			}
		}
	}
}

// Random characters have the requested entropy.
func TestEntropy(t *testing.T) {
	for _, want := range []float64{0, 1, 2.5, 4, 6} {
		var counts [256]float64
		n := 0.0
		for _, v := range values(t, fmt.Sprintf("bytes 1000 %v", want), 200) {
			for i := range len(v.S()) {
				counts[v.S()[i]]++
				n++
			}
		}
		h := 0.0
		for _, c := range counts {
			if c > 0 {
				h -= c / n * math.Log2(c/n)
			}
		}
		if math.Abs(h-want) > 0.02 {
			t.Errorf("entropy of %v bits requested, got %v", want, h)
		}
	}
}

// All bits of trace ids are random: samplers use the last ones.
func TestTraceBits(t *testing.T) {
	const n = 4000
	for _, f := range []string{"trace_id", "span_id"} {
		var ones [128]int
		digits := 0
		for _, v := range values(t, f, n) {
			digits = len(v.S())
			for i, c := range v.S() {
				d, err := strconv.ParseUint(string(c), 16, 8)
				if err != nil {
					t.Fatal(err)
				}
				for bit := range 4 {
					ones[4*i+bit] += int(d >> (3 - bit) & 1)
				}
			}
		}
		for bit, got := range ones[:4*digits] {
			if got < n/2-160 || got > n/2+160 { // 5 standard deviations
				t.Errorf("%s: bit %d is set in %d of %d", f, bit, got, n)
			}
		}
	}
}

// Area codes are valid in the North American Numbering Plan.
func TestPhone(t *testing.T) {
	shape := regexp.MustCompile(`^\+1([2-9][0-8][0-9])55501[0-9]{2}$`)
	areas := map[string]bool{}
	for _, v := range values(t, "phone", 20000) {
		m := shape.FindStringSubmatch(v.S())
		if m == nil || strings.HasSuffix(m[1], "11") || strings.HasPrefix(m[1], "37") || strings.HasPrefix(m[1], "96") {
			t.Fatalf("%s is not a valid number", v.S())
		}
		areas[m[1]] = true
	}
	if len(areas) != 8*89-20 {
		t.Errorf("%d area codes, want %d", len(areas), 8*89-20)
	}
}
