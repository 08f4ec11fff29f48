// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/tracking"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// sender is a host that keeps what an engine emits. Its clock is set now and then, and
// it stalls.
type sender struct {
	rng     *rand.Rand
	now     time.Time
	records int
	want    int
	sent    []byte
}

func (s *sender) clock() time.Time { return s.now }

func (s *sender) Wait(t time.Time) bool {
	s.now = s.now.Add(max(t.Sub(s.now), 0) + time.Duration(s.rng.Int64N(1_000_000)))
	if s.rng.IntN(50) == 0 {
		s.now = s.now.Add(time.Duration(s.rng.Int64N(int64(3 * time.Second)))) // a stall
	}
	return s.records < s.want
}

func (s *sender) Buffer() []byte { return nil }

func (s *sender) Emit(_ string, records int, events []byte) {
	s.records += records
	s.sent = append(s.sent, events...)
}

// sources are the configurations whose records must come out the same again: every
// format, every example, and options that shape records or their times.
func sources(t *testing.T) map[string]Truth {
	t.Helper()
	of := func(section map[string]string, in files.Path) Truth {
		return Truth{Options: func(name string) (string, bool) {
			text, ok := section[name]
			return text, ok
		}, Files: in}
	}
	all := map[string]Truth{}
	for _, f := range format.All() {
		all["format "+f.Name] = of(map[string]string{"format": f.Name, "rate": "5k", "seed": f.Name}, nil)
	}
	examples, err := filepath.Glob("../../../examples/*/fluent-bit.*")
	if err != nil || len(examples) < 10 {
		t.Fatalf("%d examples: %v", len(examples), err)
	}
	for _, file := range examples {
		config, err := conf.Read(file, conf.Disk)
		if err != nil {
			t.Fatal(err)
		}
		for i, in := range config.Inputs {
			section := map[string]string{}
			for _, p := range in.Properties {
				if _, ok := option.Find(p.Name); ok && p.Name != "records" && p.Name != "duration" && p.Name != "samples" {
					section[p.Name] = p.Value.Text
				}
			}
			if name, _ := in.Property("name"); name.Value.Text == "gdummy" {
				all[file+" "+strconv.Itoa(i)] = of(section, files.Beside(file))
			}
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"users.csv": "name,age:int\nAda,36\nBob,7\n", "t.tmpl": `{"u":"{{ (row "users.csv").name }}","at":"{{ now "rfc3339_ns" }}","n":{{ seq }}}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "r.ndjson"), []byte(strings.Repeat("{\"a\":1}\n{\"b\":\"x\"}\n{\"c\":[1.5]}\n", 50_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	timed := `{"at":"{{ now "rfc3339_ns" }}","id":"{{ ulid }}","n":{{ seq }},"f":{{ normal 10 3 }}}`
	for _, given := range [][]string{
		{"rate", "1k", "dummy", `{"a":1}{"b":2.5}{"c":{"d":"é"}}`, "metadata", `{"m":1}`, "copies", "3"},
		{"rate", "1k", "template", timed, "copies", "2"},
		{"rate", "1k", "template", timed, "start_time_sec", "1000"},
		{"rate", "1k", "template", timed, "start_time_sec", "4294967294"},
		{"rate", "1k", "template", timed, "fixed_timestamp", "on"},
		{"rate", "1k", "template", timed, "fixed_timestamp", "on", "start_time_sec", "0", "start_time_nsec", "7"},
		{"rate", "1k", "template", timed, "first", "100000", "shard", "2/5", "stream_id", "a b"},
		{"rate", "1k", "template", timed, "metadata_template", `{"at":"{{ now "rfc3339_ms" }}"}`, "audit_in", "metadata"},
		{"rate", "1k", "template", `{{ $l := level }}{"l":"{{ $l }}"}`, "tag_template", "app.{{ $l }}"},
		{"rate", "1k", "dummy", `{"a":1}{"b":2}`, "tag_template", "app.{{ seq }}"},
		{"rate", "unlimited", "template", timed},
		{"rate", "1k", "template", timed, "start_time", "-24h", "time_speed", "1440"},
		{"rate", "1k", "template", timed, "start_time", "2024-02-28T00:00:00Z", "time_speed", "0.3", "copies", "3"},
		{"rate", "unlimited", "template", timed, "start_time", "-24h", "time_step", "10ms", "shard", "1/3"},
		{"rate", "1k", "dummy", `{"a":1}{"b":2}`, "time_step", "7s", "copies", "2"},
		{"rate", "unlimited", "template", timed, "start_time", "-24h", "time_step", "10ms", "shuffle_within", "2s", "repeat", "5% within 100", "late", "10% by 1s to 1m"},
		{"rate", "1k", "template", timed, "shuffle_within", "100ms", "shard", "1/2"},
		{"rate", "1k", "template", timed, "late", "10% by exponential 1m"},
		{"rate", "1k", "template", `{{ $h := keyed 9 }}{"host":"h{{ $h.key }}","at":"{{ now "rfc3339_ns" }}"}`, "skew", "host within 1m", "shuffle_within", "1s", "late", "10% by 1s", "tag_template", "t.{{ $h.key }}"},
		{"rate", "unlimited", "template", timed, "start_time", "2026-03-29T00:59:58+01:00", "load_profile", "daily 00:00 500, 01:00 2k; zone Europe/Berlin"},
		{"load_profile", "daily 00:00 2k, 12:00 1k", "template", timed, "shuffle_within", "1s"},
		{"rate", "unlimited", "template", timed, "start_time", "-24h", "load_profile", "sine 1 to 5k every 10s; stretch 2"},
		{"rate", "1k", "replay", "r.ndjson"},
		{"rate", "1k", "template_file", "t.tmpl", "audit_key", "other"},
		{"bytes_rate", "1M", "template", timed},
		{"load_profile", "poisson 2k", "template", timed, "flush_on_startup", "on", "catch_up", "full"},
		{"interval_sec", "1", "copies", "1000", "template", timed, "catch_up", "none"},
	} {
		section := map[string]string{}
		for i := 0; i < len(given); i += 2 {
			section[given[i]] = given[i+1]
		}
		all[strings.Join(given, " ")] = of(section, files.Path{dir})
	}
	return all
}

// sent is what a run sent.
type sent struct {
	events []byte
	form   event.Form
	book   *ledger.Stream
	mark   engine.MarkOptions
}

// send runs an engine for at least n records, in three runs with a reload between each
// two, as the plugin does.
func send(t testing.TB, truth Truth, n int) (runs []sent) {
	t.Helper()
	book := filepath.Join(t.TempDir(), "ledger")
	h := &sender{rng: rand.New(rand.NewPCG(1, 2)), now: time.Unix(1_700_000_000, 123)}
	var clock engine.Clock
	made := uint64(0)
	for r, form := range []event.Form{event.V2, event.V2, event.Legacy} {
		c, _, err := engine.Configure(func(name string) (string, bool) {
			if name == "ledger" {
				return book, true
			}
			if text, ok := truth.Options(name); ok || name != "seed" {
				return text, ok
			}
			return "drawn", true
		}, truth.Files)
		if err != nil {
			t.Fatal(err)
		}
		if form == event.Legacy {
			c.AuditIn = option.AuditInBody
		}
		c.Template.First += int64(made * max(c.Template.Shards, 1))
		c.MaxRecords, c.Samples, c.Duration = 0, 0, 0
		p, err := tracking.Start(&c.Config, tracking.Options{Name: "gdummy." + strconv.Itoa(r), Metadata: true, Now: h.clock})
		if err != nil {
			t.Fatal(err)
		}
		e := engine.New(c, engine.Options{Form: form, Now: h.clock, Clock: clock, Mark: p.Mark()})
		if err := p.Open(e.Origin()); err != nil {
			t.Fatal(err)
		}
		h.records, h.want, h.sent = 0, n/3+1, nil
		e.Run(h)
		if err := p.Close(e.Counts().Records, nil, 0, 0, e.Unsent()); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, sent{events: h.sent, form: form, mark: *p.Mark()})
		clock, made = e.Clock(), made+e.Counts().Records
		h.now = h.now.Add(1500*time.Millisecond + time.Duration(h.rng.Int64N(int64(time.Second))))
	}
	l, err := ledger.ReadFile(book)
	if err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		runs[i].book = l.Streams[i]
	}
	return runs
}

// perSource is 100,000 in make e2e, which needs some minutes.
var perSource = flag.Int("records", 10_000, "how many records of each source to compute again")

// With the ledger of a run and the identity of a record, the record that was sent is
// computed to the bit, for any source, after reloads and stalls, and in any order.
func TestRecordsAreComputedAgain(t *testing.T) {
	n := testenv.Rounds(*perSource)
	if testing.Short() {
		n = testenv.Rounds(3000)
	}
	for name, truth := range sources(t) {
		t.Run(name, func(t *testing.T) {
			for _, run := range send(t, truth, n) {
				m, err := NewMaker(run.book, truth)
				if err != nil {
					t.Fatal(err)
				}
				again(t, m, run)
			}
		})
	}
}

// again makes the records of a run again, the last one first.
func again(t *testing.T, m *Maker, run sent) {
	t.Helper()
	var events [][]byte
	for rest := run.events; len(rest) > 0; {
		size, err := event.Size(rest)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, rest[:size])
		rest = rest[size:]
	}
	marked := engine.Mark(m.source, run.mark)
	slices.Reverse(events)
	var buf []byte
	for _, want := range events {
		id, end := recordid.Find(want)
		if end < 0 {
			t.Fatalf("no identity in %q", want)
		}
		if buf = marked.Append(buf[:0], run.form, id.Time, id.Seq); !bytes.Equal(buf, want) {
			t.Fatalf("record %d:\n got %q\nwant %q", id.Seq, buf, want)
		}
		if ev, ok := m.Event(run.form, id); !ok {
			t.Fatalf("record %d is not what was sent: %q", id.Seq, ev)
		}
	}
}

// What is not what sent the records is refused, and the message names it.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	section := map[string]string{"rate": "1k", "template_file": "t.tmpl", "seed": "1"}
	truth := Truth{Version: "v1.0.0", Files: files.Path{dir}, Options: func(name string) (string, bool) {
		text, ok := section[name]
		return text, ok
	}}
	template := `{"n":{{ seq }},"u":"{{ (row "users.csv").name }}"}`
	reset := func() { write("t.tmpl", template); write("users.csv", "name\nAda\n") }
	reset()
	run := send(t, truth, 3)[0].book
	run.Open["version"] = "v1.0.0"
	for _, tt := range []struct {
		why    string
		change func()
		want   string
	}{
		{"nothing", func() {}, ""},
		{"another file", func() { write("users.csv", "name\nBob\n") }, "the file users.csv has changed since"},
		{"another template", func() { write("t.tmpl", template+" ") }, "the template or the options of the input have changed since"},
		{"another version", func() { truth.Version = "v1.0.1" }, "version v1.0.0 of gdummy sent them, this is v1.0.1"},
		{"an old ledger", func() { delete(run.Open, "template") }, "no field template: the ledger is of an older version"},
	} {
		reset()
		truth.Version = "v1.0.0"
		tt.change()
		_, err := NewMaker(run, truth)
		var refused *RefusedError
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.why, err)
		case tt.want != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %s", tt.why, err, tt.want)
		}
	}
}
