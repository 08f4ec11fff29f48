// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Fluent Bit's parsers find the variables of every irregular line, but in the lines that
// match unread, which they do not parse in real life either.
func TestIrregularParsers(t *testing.T) {
	files, extra := parserFiles(t)
	const records = 1000
	tests := []struct{ format, parser, unread, fields string }{
		// The parser of nginx requires a request. The time is that of the record.
		{"apache_common", "apache2", `^$`, "host user path code size"},
		{"apache_combined", "apache2", `^$`, "host user path code size referer agent"},
		{"nginx", "nginx", `"" (400|408) `, "remote user path code size referer agent"},
		{"apache_error", "apache_error", `^(sh|rm|perl): `, "time level pid client message"},
		// A process id has to be a number, a message has to be. A time without a fraction or
		// of the value - is dropped.
		{"syslog_rfc5424", "syslog-rfc5424", ` worker-\d |(-|[\]]|")$`, "pri host ident pid msgid extradata message"},
		// A count before the time is read as part of it, and the time as the host.
		{"syslog_rfc3164", "syslog-rfc3164", `^[^<]`, "pri"},
		{"mysql_slow", "mysql_slow", ` @  ?\[| @ localhost \[\]|^/usr/sbin`, "user dbhost dbhost_address message"},
	}
	onEachHost(t, func(t *testing.T, h host) {
		var b strings.Builder
		b.WriteString("[SERVICE]\n  flush 0.2\n  grace 1\n" + files)
		for _, f := range tests {
			fmt.Fprintf(&b, "[INPUT]\n  name gdummy\n  tag %s\n  format %s\n  irregular 1\n  seed 1\n  stream_id s\n  start_time 2023-11-14T22:13:20Z\n  time_step 10ms\n  rate 5000\n  max_records %d\n", f.format, f.format, records)
			fmt.Fprintf(&b, "[FILTER]\n  name modify\n  match %s\n  copy log raw\n", f.format)
			fmt.Fprintf(&b, "[FILTER]\n  name parser\n  match %s\n  key_name log\n  parser %s\n  reserve_data on\n", f.format, f.parser)
		}
		b.WriteString("[OUTPUT]\n  name file\n  match *\n  path out\n  format msgpack\n")
		p := h.start(t, launch{config: b.String()})
		for _, f := range tests {
			p.await(f.format, 30*time.Second, func() bool { return len(p.records(f.format)) >= records })
		}
		p.stop()
		for _, f := range tests {
			if f.parser == "mysql_slow" && extra == "" {
				continue
			}
			all, unread := 1.0, regexp.MustCompile(f.unread)
			known, _ := format.Find(f.format)
			program, err := template.Compile(template.Config{Body: template.Text{Name: f.format, Text: known.Text}, Seed: 1, Stream: "s", Irregular: &all})
			if err != nil {
				t.Fatal(err)
			}
			bad, skipped := 0, 0
			for k, r := range p.records(f.format) {
				m, _, err := msgp.ReadMapStrIntfBytes(r.body, nil)
				if err != nil {
					t.Fatal(err)
				}
				sent := value.OfRaw(program.AppendBody(nil, 1_700_000_000_000_000_000+int64(k)*10e6, uint64(k))).Field("log").S()
				problem := ""
				if m["raw"] != sent {
					problem = fmt.Sprintf("the line is not that of record %d: %s", k, sent)
				} else if unread.MatchString(sent) {
					skipped++
					if m["log"] != sent {
						problem = "the parser has learnt what it did not know"
					}
				} else {
					for _, field := range strings.Fields(f.fields) {
						got, _ := m[field].(string)
						want := ""
						if v, ok := program.Variable("$" + field); ok && v.K != value.Omit {
							want = string(v.AppendText(nil))
						}
						if got != want {
							problem = fmt.Sprintf("%s is %q, want %q", field, got, want)
							break
						}
					}
				}
				if problem != "" {
					if bad++; bad <= 4 {
						t.Errorf("format %s, parser %s: %s: %s", f.format, f.parser, problem, r)
					}
				}
			}
			if bad > 0 || skipped > records*2/3 {
				t.Errorf("%s: %d of %d records are wrong, %d are not for the parser", f.format, bad, records, skipped)
			}
		}
	})
}
