// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"
)

// Times are found where a specification points, and overwritten there in the same width.
func TestTimes(t *testing.T) {
	written := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano()
	to := time.Date(2027, 1, 5, 3, 4, 9, 123456789, time.UTC).UnixNano()
	for _, tt := range []struct{ spec, line, at, want string }{
		{"iso", "2026-11-28T12:00:00.5Z x", "2026-11-28T12:00:00.5Z", "2027-01-05T03:04:09.1Z x"},
		{"iso", "[1] 2026-11-28 12:00:00,123456+01:30 x", "2026-11-28T10:30:00.123456Z", "[1] 2027-01-05 04:34:09,123456+01:30 x"},
		{"iso", "2026-11-28T12:00:00", "2026-11-28T12:00:00Z", "2027-01-05T03:04:09"},
		{"iso", "at 2026-11-28t12:00:60-0800: x", "2026-11-28T20:01:00Z", "at 2027-01-04t19:04:09-0800: x"},
		{"iso", "2028-02-29 00:00:00+14", "2028-02-28T10:00:00Z", "2027-01-05 17:04:09+14"},
		{"apache", `1.2.3.4 - - [28/Nov/2026:12:00:00 +0100] "GET /"`, "2026-11-28T11:00:00Z", `1.2.3.4 - - [05/Jan/2027:04:04:09 +0100] "GET /"`},
		{"[%d/%b/%Y:%T %z]", "[x] [28/nov/2026:12:00:00 -0100]", "2026-11-28T13:00:00Z", "[x] [05/Jan/2027:02:04:09 -0100]"},
		{"syslog", "Feb 28 12:00:00 host", "2026-02-28T12:00:00Z", "Jan  5 03:04:09 host"},
		{"syslog", "<13>Mar  2 11:00:00 host", "2026-03-02T11:00:00Z", "<13>Jan  5 03:04:09 host"},
		{"syslog", "Mar  3 12:00:00 host", "2025-03-03T12:00:00Z", "Jan  5 03:04:09 host"},
		{"%m/%d/%y %I:%M:%S.%L %p", "11/28/26 12:30:00.250 AM", "2026-11-28T00:30:00.25Z", "01/05/27 03:04:09.123 AM"},
		{"%m/%d/%y %I:%M %p", "11/28/99 12:30 pm", "1999-11-28T12:30:00Z", "01/05/27 03:04 am"},
		{"%a %b %d %H:%M:%S %Z %Y", "Sat Nov 28 12:00:00 UTC 2026", "2026-11-28T12:00:00Z", "Tue Jan 05 03:04:09 UTC 2027"},
		{"%Y-%jT%R", "2026-332T12:30", "2026-11-28T12:30:00Z", "2027-005T03:04"},
		{"ts=%s.%f", "a=1 ts=1795867200.000001 b", "2026-11-28T12:00:00.000001Z", "a=1 ts=1799118249.123456 b"},
		{"%A %F %T", "Saturday 2026-11-28 12:00:00", "2026-11-28T12:00:00Z", ""},
	} {
		spec := timeAt(t, tt.spec)
		at, p, err := spec.inLine([]byte(tt.line), written)
		if err != nil {
			t.Errorf("%s: %q: %v", tt.spec, tt.line, err)
			continue
		}
		if got := time.Unix(0, at).UTC().Format(time.RFC3339Nano); got != tt.at {
			t.Errorf("%s: %q is at %s, want %s", tt.spec, tt.line, got, tt.at)
		}
		if spec.Fixed() != (tt.want != "") {
			t.Errorf("%s: fixed is %v", tt.spec, spec.Fixed())
		}
		if tt.want == "" {
			continue
		}
		b := []byte(tt.line)
		if p.put(b, to); string(b) != tt.want {
			t.Errorf("%s: %q becomes %q, want %q", tt.spec, tt.line, b, tt.want)
		}
	}
	for _, tt := range []struct{ spec, line, want string }{
		{"iso", "2026-11-28 12:00", "no time as in ISO 8601"}, {"iso", "2026-13-28T12:00:00", "no time"}, {"iso", "", "no time"},
		{"syslog", "Foo 28 12:00:00", "no time in the layout %b %e %H:%M:%S"}, {"%d %H", "32 12", "no time"}, {"%d %H", "1", "no time"}, {"%p %d %I", "xm 12 13", "no time"},
	} {
		spec := timeAt(t, tt.spec)
		if at, _, err := spec.inLine([]byte(tt.line), written); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q is at %d, %v", tt.spec, tt.line, at, err)
		}
	}
}

// A time in a member is found and overwritten in its own form.
func TestMemberTimes(t *testing.T) {
	to := time.Date(2027, 1, 5, 3, 4, 9, 123456789, time.UTC).UnixNano()
	for _, tt := range []struct{ spec, line, at, want string }{
		{"t", `{"x":{"t":1},"t":"2026-11-28T12:00:00Z"}`, "2026-11-28T12:00:00Z", `{"x":{"t":1},"t":"2027-01-05T03:04:09Z"}`},
		{"a.t", `{"t":1,"a":{"t":1795867200}}`, "2026-11-28T12:00:00Z", `{"t":1,"a":{"t":1799118249}}`},
		{"t", `{"t":1795867200250}`, "2026-11-28T12:00:00.25Z", `{"t":1799118249123}`},
		{"t", `{"t":1795867200250001}`, "2026-11-28T12:00:00.250001Z", `{"t":1799118249123456}`},
		{"t", `{"t":1795867200250000001}`, "2026-11-28T12:00:00.250000001Z", `{"t":1799118249123456789}`},
		{"t", `{"t":1795867200.25}`, "2026-11-28T12:00:00.25Z", `{"t":1799118249.1234567}`},
		{"t %d.%m.%Y %T", `{"t":"28.11.2026 12:00:00"}`, "2026-11-28T12:00:00Z", `{"t":"05.01.2027 03:04:09"}`},
		{"t apache", `{"t":"28/Nov/2026:12:00:00 +0000"}`, "2026-11-28T12:00:00Z", `{"t":"05/Jan/2027:03:04:09 +0000"}`},
	} {
		path := write(t, "x.ndjson", tt.line)
		r := open(t, Options{Files: []string{path}, Time: timeAt(t, tt.spec)}).NewReader(nil)
		if r.Seek(0) != Ready {
			t.Errorf("%s: %s: %v", tt.spec, tt.line, r.Err())
			continue
		}
		rec := r.Current()
		if got := time.Unix(0, rec.Time).UTC().Format(time.RFC3339Nano); got != tt.at {
			t.Errorf("%s: %s is at %s, want %s", tt.spec, tt.line, got, tt.at)
		}
		body := bytes.Clone(rec.Body)
		rec.PutTime(body, to)
		var got strings.Builder
		if _, err := msgp.UnmarshalAsJSON(&got, body); err != nil || got.String() != tt.want {
			t.Errorf("%s: %s becomes %s, %v; want %s", tt.spec, tt.line, got.String(), err, tt.want)
		}
		r.Close()
	}
}

// A time that was overwritten is read as what was written, cut to its digits.
func TestPutAndFind(t *testing.T) {
	lines := []struct {
		spec, line string
		unit       time.Duration
	}{
		{"iso", "x 2026-11-28T12:00:00.123+05:30", time.Millisecond}, {"iso", "2026-11-28 12:00:00,123456789Z", 1}, {"apache", "[28/Nov/2026:12:00:00 -0700]", time.Second},
		{"%I:%M:%S.%f %p %b %e %Y", "12:00:00.123456 PM Nov 28 2026", time.Microsecond}, {"%j %y %H:%M", "001 26 12:00", time.Minute}, {"%s", "1795867200", time.Second},
	}
	rapid.Check(t, func(rt *rapid.T) {
		tt := rapid.SampledFrom(lines).Draw(rt, "line")
		at := rapid.Int64Range(1e18, 3e18).Draw(rt, "time")
		spec := timeAt(t, tt.spec)
		b := []byte(tt.line)
		_, p, err := spec.inLine(b, 0)
		if err != nil {
			rt.Fatal(err)
		}
		p.put(b, at)
		got, again, err := spec.inLine(b, 0)
		if want := at - at%int64(tt.unit); err != nil || got != want || again.at != p.at || again.size != p.size {
			rt.Fatalf("%q has %d, %v; want %d", b, got, err, want)
		}
	})
}

// Dates are those of package time.
func TestDays(t *testing.T) {
	for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2106; at = at.AddDate(0, 0, 1) {
		if got := days(uint(at.Year()), uint(at.Month()), uint(at.Day())); got != at.Unix()/86400 {
			t.Fatalf("%v is day %d, want %d", at, got, at.Unix()/86400)
		}
	}
}

func TestParseTimeSpec(t *testing.T) {
	for spec, want := range map[string]string{
		"":         "expected the name of a member, or a layout",
		"t x":      `invalid layout "x": expected directives of strftime, such as %Y-%m-%d %H:%M:%S, or iso, apache or syslog`,
		"%":        `layout "%" ends in %`,
		"%d %H %Q": `layout "%d %H %Q": unknown directive %Q`,
		"%H:%M":    `layout "%H:%M" has no day and hour, such as %d and %H, nor %s`,
	} {
		if _, err := ParseTimeSpec(spec); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", spec, err, want)
		}
	}
	for file, tt := range map[string]struct{ text, spec, want string }{
		"x.log":  {"x", "time", "lines of text have no members with the time: expected a layout of strftime"},
		"x.json": {"{}", "%d %H", "expected the name of the member with the time, before its layout"},
	} {
		path := write(t, file, tt.text)
		_, err := Open(Options{Files: []string{path}, Format: Auto, Time: timeAt(t, tt.spec)})
		if err == nil || !strings.HasPrefix(err.Error(), path+": "+tt.want) {
			t.Errorf("%s: %v, want %s", file, err, tt.want)
		}
	}
}

// Whatever text is read with any layout, a time that is found can be overwritten, and is
// then found again.
func FuzzLayout(f *testing.F) {
	f.Add("apache", "[28/Nov/2026:12:00:00 +0100]")
	f.Add("iso", "2026-11-28T12:00:00.5Z")
	f.Add("%a %A %e %b %B %y %p %I %M %S %f %z %Z %j %s %n%t%%", "x")
	f.Fuzz(func(t *testing.T, spec, line string) {
		s, err := ParseTimeSpec(spec)
		if err != nil || !s.inText {
			return
		}
		b := []byte(line)
		at, p, err := s.inLine(b, 1795867200_000000000)
		if err != nil {
			return
		}
		if p.size == 0 && s.text == nil || p.at+p.size > len(b) {
			t.Fatalf("%q in %q at %d, %d bytes", spec, line, p.at, p.size)
		}
		if p.put(b, 1795867200_000000000); len(b) != len(line) {
			t.Fatalf("%q became %q", line, b)
		}
		_ = at
	})
}

// A file that is changed, moved or removed ends the replay, with what has changed.
func TestChanges(t *testing.T) {
	text := strings.Repeat("{\"n\":1}\n", 100_000)
	for _, tt := range []struct {
		name   string
		change func(path string) error
		want   string
	}{
		{"grown", func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("{}\n")
				f.Close()
			}
			return err
		}, "it had 800000 bytes, and has 800003, at line "},
		{"shrunk", func(path string) error { return os.Truncate(path, 5) }, "it had 800000 bytes, and has 5, at line "},
		{"removed", os.Remove, "it cannot be opened any more"},
		{"replaced", func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			if err := os.WriteFile(path+"x", []byte(text), 0o644); err != nil {
				return err
			}
			return os.Rename(path+"x", path)
		}, "it was replaced by another file, at line "},
		{"written", func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }, "it was written at 1970-01-01T00:00:01Z, at line "},
	} {
		for _, refresh := range []bool{false, true} {
			path := write(t, "x.ndjson", text)
			r := open(t, Options{Files: []string{path}}).NewReader(nil)
			if r.Seek(10) != Ready {
				t.Fatal(r.Err())
			}
			if err := tt.change(path); err != nil {
				t.Fatal(err)
			}
			if refresh {
				r.Refresh()
				if r.Seek(11) != Ended {
					t.Errorf("%s: the replay continues after it was noticed", tt.name)
				}
			} else if r.Seek(1_000_000) != Ended {
				t.Errorf("%s: there are too many records", tt.name)
			}
			if want := path + " has changed during the replay: " + tt.want; r.Err() == nil || !strings.HasPrefix(r.Err().Error(), want) {
				t.Errorf("%s: %v, want %s", tt.name, r.Err(), want)
			}
			r.Close()
		}
	}
}

// A file that is followed has records as they are written, and continues where another
// file takes its place.
func TestFollow(t *testing.T) {
	path := write(t, "x.log", "one\ntw")
	var reports []string
	r := open(t, Options{Files: []string{path}, Follow: true}).NewReader(func(line string) { reports = append(reports, line) })
	defer r.Close()
	n := uint64(0)
	expect := func(lines ...string) {
		t.Helper()
		for _, want := range lines {
			if state := r.Seek(n); state != Ready {
				t.Fatalf("record %d: %v, %v", n, state, r.Err())
			}
			if got := show(t, r.Current()); !strings.HasSuffix(got, `{"log":"`+want+`"}`) {
				t.Errorf("record %d is %s, want %s", n, got, want)
			}
			n++
		}
		for range 2 {
			if state := r.Seek(n); state != Waiting {
				t.Fatalf("record %d: %v, %v; want Waiting", n, state, r.Err())
			}
		}
	}
	add := func(path, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			_, err = f.WriteString(text)
			f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	expect("one")
	add(path, "o\nthree\n")
	expect("two", "three")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	add(path+".1", "four\n")
	expect("four")
	add(path, "five\n")
	expect("five")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	expect()
	add(path, "six\n")
	expect("six")
	if len(reports) != 2 || !strings.Contains(reports[0], "line 4: the file was replaced") || !strings.Contains(reports[1], "line 1: the file was truncated") {
		t.Errorf("reports %q", reports)
	}
}
