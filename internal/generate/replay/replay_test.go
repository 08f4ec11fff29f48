// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/testenv"
)

// write writes a file in a directory of its own and returns its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// timeAt is the time in the member "time".
func timeAt(t testing.TB, text string) TimeSpec {
	t.Helper()
	s, err := ParseTimeSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens a set with defaults.
func open(t testing.TB, o Options) *Set {
	t.Helper()
	if o.Format == "" {
		o.Format = Auto
	}
	if o.Key == "" {
		o.Key = "log"
	}
	if o.Sample == 0 {
		o.Sample = 1
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// show returns a record as a line: file, line, offset and body.
func show(t testing.TB, r *Record) string {
	t.Helper()
	var body strings.Builder
	if _, err := msgp.UnmarshalAsJSON(&body, r.Body); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s:%d +%v %s", filepath.Base(r.File), r.Line, time.Duration(r.Offset), body.String())
}

// all returns all records of a set, or the first most, and what was reported.
func all(t testing.TB, s *Set, most ...int) (records, reports []string) {
	t.Helper()
	r := s.NewReader(func(line string) { reports = append(reports, line) })
	defer r.Close()
	for n := uint64(0); (most == nil || int(n) < most[0]) && r.Seek(n) == Ready; n++ {
		records = append(records, show(t, r.Current()))
	}
	if r.Err() != nil && r.Err() != errNothingToLoop {
		t.Fatal(r.Err())
	}
	return records, reports
}

// Each format has its records, and what is not one is reported with its line.
func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		options          Options
		records, reports []string
	}{
		{
			name: "text", file: "app.log", text: "one\n\ntwo\r\n{\"a\":1}\nlast",
			records: []string{`app.log:1 +0s {"log":"one"}`, `app.log:2 +0s {"log":""}`, `app.log:3 +0s {"log":"two"}`, `app.log:4 +0s {"log":"{\"a\":1}"}`, `app.log:5 +0s {"log":"last"}`},
		}, {
			name: "a member of another name", file: "app.log", text: "\ufeffone\n", options: Options{Key: "message"},
			records: []string{`app.log:1 +0s {"message":"one"}`},
		}, {
			name: "NDJSON", file: "app.log", text: "\ufeff{\"a\":1}\n\n \r\n{\"a\":\n{\"a\":2}{\"a\":3}\n[4]\n{\"a\":\"\t\"}\n{\"a\":5}",
			records: []string{`app.log:1 +0s {"a":1}`, `app.log:7 +0s {"a":"\t"}`, `app.log:8 +0s {"a":5}`},
			reports: []string{
				"app.log, line 4, column 6: skipped: unexpected end of the text: expected '}'",
				"app.log, line 5: skipped: expected one JSON object, found 2",
				"app.log, line 6, column 1: skipped: expected a JSON object, found an array",
			},
		}, {
			name: "NDJSON by its name", file: "app.jsonl", text: "\n{\"a\":1}\n", records: []string{`app.jsonl:2 +0s {"a":1}`},
		}, {
			name: "times", file: "app.ndjson", options: Options{Time: timeAt(t, "event.time"), MaxGap: 5 * time.Second},
			text: `{"event":{"time":"2026-11-28T12:00:00Z"}}` + "\n" + `{"event":{"time":"2026-11-28 13:00:01.5+01:00"}}` + "\n" + `{"event":{"time":1795867200}}` + "\n" +
				`{"event":{"time":1795867202000}}` + "\n" + `{"event":{"time":1795867209000000}}` + "\n" + `{"event":{}}` + "\n" + `{"event":{"time":"noon"}}` + "\n",
			records: []string{
				`app.ndjson:1 +0s {"event":{"time":"2026-11-28T12:00:00Z"}}`, `app.ndjson:2 +1.5s {"event":{"time":"2026-11-28 13:00:01.5+01:00"}}`,
				`app.ndjson:3 +1.5s {"event":{"time":1795867200}}`, `app.ndjson:4 +2s {"event":{"time":1795867202000}}`, `app.ndjson:5 +7s {"event":{"time":1795867209000000}}`,
			},
			reports: []string{
				"app.ndjson, line 6: skipped: no member event.time with the time",
				"app.ndjson, line 7: skipped: member event.time is not a time",
			},
		}, {
			name: "nothing", file: "empty", text: "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.file, tt.text)
			tt.options.Files = []string{path}
			records, reports := all(t, open(t, tt.options))
			for i := range reports {
				reports[i] = strings.ReplaceAll(reports[i], filepath.Dir(path)+"/", "")
			}
			if diff := cmp.Diff(tt.records, records); diff != "" {
				t.Error("records:", diff)
			}
			if diff := cmp.Diff(tt.reports, reports); diff != "" {
				t.Error("reports:", diff)
			}
		})
	}
}

// A file that has no record at its beginning is an error, which names the first line.
func TestUnusable(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		options          Options
		want             string
	}{
		{"text as JSON", "x", strings.Repeat("text\n", 200), Options{Format: NDJSON}, "no record in the first 100 lines: x, line 1, column 1: skipped: unexpected word text: text needs double quotes"},
		{"no times", "x.json", `{"a":1}`, Options{Time: timeAt(t, "time")}, "no record in the first 1 lines: x.json, line 1: skipped: no member time with the time"},
		{"UTF-16", "x", "\xff\xfea\x00", Options{}, "x: it is UTF-16, expected UTF-8; `iconv -f UTF-16 -t utf-8` converts it"},
	} {
		path := write(t, tt.file, tt.text)
		tt.options.Files = []string{path}
		if tt.options.Format == "" {
			tt.options.Format = Auto
		}
		_, err := Open(tt.options)
		if err == nil || strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "") != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// Only the first broken lines of a file are reported, and each once, however often they
// are read.
func TestReports(t *testing.T) {
	s := open(t, Options{Files: []string{write(t, "x", "{}\n"+strings.Repeat("{\n", 50)+"{}\n")}})
	var reports []string
	r := s.NewReader(func(line string) { reports = append(reports, line) })
	for range 2 {
		if r.Seek(1) != Ready || r.Seek(0) != Ready {
			t.Fatal("two records cannot be read")
		}
	}
	if n := len(reports); n != maxReports || !strings.HasSuffix(reports[n-1], "; further lines of this file are not reported") {
		t.Errorf("%d reports, want %d: %q", n, maxReports, reports)
	}
}

// Records of several files come in the order of their times, in that of the files where
// these are equal, and those of a file in its own order.
func TestMerge(t *testing.T) {
	line := func(second int, name string) string {
		return fmt.Sprintf(`{"t":%d,"n":"%s"}`+"\n", 1795867200+second, name)
	}
	a := write(t, "a", line(5, "a5")+line(7, "a7")+line(6, "a6")+line(9, "a9"))
	b := write(t, "b", line(1, "b1")+line(5, "b5")+line(8, "b8"))
	c := write(t, "c", "")
	d := write(t, "d", line(20, "d20"))
	records, _ := all(t, open(t, Options{Files: []string{a, b, c, d}, Time: timeAt(t, "t")}))
	var names []string
	for _, r := range records {
		names = append(names, r[strings.LastIndex(r, ":")+2:len(r)-2])
	}
	if want := strings.Fields("b1 a5 b5 a7 a6 b8 a9 d20"); !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	records, _ = all(t, open(t, Options{Files: []string{b, a}}))
	if got := strings.Join(records, " "); len(records) != 7 || !strings.Contains(records[3], "a5") {
		t.Errorf("without times: %s, want those of b and then of a", got)
	}
}

// Any record can be had alone, and is the same as in sequence.
func TestAnyRecord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var o Options
		for i := range rapid.IntRange(1, 4).Draw(rt, "files") {
			var b strings.Builder
			at := rapid.Int64Range(0, 1e6).Draw(rt, "start")
			for range rapid.IntRange(0, 20).Draw(rt, "lines") {
				at += rapid.Int64Range(-3, 10).Draw(rt, "step")
				fmt.Fprintf(&b, rapid.SampledFrom([]string{"{\"t\":%d}\n", "{\"t\":%d\n", "\n%.0d", "{\"x\":%d}\n"}).Draw(rt, "form"), 1795867200+at)
			}
			o.Files = append(o.Files, write(t, fmt.Sprint(i), b.String()))
		}
		o.Format, o.Sample = NDJSON, 1
		if rapid.Bool().Draw(rt, "timed") {
			o.Time = timeAt(t, "t")
			o.From = rapid.SampledFrom([]int64{0, 1795867230_000000000}).Draw(rt, "from")
			o.MaxGap = rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(rt, "gap")
		}
		o.Sample = rapid.SampledFrom([]float64{1, 0.5}).Draw(rt, "sample")
		o.Loop = rapid.Bool().Draw(rt, "loop")
		s, err := Open(o)
		if err != nil {
			return
		}
		want, _ := all(t, s, 50)
		r := s.NewReader(nil)
		defer r.Close()
		for range 10 {
			n := rapid.IntRange(0, len(want)).Draw(rt, "n")
			state := r.Seek(uint64(n))
			if (state == Ready) != (n < len(want) || o.Loop && len(want) > 0) {
				rt.Fatalf("record %d of %d: %v", n, len(want), state)
			}
			if n < len(want) && show(t, r.Current()) != want[n] {
				rt.Fatalf("record %d: %s, want %s", n, show(t, r.Current()), want[n])
			}
		}
	})
}

// A loop continues without a jump: each pass follows the one before by the mean distance of
// two records, in offsets and in times.
func TestLoop(t *testing.T) {
	path := write(t, "x.ndjson", "{\"t\":1795867200,\"n\":1}\n{\"t\":1795867201,\"n\":2}\n{\"t\":1795867204,\"n\":3}\n")
	r := open(t, Options{Files: []string{path}, Time: timeAt(t, "t"), Loop: true, MaxGap: 2 * time.Second}).NewReader(nil)
	defer r.Close()
	var offsets, times []time.Duration
	for n := range uint64(8) {
		if r.Seek(n) != Ready {
			t.Fatal(r.Err())
		}
		offsets = append(offsets, time.Duration(r.Current().Offset))
		times = append(times, time.Duration(r.Current().Time-1795867200_000000000))
	}
	const s = time.Second
	if want := []time.Duration{0, 1 * s, 3 * s, 4500 * time.Millisecond, 5500 * time.Millisecond, 7500 * time.Millisecond, 9 * s, 10 * s}; !slices.Equal(offsets, want) {
		t.Errorf("offsets %v, want %v", offsets, want)
	}
	if want := []time.Duration{0, 1 * s, 4 * s, 6 * s, 7 * s, 10 * s, 12 * s, 13 * s}; !slices.Equal(times, want) {
		t.Errorf("times %v, want %v", times, want)
	}
	r = open(t, Options{Files: []string{write(t, "x", "")}, Loop: true}).NewReader(nil)
	if r.Seek(0) != Ended || r.Err() != errNothingToLoop {
		t.Errorf("a loop over nothing: %v", r.Err())
	}
}

// A window has the records whose times are in it, and a sample its share, the same one
// each time.
func TestWindowAndSample(t *testing.T) {
	var b strings.Builder
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&b, "{\"t\":%d}\n", 1795867200+i)
	}
	o := Options{Files: []string{write(t, "x.ndjson", b.String())}, Time: timeAt(t, "t"), From: 1795867210_000000000, To: 1795867213_000000000}
	got, _ := all(t, open(t, o))
	if diff := cmp.Diff([]string{`x.ndjson:11 +0s {"t":1795867210}`, `x.ndjson:12 +1s {"t":1795867211}`, `x.ndjson:13 +2s {"t":1795867212}`}, got); diff != "" {
		t.Error(diff)
	}
	o.From, o.To, o.Sample, o.Seed = 0, 0, 0.1, 7
	one, _ := all(t, open(t, o))
	again, _ := all(t, open(t, o))
	o.Seed = 8
	other, _ := all(t, open(t, o))
	if !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Errorf("samples of %d, %d and %d records: want equal ones for equal seeds only", len(one), len(again), len(other))
	}
	// Six standard deviations of 42 records.
	if len(one) < n/10-255 || len(one) > n/10+255 {
		t.Errorf("a sample of %d records, want about %d", len(one), n/10)
	}
}

// The memory of a reader does not grow with its file, and it allocates nothing for a
// record.
func TestMemory(t *testing.T) {
	line := `{"time":"2026-11-28T12:00:00.000Z","level":"info","message":"hello","n":17}` + "\n"
	for _, o := range []Options{{}, {Time: timeAt(t, "time")}, {Format: Text, Time: timeAt(t, "iso")}} {
		o.Files = []string{write(t, "x.ndjson", strings.Repeat(line, 100_000))}
		r := open(t, o).NewReader(nil)
		n := uint64(0)
		if allocs := testenv.AllocsPerRun(50_000, func() {
			if r.Seek(n) != Ready {
				t.Fatal(r.Err())
			}
			n++
		}); allocs > 0 {
			t.Errorf("%v allocations a record, want none", allocs)
		}
		if size := len(r.cursors[0].in.buf); size != bufferSize {
			t.Errorf("a buffer of %d bytes, want %d", size, bufferSize)
		}
		r.Close()
	}
}
