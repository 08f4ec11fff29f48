// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/generate/template"

	"github.com/elastic/go-grok"
	"github.com/elastic/go-grok/patterns"
	"github.com/go-logfmt/logfmt"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// readers names what reads each format besides us: Go packages here, programs in
// tools_test.go, and Fluent Bit in the end-to-end tests. What has no reader of
// its own is read by what its parts are made of.
var readers = map[string]string{
	"apache_combined":    "elastic/go-grok, lnav; Fluent Bit's apache2",
	"apache_common":      "elastic/go-grok, lnav; Fluent Bit's apache2",
	"apache_error":       "elastic/go-grok, lnav; Fluent Bit's apache_error",
	"aws_elb":            "elastic/go-grok (the fields of classic load balancers), lnav (those before 2018), encoding/csv (all): no package of Go that can be had knows the newer ones",
	"aws_vpcflow":        "encoding/csv, net/netip: no package of Go that can be had reads them",
	"cef":                "lognormalizer: no package of Go that can be had reads them",
	"cloudtrail":         "valyala/fastjson, encoding/json with the members that the reference requires: AWS publishes no type for them",
	"cri":                "Fluent Bit's cri, and its multiline parser: the kubelet's own reader is not exported",
	"docker_json":        "encoding/json, valyala/fastjson; Fluent Bit's docker, and its multiline parser",
	"envoy":              "Fluent Bit's envoy; net/http reads the request",
	"gelf":               "valyala/fastjson, encoding/json with the members of version 1.1: Graylog's package can't be had",
	"go_lines":           "maruel/panicparse (nine lines); Fluent Bit's multiline filter",
	"go_panic":           "maruel/panicparse; Fluent Bit's multiline parser go",
	"haproxy":            "elastic/go-grok",
	"java_lines":         "elastic/go-grok; Fluent Bit's multiline filter",
	"java_multiline":     "elastic/go-grok (each line of a trace); Fluent Bit's multiline parser java",
	"json_app":           "valyala/fastjson, encoding/json; Fluent Bit's json",
	"klog":               "lnav: the parser in Kubernetes is part of a program",
	"kubernetes":         "valyala/fastjson, encoding/json",
	"leef":               "nothing but the test here: no free reader of LEEF exists",
	"logfmt":             "go-logfmt/logfmt, lnav; Fluent Bit's logfmt",
	"mysql_slow":         "pt-query-digest; Fluent Bit's mysql_slow (of parsers_extra.conf)",
	"nginx":              "elastic/go-grok, lnav; Fluent Bit's nginx",
	"nginx_json":         "encoding/json, valyala/fastjson; Fluent Bit's json",
	"otel_log":           "OpenTelemetry's own pdata",
	"postgres":           "pgbadger",
	"python_lines":       "Fluent Bit's multiline filter, with a parser for tracebacks",
	"python_multiline":   "Fluent Bit's multiline parser python",
	"syslog_rfc3164":     "leodido/go-syslog; Fluent Bit's syslog-rfc3164",
	"syslog_rfc5424":     "leodido/go-syslog; Fluent Bit's syslog-rfc5424",
	"w3c_iis":            "lnav, encoding/csv",
	"windows_event_json": "valyala/fastjson, encoding/json",
}

func TestAllAreRead(t *testing.T) {
	for _, f := range format.All() {
		if readers[f.Name] == "" {
			t.Errorf("nobody reads %s", f.Name)
		}
	}
	if len(readers) != len(format.All()) {
		t.Errorf("%d readers for %d formats", len(readers), len(format.All()))
	}
}

const (
	records = 3000
	step    = int64(250e6)                // nanoseconds from record to record
	start   = int64(1700000000_123456789) // time of the first one, 2023-11-14T22:13:20.123456789Z
)

// lines calls read with the `log` of the first regular records of a format, and the
// time of each; formats whose records are documents give them as JSON.
func lines(t *testing.T, name string, read func(at time.Time, line string)) {
	t.Helper()
	linesOf(t, name, new(float64), read)
}

// irregular calls read with the first irregular records of a format.
func irregular(t *testing.T, name string, read func(at time.Time, line string)) {
	t.Helper()
	all := 1.0
	linesOf(t, name, &all, read)
}

// linesOf is lines with a share of irregular records.
func linesOf(t *testing.T, name string, share *float64, read func(at time.Time, line string)) {
	t.Helper()
	f, ok := format.Find(name)
	if !ok {
		t.Fatalf("no format %s", name)
	}
	p, err := template.Compile(template.Config{Body: template.Text{Name: f.Name, Text: f.Text}, Seed: 1, Stream: "0", Irregular: share})
	if err != nil {
		t.Fatal(err)
	}
	for k := range uint64(records) {
		at := start + int64(k)*step
		v := value.OfRaw(p.AppendBody(nil, at, k))
		if log := v.Field("log"); v.Len() == 1 && log.K == value.String {
			read(time.Unix(0, at).UTC(), log.S())
		} else {
			read(time.Unix(0, at).UTC(), string(v.AppendJSON(nil)))
		}
		if t.Failed() {
			return
		}
	}
}

// groked compiles one of the patterns that come with the package grok.
func groked(t *testing.T, pattern string) func(line string) map[string]string {
	t.Helper()
	g, err := grok.NewWithPatterns(patterns.Default, patterns.Httpd, patterns.HAProxy, patterns.AWS, patterns.Java, patterns.Syslog)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Compile(pattern, true); err != nil {
		t.Fatal(err)
	}
	return func(line string) map[string]string {
		t.Helper()
		m, err := g.ParseString(line)
		if err != nil || len(m) == 0 {
			t.Fatalf("%s does not match %s: %v", line, pattern, err)
		}
		for k, v := range m {
			if v == "" {
				delete(m, k)
			}
		}
		return m
	}
}

// or is a text, or - where there is none.
func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// same checks that the parts that were read, joined again, are the line: each byte of it
// was found to be what it should be.
func same(t *testing.T, got, line string) {
	t.Helper()
	if got != line {
		t.Errorf("read as\n%s\nis\n%s", got, line)
	}
}

func onTime(t *testing.T, layout, text string, at time.Time, precision time.Duration) {
	t.Helper()
	got, err := time.Parse(layout, text)
	if err != nil || !got.Equal(at.Truncate(precision)) {
		t.Errorf("the time %q is %v, expected %v (%v)", text, got, at, err)
	}
}

// fields reads a line whose fields have spaces between them, and quotes around
// them if there are spaces in them.
func fields(t *testing.T, line string, want int) []string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(line))
	r.Comma = ' '
	f, err := r.Read()
	if err != nil || len(f) != want {
		t.Fatalf("%d fields, want %d (%v): %s", len(f), want, err, line)
	}
	return f
}

func TestFlows(t *testing.T) {
	seen := map[string]int{}
	lines(t, "aws_vpcflow", func(at time.Time, line string) {
		f := fields(t, line, 14)
		seen[f[7]+f[13]]++
		if f[0] != "2" || f[10] != fmt.Sprint(at.Unix()-60) || f[11] != fmt.Sprint(at.Unix()) {
			t.Errorf("version or times: %s", line)
		}
		if f[13] != "OK" {
			if rest := strings.Join(append(f[3:10:10], f[12]), ""); rest != "--------" {
				t.Errorf("%s has data: %s", f[13], line)
			}
			return
		}
		for _, ip := range f[3:5] {
			if _, err := netip.ParseAddr(ip); err != nil {
				t.Error(err)
			}
		}
		var packets, bytes int
		fmt.Sscan(f[8]+" "+f[9], &packets, &bytes)
		if packets < 1 || bytes < 28*packets || bytes > 1500*packets {
			t.Errorf("%d bytes in %d packets", bytes, packets)
		}
		if (f[7] == "1") != (f[5]+f[6] == "00") {
			t.Errorf("only ICMP has no ports: %s", line)
		}
	})
	for _, kind := range []string{"6OK", "17OK", "1OK", "-NODATA", "-SKIPDATA"} {
		if seen[kind] == 0 {
			t.Errorf("no line of the kind %s", kind)
		}
	}
}

func TestIIS(t *testing.T) {
	lines(t, "w3c_iis", func(at time.Time, line string) {
		f := fields(t, line, 15)
		onTime(t, time.DateTime, f[0]+" "+f[1], at, time.Second)
		for _, ip := range []string{f[2], f[8]} {
			if _, err := netip.ParseAddr(ip); err != nil {
				t.Error(err)
			}
		}
		if !strings.HasPrefix(f[4], "/") || strings.Contains(f[4], "?") || f[6] != "443" {
			t.Errorf("path or port: %s", line)
		}
	})
}

func TestSyslog(t *testing.T) {
	old := rfc3164.NewParser(rfc3164.WithYear(rfc3164.Year{YYYY: 2023}))
	lines(t, "syslog_rfc3164", func(at time.Time, line string) {
		m, err := old.Parse([]byte(line))
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		s := m.(*rfc3164.SyslogMessage)
		id := *s.Appname
		if s.ProcID != nil {
			id += "[" + *s.ProcID + "]"
		} else if id != "kernel" {
			t.Errorf("%s has no process id", line)
		}
		same(t, fmt.Sprintf("<%d>%s %s %s: %s", *s.Priority, s.Timestamp.Format(time.Stamp), *s.Hostname, id, *s.Message), line)
		if !s.Timestamp.Equal(at.Truncate(time.Second)) {
			t.Errorf("the time is %v, want %v", s.Timestamp, at)
		}
	})
	structured := 0
	lines(t, "syslog_rfc5424", func(at time.Time, line string) {
		m, err := rfc5424.NewParser().Parse([]byte(line))
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		s := m.(*rfc5424.SyslogMessage)
		data := "-"
		if s.StructuredData != nil {
			structured++
			origin := (*s.StructuredData)["origin@32473"]
			data = fmt.Sprintf("[origin@32473 software=%q ip=%q]", origin["software"], origin["ip"])
		}
		same(t, fmt.Sprintf("<%d>%d %s %s %s %s %s %s %s", *s.Priority, s.Version, s.Timestamp.Format("2006-01-02T15:04:05.000000Z07:00"),
			*s.Hostname, *s.Appname, *s.ProcID, *s.MsgID, data, *s.Message), line)
		if !s.Timestamp.Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("the time is %v, want %v", s.Timestamp, at)
		}
	})
	if structured == 0 || structured == records {
		t.Errorf("%d of %d messages have structured data", structured, records)
	}
}

func TestLogfmt(t *testing.T) {
	lines(t, "logfmt", func(at time.Time, line string) {
		d := logfmt.NewDecoder(strings.NewReader(line))
		var again bytes.Buffer
		e := logfmt.NewEncoder(&again)
		var keys []string
		for d.ScanRecord() {
			for d.ScanKeyval() {
				keys = append(keys, string(d.Key()))
				if err := e.EncodeKeyval(d.Key(), d.Value()); err != nil {
					t.Error(err)
				}
				if string(d.Key()) == "ts" {
					onTime(t, time.RFC3339Nano, string(d.Value()), at, time.Millisecond)
				}
			}
		}
		if got := strings.Join(keys, " "); d.Err() != nil || got != "ts level msg service method path status duration_ms" && got != "ts level msg service" {
			t.Errorf("%v in %s: %v", d.Err(), line, keys)
		}
		same(t, again.String(), line)
	})
}

// What logfmt writes, a reader of it reads: as many pairs as there were, with the
// same values.
func TestLogfmtFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "names")
		var call strings.Builder
		var values []string
		for _, name := range names {
			v := rapid.String().Draw(t, "value")
			values = append(values, v)
			fmt.Fprintf(&call, " %q %q", name, v)
		}
		p, err := template.Compile(template.Config{Body: template.Text{Name: "template", Text: "{\"v\": {{ logfmt (dict" + call.String() + ") }}}"}})
		if err != nil {
			t.Fatal(err)
		}
		line := value.OfRaw(p.AppendBody(nil, start, 0)).Field("v").S()
		d := logfmt.NewDecoder(strings.NewReader(line))
		var got []string
		for d.ScanRecord() {
			for d.ScanKeyval() {
				got = append(got, string(d.Value()))
			}
		}
		if d.Err() != nil || !slices.Equal(got, values) {
			t.Fatalf("%q of %v is read as %q (%v), want %q", line, call.String(), got, d.Err(), values)
		}
	})
}

// Header and attributes of LEEF are apart, and the attributes are those that IBM
// predefines.
func TestLEEF(t *testing.T) {
	lines(t, "leef", func(at time.Time, line string) {
		f := strings.Split(line, "|")
		if len(f) != 7 || f[0] != "LEEF:2.0" || f[5] != "^" {
			t.Fatal(line)
		}
		var keys []string
		for _, a := range strings.Split(f[6], "^") {
			k, v, ok := strings.Cut(a, "=")
			if keys = append(keys, k); !ok || v == "" {
				t.Errorf("attribute %q in %s", a, line)
			}
			if k == "devTime" {
				onTime(t, "Jan 02 2006 15:04:05", v, at, time.Second)
			}
		}
		if strings.Join(keys, " ") != "devTime src srcPort dst dstPort proto usrName sev cat" {
			t.Errorf("attributes %v", keys)
		}
	})
}

// What spans several lines, and what no package of Go reads, begins as its
// description requires, and its time is right.
func TestHeads(t *testing.T) {
	for name, tt := range map[string]struct {
		pattern, layout string
		precision       time.Duration
	}{
		"klog":             {`^[IWE](\d{4} \d\d:\d\d:\d\d\.\d{6}) +\d+ \w+\.go:\d+\] \S`, "0102 15:04:05.000000", time.Microsecond},
		"cri":              {`^(\S+) (?:stdout|stderr) [FP] \S`, time.RFC3339Nano, 1},
		"envoy":            {`^\[([^\]]+)\] "\S+ \S+ HTTP/(?:1\.1|2)" \d{3} (?:-|[A-Z]+) \d+ \d+ \d+ (?:-|\d+) "[^"]+" "[^"]+" "[^"]+" "[^"]+" "[^"]+"$`, time.RFC3339Nano, time.Millisecond},
		"postgres":         {`^(\S+ \S+) UTC \[\d+\] (?:\w+@shop )?(?:LOG|ERROR|DETAIL|STATEMENT|WARNING|FATAL):  \S`, "2006-01-02 15:04:05.000", time.Millisecond},
		"mysql_slow":       {`^# Time: (\S+)\n# User@Host: (?:app\[app\]|report\[report\]) @ (?:localhost \[\]|\S+ \[\S+\])  Id: [ \d]{5,}\n# Query_time: \d+\.\d{6}  Lock_time: \d\.\d{6} Rows_sent: \d+  Rows_examined: \d+\nSET timestamp=\d+;\n[A-Z][^\n]+;$`, time.RFC3339Nano, time.Microsecond},
		"java_multiline":   {`^(\S+ \S+) [A-Z]+ +\[\S+\] com\.example\.\w+\.\w+ - .+`, "2006-01-02 15:04:05.000", time.Millisecond},
		"python_multiline": {`^(\S+ \S+) - \w+ - [A-Z]+ - .+(?:\nTraceback \(most recent call last\):(?:\n  File "[^"]+", line \d+, in \w+\n    .+)+\n[\w.]+Error: .+)?$`, "2006-01-02 15:04:05,000", time.Millisecond},
	} {
		re := regexp.MustCompile(tt.pattern)
		lines(t, name, func(at time.Time, line string) {
			m := re.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: %s", name, line)
			}
			if name == "klog" {
				at = at.AddDate(-at.Year(), 0, 0) // there is none in it
			}
			onTime(t, tt.layout, m[1], at, tt.precision)
		})
	}
}

// A line of a container that is too long comes in two records, of one stream,
// one after the other.
func TestPartialLines(t *testing.T) {
	partial, stream := 0, ""
	lines(t, "cri", func(_ time.Time, line string) {
		f := strings.SplitN(line, " ", 4)
		if stream != "" && (f[2] != "F" || f[1] != stream) {
			t.Errorf("a part of %s is followed by %s", stream, line)
		}
		stream = ""
		if f[2] == "P" {
			stream = f[1]
			partial++
		}
	})
	if partial < records/100 || partial > records/40 {
		t.Errorf("%d of %d records are parts", partial, records)
	}
}

// Envoy's flags go with their status, and the upstream is part of the whole.
func TestEnvoy(t *testing.T) {
	seen := map[string]bool{}
	lines(t, "envoy", func(_ time.Time, line string) {
		request(t, line[strings.IndexByte(line, '"')+1:])
		f := fields(t, line, 13)
		status, flag, took, upstream := f[2], f[3], f[6], f[7]
		want := map[string]string{"NR": "404", "UT": "504", "UF": "503", "UC": "503", "URX": "503"}[flag]
		if seen[flag] = true; want != "" && status != want || want == "" && (flag != "-" || status >= "502") {
			t.Errorf("status %s with the flag %s", status, flag)
		}
		if (upstream == "-") != (flag != "-") || (f[12] == "-") != (flag == "NR") {
			t.Errorf("the upstream took %s with the flag %s: %s", upstream, flag, line)
		}
		if (status == "302" || status == "304" || flag == "NR") != (f[5] == "0") {
			t.Errorf("%s bytes were sent with the status %s", f[5], status)
		}
		var all, part int
		if n, _ := fmt.Sscan(took+" "+upstream, &all, &part); n == 2 && part > all {
			t.Errorf("the upstream took %d of %d ms", part, all)
		}
	})
	if len(seen) != 6 {
		t.Errorf("the flags were %v", seen)
	}
}
