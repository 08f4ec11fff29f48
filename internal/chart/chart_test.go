// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/pace"
)

func draw(t *testing.T, spec string, to time.Duration) *Chart {
	t.Helper()
	p, err := pace.ParseProfile(spec)
	if err != nil {
		t.Fatal(err)
	}
	return New(p, int64(to))
}

// Charts with almost nothing to draw, or with more than their columns can show.
var extremes = []struct {
	spec string
	to   time.Duration
	why  string
}{
	{"idle", time.Minute, "no rate at all"},
	{"0.000001/h", 1, "a nanosecond of the lowest rate"},
	{"1G", 36500 * 24 * time.Hour, "a century of the highest rate"},
	{"ramp 0 to 1 for 3ns", 3, "fewer nanoseconds than columns"},
	{"ramp 999 to 1001 for 1s", time.Second, "just above a round number"},
	{"bursts 1G on 1ns off 1d base 1", 10 * 24 * time.Hour, "bursts far shorter than a column"},
	{"poisson 3", 10 * time.Second, "column means above the nominal rate"},
	{"1 for 1s", 1<<63 - 1, "the longest duration"},
	{strings.Repeat("1.23456k for 1h2m3.004005006s; ", 100) + "5", time.Hour, "a title that does not fit"},
}

func TestTextFits(t *testing.T) {
	for _, tt := range extremes {
		c := draw(t, tt.spec, tt.to)
		for _, width := range []int{MinWidth, 80, 300} {
			for _, plain := range []bool{false, true} {
				text := string(c.Text(width, plain))
				for line := range strings.Lines(text) {
					line = strings.TrimSuffix(line, "\n")
					if n := utf8.RuneCountInString(line); n > width && !strings.Contains(line, "mean rate") {
						t.Errorf("%s: width %d, got a line of %d columns: %q", tt.why, width, n, line)
					}
					if plain && strings.IndexFunc(line, func(r rune) bool { return r > '~' }) >= 0 {
						t.Errorf("%s: not ASCII: %q", tt.why, line)
					}
				}
				if n := strings.Count(text, "\n"); n < 5 || n > 18 {
					t.Errorf("%s: got %d lines, want 5 to 18\n%s", tt.why, n, text)
				}
			}
		}
	}
}

// An SVG is well-formed, has all its elements and is small.
func TestSVG(t *testing.T) {
	for _, tt := range extremes {
		svg := draw(t, tt.spec, tt.to).SVG()
		dec := xml.NewDecoder(bytes.NewReader(svg))
		count := map[string]int{}
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", tt.why, err)
			}
			if e, ok := tok.(xml.StartElement); ok {
				count[e.Name.Local]++
			}
		}
		if count["title"] != 1 || count["desc"] != 1 || count["style"] != 1 || count["path"] < 2 || count["text"] < 6 || count["text"] > 25 {
			t.Errorf("%s: elements %v", tt.why, count)
		}
		if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) || len(svg) > 100<<10 {
			t.Errorf("%s: %d bytes, or a NaN or Inf", tt.why, len(svg))
		}
	}
}

// The table's totals are the schedule's, whatever the step.
func TestTable(t *testing.T) {
	c := draw(t, "ramp 0 to 1k for 7s; bursts 100 on 300ms off 1s", 20*time.Second)
	for _, step := range []time.Duration{time.Second, 3 * time.Second, 7 * time.Second, time.Hour} {
		lines := strings.Split(strings.TrimSpace(string(c.Table(int64(step)))), "\n")[1:]
		var sum, last uint64
		for _, line := range lines {
			var until, mean string
			var due uint64
			if _, err := fmt.Sscan(line, &until, &due, &last, &mean); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if sum += due; sum != last {
				t.Errorf("step %v: line %q: total %d, want %d", step, line, last, sum)
			}
		}
		if last != c.Total {
			t.Errorf("step %v: total %d, want %d", step, last, c.Total)
		}
	}
}

func TestFormatRate(t *testing.T) {
	for _, tt := range []struct {
		rate float64
		want string
	}{
		{0, "0"}, {1, "1"}, {10, "10"}, {0.1, "0.1"}, {0.125, "0.125"}, {0.0001, "0.0001"}, {2.77e-10, "2.77e-10"},
		{9.99, "9.99"}, {12.345, "12.35"}, {999, "999"}, {999.4, "999"}, {999.6, "1k"}, {1000, "1k"},
		{1250, "1.25k"}, {123456, "123k"}, {999999, "1M"}, {1e6, "1M"}, {2.5e9, "2.5G"},
	} {
		if got := FormatRate(tt.rate); got != tt.want {
			t.Errorf("FormatRate(%v) = %s, want %s", tt.rate, got, tt.want)
		}
	}
}

func TestFormatLatency(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 999: "999ns", 1500: "1.5µs", 50 * time.Millisecond: "50ms", 999_600_000: "1s",
		1_260_400_000: "1.26s", 59_900_000_000: "59.9s", 93_260_000_000: "1m33.3s", 5_000_600_000_000: "1h23m21s",
	} {
		if got := FormatLatency(d); got != want {
			t.Errorf("FormatLatency(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestAxes(t *testing.T) {
	for _, tt := range []struct {
		top  float64
		want Axis
	}{
		{0, Axis{1, 1}}, {1, Axis{0.2, 5}}, {6, Axis{1, 6}}, {6.01, Axis{2, 4}}, {1000, Axis{200, 5}},
		{1001, Axis{200, 6}}, {0.3, Axis{0.05, 6}}, {1e9, Axis{2e8, 5}}, {3e-10, Axis{5e-11, 6}},
	} {
		if got := NewAxis(tt.top, 6); got != tt.want {
			t.Errorf("NewAxis(%v, 6) = %v, want %v", tt.top, got, tt.want)
		}
	}
	for _, tt := range []struct {
		to, want time.Duration
	}{
		{1, 1}, {12, 2}, {time.Second, 200 * time.Millisecond}, {time.Minute, 10 * time.Second}, {12 * time.Minute, 2 * time.Minute},
		{24 * time.Hour, 6 * time.Hour}, {7 * 24 * time.Hour, 2 * 24 * time.Hour}, {1<<63 - 1, 20000 * 24 * time.Hour},
	} {
		if got := TimeStep(tt.to, 6); got != tt.want {
			t.Errorf("TimeStep(%v, 6) = %v, want %v", tt.to, got, tt.want)
		}
	}
}
