package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Fluent Bit's own parsers take the lines of our formats apart: every single
// one. FLUENT_BIT_PARSERS names the parsers.conf that comes with it.
func TestParsers(t *testing.T) {
	parsers := os.Getenv("FLUENT_BIT_PARSERS")
	if parsers == "" {
		t.Skip("SKIPPED: FLUENT_BIT_PARSERS names no parsers.conf: FLUENT BIT'S PARSERS WERE NOT TRIED")
	}
	const records = 2000
	// A parser that fails leaves the record as it was. With one that does not,
	// the members that it names are there.
	formats := []struct{ format, parser, member string }{
		{"apache_common", "apache2", `"code": `},
		{"apache_combined", "apache2", `"agent": `},
		{"apache_error", "apache_error", `"client": `},
		{"nginx", "nginx", `"agent": `},
		{"nginx_json", "json", `"request_id": `},
		{"syslog_rfc3164", "syslog-rfc3164", `"ident": `},
		{"syslog_rfc5424", "syslog-rfc5424", `"msgid": `},
		{"cri", "cri", `"logtag": `},
		{"docker_json", "docker", `"stream": `},
		{"logfmt", "logfmt", `"duration_ms": `},
		{"envoy", "envoy", `"authority": `},
	}
	onEachHost(t, func(t *testing.T, h host) {
		var b strings.Builder
		fmt.Fprintf(&b, "[SERVICE]\n  flush 0.2\n  grace 1\n  parsers_file %s\n", parsers)
		for _, f := range formats {
			fmt.Fprintf(&b, "[INPUT]\n  name gdummy\n  tag %s\n  format %s\n  seed 1\n  rate 5000\n  max_records %d\n", f.format, f.format, records)
			fmt.Fprintf(&b, "[FILTER]\n  name parser\n  match %s\n  key_name log\n  parser %s\n", f.format, f.parser)
		}
		b.WriteString("[OUTPUT]\n  name file\n  match *\n  path out\n  format msgpack\n")
		p := h.start(t, launch{config: b.String()})
		for _, f := range formats {
			p.await(f.format, 30*time.Second, func() bool { return len(p.records(f.format)) >= records })
		}
		p.stop()
		for _, f := range formats {
			bad := 0
			for _, r := range p.records(f.format) {
				if s := r.String(); !strings.Contains(s, f.member) {
					if bad++; bad == 1 {
						t.Errorf("%s was not read by the parser %s: %s", f.format, f.parser, s)
					}
				}
			}
			if bad > 0 {
				t.Errorf("%d of %d records of %s were not read", bad, records, f.format)
			}
		}
	})
}

// The records of a template are the same in Fluent Bit as anywhere: they depend on
// the seed, the stream and their number only; after a reload they go on.
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
				t.Errorf("record %d is %s in one stream and %s in the same one started there", 100+i, want, r)
			}
		}
	})
}

// After a hot reload with the same seed and template a stream goes on where it
// was; with another template it begins again.
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
			p.send(syscall.SIGHUP)
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
					// What the old instance had under way is dropped by these hosts; the stream
					// goes on behind it.
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
