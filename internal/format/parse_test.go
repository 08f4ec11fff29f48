package format

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logfmt/logfmt"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"github.com/gdummy/gdummy/internal/value"
)

// lines calls read with the `log` of the first records of a format; formats
// whose records are documents give them as JSON.
func lines(t *testing.T, name string, read func(line string)) {
	t.Helper()
	f, ok := Find(name)
	if !ok {
		t.Fatalf("there is no format %s", name)
	}
	p := compile(t, f)
	for k := range uint64(2000) {
		v := value.OfRaw(p.AppendBody(nil, start+int64(k)*250e6, k))
		if log := v.Field("log"); v.Len() == 1 && log.K == value.String {
			read(log.S)
		} else {
			read(string(v.AppendJSON(nil)))
		}
		if t.Failed() {
			return
		}
	}
}

// Syslog is read by a parser of others.
func TestSyslog(t *testing.T) {
	old := rfc3164.NewParser(rfc3164.WithYear(rfc3164.Year{YYYY: 2023}))
	lines(t, "syslog_rfc3164", func(line string) {
		m, err := old.Parse([]byte(line))
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		s := m.(*rfc3164.SyslogMessage)
		if s.Hostname == nil || s.Appname == nil || s.ProcID == nil || s.Timestamp.Unix() < start/1e9 {
			t.Errorf("%s was read as %+v", line, s)
		}
	})
	structured := 0
	lines(t, "syslog_rfc5424", func(line string) {
		m, err := rfc5424.NewParser().Parse([]byte(line))
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		s := m.(*rfc5424.SyslogMessage)
		if s.Hostname == nil || s.Appname == nil || s.MsgID == nil || s.Timestamp.Unix() < start/1e9 {
			t.Errorf("%s was read as %+v", line, s)
		}
		if s.StructuredData != nil && (*s.StructuredData)["origin@32473"]["ip"] != "" {
			structured++
		}
	})
	if structured < 1000 {
		t.Errorf("%d messages have structured data", structured)
	}
}

// logfmt is read by a parser of others.
func TestLogfmt(t *testing.T) {
	lines(t, "logfmt", func(line string) {
		d := logfmt.NewDecoder(strings.NewReader(line))
		keys := map[string]string{}
		for d.ScanRecord() {
			for d.ScanKeyval() {
				keys[string(d.Key())] = string(d.Value())
			}
		}
		if d.Err() != nil || len(keys) != 8 || keys["msg"] == "" {
			t.Errorf("%v in %s: %v", d.Err(), line, keys)
		}
	})
}

// Documents are read by Go's own JSON, within lines of text as well.
func TestJSON(t *testing.T) {
	for name, key := range map[string]string{
		"nginx_json": "request_id", "docker_json": "stream", "json_app": "trace_id", "gelf": "short_message", "cloudtrail": "eventID",
		"windows_event_json": "EventID", "otel_log": "traceId", "kubernetes": "kubernetes",
	} {
		lines(t, name, func(line string) {
			d := json.NewDecoder(strings.NewReader(line))
			var m map[string]any
			if err := d.Decode(&m); err != nil || m[key] == nil {
				t.Errorf("%s: %v in %s", name, err, line)
			}
			if _, err := d.Token(); err != io.EOF {
				t.Errorf("%s: something follows in %s", name, line)
			}
		})
	}
}

// The first line of what access logs quote is a request that net/http reads.
func TestAccessLogs(t *testing.T) {
	common := regexp.MustCompile(`^(\S+) - (\S+) \[([^\]]+)\] "([^"]+)" (\d{3}) (\d+)(?: "([^"]*)" "([^"]*)")?$`)
	for name, quoted := range map[string]bool{"apache_common": false, "apache_combined": true, "nginx": true} {
		lines(t, name, func(line string) {
			m := common.FindStringSubmatch(line)
			if m == nil || quoted != (m[8] != "") {
				t.Fatalf("%s: %s", name, line)
			}
			if _, err := netip.ParseAddr(m[1]); err != nil {
				t.Error(name, err)
			}
			if _, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[3]); err != nil {
				t.Error(name, err)
			}
			request(t, m[4])
			if m[7] != "-" && quoted {
				if u, err := url.Parse(m[7]); err != nil || u.Host == "" {
					t.Error(name, m[7], err)
				}
			}
		})
	}
	haproxy := regexp.MustCompile(`^\S+:\d+ \[[^\]]+\] \S+ \w+/\w+ \d+/\d+/\d+/\d+/\d+ \d{3} \d+ - - ---- \d+/\d+/\d+/\d+/\d+ \d+/\d+ "([^"]+)"$`)
	lines(t, "haproxy", func(line string) {
		m := haproxy.FindStringSubmatch(line)
		if m == nil {
			t.Fatal(line)
		}
		request(t, m[1])
	})
	envoy := regexp.MustCompile(`^\[[^\]]+\] "([^"]+)" \d{3} \S+ \d+ \d+ \d+ \d+ "[^"]*" "[^"]*" "[^"]*" "[^"]*" "[^"]*"$`)
	lines(t, "envoy", func(line string) {
		m := envoy.FindStringSubmatch(line)
		if m == nil {
			t.Fatal(line)
		}
		request(t, m[1])
	})
}

func request(t *testing.T, line string) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + "\r\nHost: x\r\n\r\n")))
	if err != nil || r.URL.Path == "" {
		t.Errorf("%v in %s", err, line)
	}
}

// A load balancer's line has its 30 fields between spaces, in quotes where they
// have spaces: encoding/csv reads that.
func TestFields(t *testing.T) {
	for name, want := range map[string]int{"aws_elb": 30, "aws_vpcflow": 14, "w3c_iis": 15} {
		lines(t, name, func(line string) {
			r := csv.NewReader(strings.NewReader(line))
			r.Comma = ' '
			fields, err := r.Read()
			if err != nil || len(fields) != want {
				t.Errorf("%s: %d fields, want %d (%v): %s", name, len(fields), want, err, line)
			}
		})
	}
}

// Header and extensions of security events are apart, and their values are what
// they should be.
func TestSecurityEvents(t *testing.T) {
	pair := regexp.MustCompile(`(\w+)=(.*?)(?: (?:\w+=)|$)`)
	lines(t, "cef", func(line string) {
		f := strings.SplitN(line, "|", 8)
		if len(f) != 8 || f[0] != "CEF:0" {
			t.Fatal(line)
		}
		if n, err := strconv.Atoi(f[6]); err != nil || n > 10 {
			t.Errorf("severity %s", f[6])
		}
		if m := pair.FindStringSubmatch(f[7]); m == nil || m[1] != "rt" {
			t.Errorf("extensions %s", f[7])
		}
	})
	lines(t, "leef", func(line string) {
		f := strings.Split(line, "|")
		if len(f) != 7 || f[0] != "LEEF:2.0" || f[5] != "^" {
			t.Fatal(line)
		}
		for _, a := range strings.Split(f[6], "^") {
			if k, v, ok := strings.Cut(a, "="); !ok || k == "" || v == "" {
				t.Errorf("attribute %q in %s", a, line)
			}
		}
	})
}

// Lines that span several, and those of databases and components, begin as their
// descriptions say, and their times can be read.
func TestHeads(t *testing.T) {
	for name, tt := range map[string]struct{ pattern, layout string }{
		"apache_error":     {`^\[([^\]]+)\] \[\w+:\w+\] \[pid \d+:tid \d+\] \[client \S+:\d+\] AH\d{5}: \S`, "Mon Jan 02 15:04:05.000000 2006"},
		"klog":             {`^[IWE](\d{4} \d\d:\d\d:\d\d\.\d{6}) +\d+ \w+\.go:\d+\] \S`, "0102 15:04:05.000000"},
		"cri":              {`^(\S+) (?:stdout|stderr) [FP] \S`, time.RFC3339Nano},
		"postgres":         {`^(\S+ \S+) UTC \[\d+\] \w+@shop (?:LOG|ERROR|WARNING):  \S`, "2006-01-02 15:04:05.000"},
		"mysql_slow":       {`^# Time: (\S+)\n# User@Host: \w+\[\w+\] @  \[\S+\]  Id: \d+\n# Query_time: \d+\.\d{6}  Lock_time: \d\.\d{6} Rows_sent: \d+  Rows_examined: \d+\nSET timestamp=\d+;\n[A-Z][^\n]+;$`, time.RFC3339Nano},
		"java_multiline":   {`^(\S+ \S+) [A-Z]+ +\[\S+\] com\.example\.\w+\.\w+ - .+(?:\n[^\n]+Exception: .+(?:\n\tat .+)+(?:\nCaused by: .+(?:\n\tat .+)+\n\t\.\.\. \d+ more)?)?$`, "2006-01-02 15:04:05.000"},
		"python_multiline": {`^(\S+ \S+) - \w+ - [A-Z]+ - .+(?:\nTraceback \(most recent call last\):(?:\n  File "[^"]+", line \d+, in \w+\n    .+)+\n[\w.]+Error: .+)?$`, "2006-01-02 15:04:05,000"},
		"go_panic":         {`^(?:panic: .+\n\ngoroutine \d+ \[running\]:(?:\n[^\t\n]+\(0xc\w+\)\n\t\S+\.go:\d+ \+0x\w+)+|(\S+ \S+) [^\n]+)$`, "2006/01/02 15:04:05"},
	} {
		re := regexp.MustCompile(tt.pattern)
		lines(t, name, func(line string) {
			m := re.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: %s", name, line)
			}
			if m[1] == "" {
				return
			}
			if _, err := time.Parse(tt.layout, m[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// Every format is read by one of the tests above.
func TestAllAreParsed(t *testing.T) {
	text := new(bytes.Buffer)
	for _, name := range []string{
		"syslog_rfc3164", "syslog_rfc5424", "logfmt", "nginx_json", "docker_json", "json_app", "gelf", "cloudtrail", "windows_event_json",
		"otel_log", "kubernetes", "apache_common", "apache_combined", "nginx", "haproxy", "envoy", "aws_elb", "aws_vpcflow", "w3c_iis",
		"cef", "leef", "apache_error", "klog", "cri", "postgres", "mysql_slow", "java_multiline", "python_multiline", "go_panic",
	} {
		text.WriteString(" " + name + " ")
	}
	for _, f := range All() {
		if !strings.Contains(text.String(), " "+f.Name+" ") {
			t.Errorf("no test reads %s", f.Name)
		}
	}
}
