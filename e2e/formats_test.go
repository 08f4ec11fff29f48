// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/generate/template"
)

// parsed is a format with a parser of Fluent Bit.
type parsed struct {
	format, parser string
	// again reconstructs the line from the parsed fields and the record's time.
	again func(m map[string]string, at time.Time, raw string) string
	// unknown is in valid lines that the parser does not support.
	unknown string
}

// share returns the option for regular lines only, if there are others.
func (f parsed) share() string {
	known, _ := format.Find(f.format)
	if !strings.Contains(known.Text, "{{- irregular ") {
		return ""
	}
	return "  irregular 0\n"
}

// logfmtPair is a key and its value in a line of logfmt.
var logfmtPair = regexp.MustCompile(`(\S+?)=("(?:[^"\\]|\\.)*"|\S*)`)

// accessLine is a line of an access log; its parser sets the time of the record.
func accessLine(host string, quotes bool) func(m map[string]string, at time.Time, raw string) string {
	return func(m map[string]string, at time.Time, _ string) string {
		line := fmt.Sprintf(`%s - %s [%s] "%s %s HTTP/1.1" %s %s`, m[host], m["user"], at.Format("02/Jan/2006:15:04:05 -0700"), m["method"], m["path"], m["code"], m["size"])
		if quotes {
			line += fmt.Sprintf(` "%s" "%s"`, m["referer"], m["agent"])
		}
		return line
	}
}

var parsers = []parsed{
	{"apache_common", "apache2", accessLine("host", false), ""},
	{"apache_combined", "apache2", accessLine("host", true), ""},
	{"nginx", "nginx", accessLine("remote", true), ""},
	{"apache_error", "apache_error", func(m map[string]string, _ time.Time, raw string) string {
		line := raw[:len("[Tue ")] + m["time"] + "] [" + m["level"] + "] [pid " + m["pid"] + "]"
		if m["client"] != "" {
			line += " [client " + m["client"] + "]"
		}
		return line + " " + m["message"]
	}, ""},
	{"syslog_rfc3164", "syslog-rfc3164", func(m map[string]string, _ time.Time, _ string) string {
		if m["pid"] != "" {
			m["ident"] += "[" + m["pid"] + "]"
		}
		return fmt.Sprintf("<%s>%s %s %s: %s", m["pri"], m["time"], m["host"], m["ident"], m["message"])
	}, ""},
	{"syslog_rfc5424", "syslog-rfc5424", func(m map[string]string, _ time.Time, _ string) string {
		return fmt.Sprintf("<%s>1 %s %s %s %s %s %s %s", m["pri"], m["time"], m["host"], m["ident"], m["pid"], m["msgid"], m["extradata"], m["message"])
	}, ""},
	{"cri", "cri", func(m map[string]string, _ time.Time, _ string) string {
		return m["time"] + " " + m["stream"] + " " + m["logtag"] + " " + m["message"]
	}, ""},
	{"envoy", "envoy", func(m map[string]string, _ time.Time, _ string) string {
		return fmt.Sprintf(`[%s] "%s %s %s" %s %s %s %s %s %s "%s" "%s" "%s" "%s" "%s"`, m["start_time"], m["method"], m["path"], m["protocol"],
			m["code"], m["response_flags"], m["bytes_received"], m["bytes_sent"], m["duration"], m["x_envoy_upstream_service_time"],
			m["x_forwarded_for"], m["user_agent"], m["request_id"], m["authority"], m["upstream_host"])
	}, ""},
	{"mysql_slow", "mysql_slow", func(m map[string]string, _ time.Time, raw string) string {
		lines := strings.SplitN(raw, "\n", 3)
		lines[1] = fmt.Sprintf("# User@Host: %s @ %s [%s]  %s", m["user"], m["dbhost"], m["dbhost_address"], m["message"])
		return strings.Join(lines, "\n")
	}, " @ localhost []  Id: "},
	{"logfmt", "logfmt", nil, ""},
	{"docker_json", "docker", nil, ""},
	{"nginx_json", "json", nil, ""},
}

// parserFiles returns the lines of a service section that load Fluent Bit's parsers, and the
// path of parsers_extra.conf, or "" without one.
func parserFiles(t *testing.T) (files, extra string) {
	t.Helper()
	conf := os.Getenv("FLUENT_BIT_PARSERS")
	if conf == "" {
		t.Skip("### SKIPPED: FLUENT_BIT_PARSERS is not set to a parsers.conf, such as /etc/fluent-bit/parsers.conf: FLUENT BIT'S PARSERS WERE NOT TESTED")
	}
	files = "  parsers_file " + conf + "\n"
	extra = filepath.Join(filepath.Dir(conf), "parsers_extra.conf")
	if _, err := os.Stat(extra); err == nil {
		files += "  parsers_file " + extra + "\n"
	} else {
		extra = ""
		t.Logf("SKIPPED: no parsers_extra.conf beside %s: mysql_slow WAS NOT TESTED WITH ITS PARSER", conf)
	}
	return files, extra
}

// Fluent Bit's parsers parse every line of our formats, and every byte is in the right
// field. FLUENT_BIT_PARSERS is the path of Fluent Bit's parsers.conf; parsers_extra.conf is
// beside it.
func TestParsers(t *testing.T) {
	files, extra := parserFiles(t)
	const records = 2000
	onEachHost(t, func(t *testing.T, h host) {
		var b strings.Builder
		b.WriteString("[SERVICE]\n  flush 0.2\n  grace 1\n" + files)
		var tried []parsed
		for _, f := range parsers {
			if f.parser == "mysql_slow" && extra == "" {
				continue
			}
			tried = append(tried, f)
			fmt.Fprintf(&b, "[INPUT]\n  name gdummy\n  tag %s\n  format %s\n%s  seed 1\n  rate 5000\n  max_records %d\n", f.format, f.format, f.share(), records)
			fmt.Fprintf(&b, "[FILTER]\n  name modify\n  match %s\n  copy log raw\n", f.format)
			fmt.Fprintf(&b, "[FILTER]\n  name parser\n  match %s\n  key_name log\n  parser %s\n  reserve_data on\n", f.format, f.parser)
		}
		b.WriteString("[OUTPUT]\n  name file\n  match *\n  path out\n  format msgpack\n")
		p := h.start(t, launch{config: b.String()})
		for _, f := range tried {
			p.await(f.format, 30*time.Second, func() bool { return len(p.records(f.format)) >= records })
		}
		p.stop()
		for _, f := range tried {
			got := p.records(f.format)
			if len(got) != records {
				t.Errorf("%d records of %s, want %d", len(got), f.format, records)
			}
			bad := 0
			for _, r := range got {
				if problem := f.check(r); problem != "" {
					if bad++; bad == 1 {
						t.Errorf("format %s, parser %s: %s", f.format, f.parser, problem)
					}
				}
			}
			if bad > 0 {
				t.Errorf("%d of %d records of %s were not parsed", bad, records, f.format)
			}
		}
	})
}

// check describes what is wrong with a parsed record, or returns "".
func (f parsed) check(r record) string {
	m, _, err := msgp.ReadMapStrIntfBytes(r.body, nil)
	if err != nil {
		return err.Error()
	}
	raw, _ := m["raw"].(string)
	delete(m, "raw")
	if f.unknown != "" && strings.Contains(raw, f.unknown) {
		if m["log"] != raw || len(m) != 1 {
			return "the parser has learnt what it did not know: " + r.String()
		}
		return ""
	}
	for _, key := range []string{"time", "start_time"} {
		// Fluent Bit parses fractions of a second as doubles.
		if text, ok := m[key].(string); ok && strings.Contains(text, "T") {
			if at, err := time.Parse(time.RFC3339Nano, text); err != nil || r.time.Sub(at).Abs() > time.Nanosecond {
				return fmt.Sprintf("its time is %v, and not %s (%v)", r.time, text, err)
			}
		}
	}
	if raw == "" || len(m) < 2 {
		return "nothing was found in " + r.String()
	}
	if f.again != nil {
		texts := map[string]string{}
		for k, v := range m {
			texts[k], _ = v.(string)
		}
		if line := f.again(texts, r.time, raw); line != raw {
			return fmt.Sprintf("%s\nis\n%s\nand not\n%s", r, line, raw)
		}
		return ""
	}
	// Otherwise the line is a document: the record has its fields, except for the time,
	// which some parsers remove.
	want := map[string]any{}
	if f.parser == "logfmt" {
		for _, pair := range logfmtPair.FindAllStringSubmatch(raw, -1) {
			text := pair[2]
			if strings.HasPrefix(text, `"`) {
				if text, err = strconv.Unquote(text); err != nil {
					break
				}
			}
			want[pair[1]] = text
		}
	} else {
		err = json.Unmarshal([]byte(raw), &want)
	}
	if text, ok := want["time"].(string); ok && m["time"] == nil {
		if at, err := time.Parse("02/Jan/2006:15:04:05 -0700", text); err != nil || !at.Equal(r.time) {
			return fmt.Sprintf("its time is %v, and not %s (%v)", r.time, text, err)
		}
		delete(want, "time")
	}
	text, err2 := json.Marshal(m)
	got := map[string]any{}
	if err = errors.Join(err, err2, json.Unmarshal(text, &got)); err != nil || !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("%s and not %v (%v)", r, want, err)
	}
	return ""
}

// Fluent Bit's multiline parsers join exactly the lines that belong together: the lines in
// files of programs and containers become the events that were written.
func TestMultiline(t *testing.T) {
	const records = 2000
	for _, tt := range []struct {
		format, parser string
		// events returns the expected events for the texts of the records.
		events func(logs []string) []string
	}{
		{"java_multiline", "java", func(logs []string) (want []string) {
			for _, log := range logs {
				head, trace, _ := strings.Cut(log, "\n")
				if want = append(want, head); trace != "" {
					want = append(want, trace)
				}
			}
			return want
		}},
		{"python_multiline", "python", func(logs []string) (want []string) {
			for _, log := range logs {
				head, trace, _ := strings.Cut(log, "\n")
				if want = append(want, head); trace != "" {
					want = append(want, trace)
				}
			}
			return want
		}},
		{"go_panic", "go", func(logs []string) []string { return logs }},
		{"cri", "cri", func(logs []string) (want []string) {
			part := ""
			for _, log := range logs {
				f := strings.SplitN(log, " ", 4)
				if part += f[3]; f[2] == "F" {
					want, part = append(want, part), ""
				}
			}
			return want
		}},
		{"docker_json", "docker", func(logs []string) (want []string) {
			part := ""
			for _, log := range logs {
				var m struct{ Log string }
				if err := json.Unmarshal([]byte(log), &m); err != nil {
					t.Fatal(err)
				}
				if part += m.Log; strings.HasSuffix(part, "\n") {
					want, part = append(want, strings.TrimSuffix(part, "\n")), ""
				}
			}
			return want
		}},
	} {
		t.Run(tt.format, func(t *testing.T) {
			f, _ := format.Find(tt.format)
			program, err := template.Compile(template.Config{Body: template.Text{Name: f.Name, Text: f.Text}, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			var logs []string
			for k := range uint64(records) {
				m, _, err := msgp.ReadMapStrIntfBytes(program.AppendBody(nil, 1_700_000_000_000_000_000+int64(k)*1e6, k), nil)
				if err != nil {
					t.Fatal(err)
				}
				logs = append(logs, m["log"].(string))
			}
			want := tt.events(logs)
			if len(want) == records && tt.format != "go_panic" {
				t.Fatal("no event has several lines")
			}
			onEachHost(t, func(t *testing.T, h host) {
				dir := t.TempDir()
				in := write(t, dir, "in.log", strings.Join(logs, "\n")+"\n")
				config := "[SERVICE]\n  flush 0.2\n  grace 2\n" +
					input("name tail", "tag lines", "path "+in, "read_from_head on", "multiline.parser "+tt.parser, "buffer_max_size 1M") +
					"[OUTPUT]\n  name file\n  match *\n  path out\n  format msgpack\n"
				p := h.start(t, launch{config: config})
				p.await("the last event", 30*time.Second, func() bool { return len(p.records("lines")) >= len(want) })
				p.stop()
				got := p.records("lines")
				if len(got) != len(want) {
					t.Errorf("%d events, want %d", len(got), len(want))
				}
				for i := range min(len(got), len(want)) {
					m, _, err := msgp.ReadMapStrIntfBytes(got[i].body, nil)
					if log, _ := m["log"].(string); err != nil || strings.TrimSuffix(log, "\n") != want[i] {
						t.Fatalf("event %d is\n%q\nwant\n%q (%v)", i, log, want[i], err)
					}
				}
			})
		})
	}
}

// The records of a template depend only on the seed, the stream and their number, in Fluent
// Bit, too. After a reload the stream continues.
func TestTemplatesInFluentBit(t *testing.T) {
	const config = `
[SERVICE]
  flush 0.2
  grace 1
[INPUT]
  name gdummy
  alias one
  tag ours
  rate 500
  max_records 200
  seed 7
  stream_id s
  template {"k": {{ seq }}, "id": "{{ $id := hex 8 }}{{ $id }}"}
  tag_template by.{{ mod seq 2 }}
[INPUT]
  name gdummy
  tag again
  rate 50
  max_records 100
  seed 7
  stream_id s
  first_seq 100
  template {"k": {{ seq }}, "id": "{{ $id := hex 8 }}{{ $id }}"}
[OUTPUT]
  name file
  match *
  path out
  format msgpack
`
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: config})
		p.await("all records", 20*time.Second, func() bool {
			return len(p.records("by.0"))+len(p.records("by.1")) >= 200 && len(p.records("again")) >= 100
		})
		p.stop()
		even, odd, again := p.records("by.0"), p.records("by.1"), p.records("again")
		if len(even) != 100 || len(odd) != 100 || len(again) != 100 {
			t.Fatalf("%d, %d and %d records, want 100 each", len(even), len(odd), len(again))
		}
		for i, r := range again {
			want := even[50+i/2]
			if i%2 == 1 {
				want = odd[50+i/2]
			}
			if string(r.body) != string(want.body) {
				t.Errorf("record %d is %s in one stream and %s in the same stream started there", 100+i, want, r)
			}
		}
	})
}

// After a hot reload with the same seed and template, a stream continues. With another
// template it starts again.
func TestStreamsAcrossReloads(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "hot reload")
		config := func(tag, template string) string {
			return "[SERVICE]\n  flush 0.2\n  grace 1\n" +
				input("name gdummy", "tag "+tag, "rate 100", "seed 7", "template "+template) + toFiles
		}
		const template = `{"k": {{ seq }}, "id": {{ hex 8 }}}`
		p := h.start(t, launch{config: config("first", template), args: hotReload(h)})
		reload := func(tag, template string) {
			t.Helper()
			p.write("fluent-bit.conf", config(tag, template))
			p.hangUp()
			p.await("records of "+tag, 20*time.Second, func() bool { return len(p.records(tag)) >= 20 })
		}
		p.await("records of first", 20*time.Second, func() bool { return len(p.records("first")) >= 20 })
		reload("second", template)
		reload("third", `{"again": {{ seq }}}`)
		p.stop()
		seen := uint64(0)
		for _, tag := range []string{"first", "second"} {
			for i, r := range p.records(tag) {
				if tag == "second" && i == 0 && h.version.before(version{4, 1, 0}) {
					// These hosts drop the pending records of the old instance; the stream
					// continues after them.
					var next uint64
					if _, err := fmt.Sscanf(r.String(), `{} {"k": %d,`, &next); err != nil || next < seen {
						t.Fatalf("the first record of %s is %s, after %d of first", tag, r, seen)
					}
					t.Logf("%s dropped %d records of the reloaded input", h.version, next-seen)
					seen = next
				}
				if want := fmt.Sprintf(`"k": %d,`, seen); !strings.Contains(r.String(), want) {
					t.Fatalf("record %d, of %s, is %s", seen, tag, r)
				}
				seen++
			}
		}
		if r := p.records("third")[0]; !strings.Contains(r.String(), `"again": 0}`) {
			t.Errorf("the first record of another template is %s", r)
		}
	})
}
