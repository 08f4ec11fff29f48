// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/elastic/go-grok"
	"github.com/elastic/go-grok/patterns"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"
)

// Readers read every irregular line that they read in real life: all but those that
// match unread, and none of those.
func TestIrregularLines(t *testing.T) {
	for name, tt := range map[string]struct {
		read   func(line string) bool
		unread string // "" means none
	}{
		// Programs that Apache starts write what they like.
		"apache_error": {grokked(t, `^(?:%{HTTPD24_ERRORLOG}|%{HTTPD20_ERRORLOG})$`), `^(sh|rm|perl): `},
		// Lines that are not of requests; the pattern knows no path without a name.
		"haproxy": {grokked(t, `^%{HAPROXYHTTPBASE}$`), `: (SSL|Connection closed|Timeout) |^Server | pgsql/|"(GET|POST) / `},
		// The pattern is of Classic Load Balancers with HTTP: it knows no path without a
		// name, and no requests of TCP.
		"aws_elb": {grokked(t, `^(?:(?:http|https|h2|grpcs|ws|wss) )?%{ELB_V1_HTTP_LOG}`), `:443/ HTTP|:80/ HTTP|"- `},
		"syslog_rfc5424": {func(line string) bool {
			_, err := rfc5424.NewParser().Parse([]byte(line))
			return err == nil
		}, ``},
		// RFC 3164 has a priority, and a time before all else.
		"syslog_rfc3164": {func(line string) bool {
			_, err := rfc3164.NewParser().Parse([]byte(line))
			return err == nil
		}, `^[^<]|^<\d+>\d+: `},
	} {
		unread, other := regexp.MustCompile(tt.unread), 0
		var wrong []string
		irregular(t, name, func(_ time.Time, line string) {
			want := tt.unread == "" || !unread.MatchString(line)
			if read := tt.read(line); read != want {
				wrong = append(wrong, fmt.Sprintf("read: %v, want %v: %s", read, want, line))
			}
			if !want {
				other++
			}
		})
		for _, w := range wrong[:min(len(wrong), 8)] {
			t.Errorf("%s: %s", name, w)
		}
		if (other == 0) != (tt.unread == "") || other > records*2/3 {
			t.Errorf("%s: %d of %d lines are not for the reader", name, other, records)
		}
	}
}

// irregularText returns the irregular lines of a format, and how many of them match each
// of some patterns.
func irregularText(t *testing.T, name string, patterns ...string) (text []byte, counts []int) {
	t.Helper()
	counts = make([]int, len(patterns))
	irregular(t, name, func(_ time.Time, line string) { text = append(text, line+"\n"...) })
	for i, p := range patterns {
		counts[i] = len(regexp.MustCompile("(?m)"+p).FindAll(text, -1))
		if counts[i] == 0 {
			t.Errorf("%s: no line matches %s", name, p)
		}
	}
	return text, counts
}

// pt-query-digest reads every irregular entry, and skips the header of the server.
func TestIrregularQueries(t *testing.T) {
	text, counts := irregularText(t, "mysql_slow", `^# User@Host: `, ` Errno: 1205 `)
	var digest struct {
		Global struct {
			Queries int `json:"query_count"`
			Metrics map[string]map[string]string
		}
	}
	out := runOn(t, "percona-toolkit", "mysql_slow", text, "pt-query-digest", "--output", "json", "--no-version-check", "FILE")
	if err := json.Unmarshal(out, &digest); err != nil {
		t.Fatalf("%v in %.300s", err, out)
	}
	if got, want := digest.Global.Metrics["Errno"]["sum"], fmt.Sprint(1205*counts[1]); digest.Global.Queries != counts[0] || got != want {
		t.Errorf("it read %d queries with the sum of errors %s, want %d and %s", digest.Global.Queries, got, counts[0], want)
	}
}

// pgbadger finds the severity of every irregular entry, of which some have several lines.
func TestIrregularPgBadger(t *testing.T) {
	severities := []string{"LOG", "ERROR", "FATAL", "DETAIL", "HINT", "CONTEXT", "STATEMENT"}
	var patterns []string
	for _, s := range severities {
		patterns = append(patterns, `^\S+ \S+ UTC \[\d+\] (?:\S+@\S+ )?`+s+`:  `)
	}
	text, counts := irregularText(t, "postgres", append(patterns, ` connection authorized: `)...)
	var got struct {
		Types map[string]map[string]int      `json:"logs_type"`
		Conns map[string]struct{ Count int } `json:"connection_info"`
	}
	out := runOn(t, "pgbadger", "postgres", text, "pgbadger", "-q", "-f", "stderr", "--prefix", "%m [%p] %q%u@%d ", "-x", "json", "-o", "OUT", "FILE")
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %.300s", err, out)
	}
	types := got.Types["postgres"]
	if n, want := types["LOG"]+types["ERROR"], counts[0]+counts[1]; n != want { // it counts some of LOG with the errors
		t.Errorf("it read %d entries of LOG and ERROR, want %d", n, want)
	}
	for i, s := range severities[2:] {
		if n := types[s]; n != counts[i+2] {
			t.Errorf("it read %d entries of %s, want %d", n, s, counts[i+2])
		}
	}
	if n := got.Conns["postgres"].Count; n != counts[len(severities)] {
		t.Errorf("it read %d connections, want %d", n, counts[len(severities)])
	}
}

// lnav reads every irregular line of IIS but the header, which may be repeated in the
// middle of a file.
func TestIrregularIIS(t *testing.T) {
	const head = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2023-11-14 22:13:20\n" +
		"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"
	text, counts := irregularText(t, "w3c_iis", `^[^#]`, ` 404 11 0 \d+$`, `^#`)
	out := runOn(t, "lnav", "w3c_iis", append([]byte(head), text...), "lnav", "-n", "-c", ";SELECT count(*) AS n, sum(sc_status = 404 AND sc_substatus = 11) AS refused FROM w3c_log", "-c", ":write-json-to -", "FILE")
	var rows []struct{ N, Refused int }
	if err := json.Unmarshal(out, &rows); err != nil || len(rows) != 1 {
		t.Fatalf("%v in %.300s", err, out)
	}
	if rows[0].N != counts[0] || rows[0].Refused != counts[1] {
		t.Errorf("it read %v, want %v", rows[0], counts)
	}
}

// grokked reports whether a pattern of grok matches.
func grokked(t *testing.T, pattern string) func(line string) bool {
	t.Helper()
	g, err := grok.NewWithPatterns(patterns.Default, patterns.Httpd, patterns.HAProxy, patterns.AWS, patterns.Java, patterns.Syslog)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Compile(pattern, true); err != nil {
		t.Fatal(err)
	}
	return func(line string) bool {
		m, err := g.ParseString(line)
		return err == nil && len(m) > 0
	}
}
