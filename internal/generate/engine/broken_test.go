// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/recordid"
)

// brokenConfig returns a configuration with options, as "name=value".
func brokenConfig(t rapid.TB, options ...string) *Config {
	t.Helper()
	c, _, err := Configure(func(name string) (string, bool) {
		for _, o := range options {
			if n, v, _ := strings.Cut(o, "="); n == name {
				return v, true
			}
		}
		return "", false
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sourceOf returns the source of a configuration's records.
func sourceOf(c *Config, mark *MarkOptions) Source {
	return New(c, Options{Form: event.V2, Mark: mark}).source
}

// A shard of a stream has the same records as the whole, the broken ones too, and the
// stream continues after a reload as it would have without.
func TestBrokenShards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		options := []string{"template={\"n\": {{ seq }}, \"log\": {{ sentence 5 }}}", "seed=5", "broken=0.5: nul 2, type, duplicate, empty, cut_json, utf8_cut"}
		shards := rapid.Uint64Range(1, 5).Draw(t, "shards")
		shard := rapid.Uint64Range(0, shards-1).Draw(t, "shard")
		first := rapid.Uint64Range(0, 1000).Draw(t, "first")
		whole := sourceOf(brokenConfig(t, options...), nil)
		part := sourceOf(brokenConfig(t, append(options, fmt.Sprintf("shard=%d/%d", shard, shards), fmt.Sprintf("first_seq=%d", first))...), nil)
		for k := range uint64(50) {
			got := part.Append(nil, event.V2, 7, k)
			if want := whole.Append(nil, event.V2, 7, first+shard+k*shards); !bytes.Equal(got, want) {
				t.Fatalf("record %d of the shard is\n%q\nwant\n%q", k, got, want)
			}
		}
	})
}

// Many records at once are the same as one by one.
func TestBrokenMany(t *testing.T) {
	for _, records := range []string{`dummy={"a": 1}`, `dummy={"a": 1}{"b": "two"}`, `template={"n": {{ seq }}, "log": {{ word }}}`} {
		for _, plan := range []string{"0", "0.001: empty", "0.3", "1: nul"} {
			c := brokenConfig(t, records, "seed=9", "broken="+plan)
			one, many := sourceOf(c, nil), sourceOf(c, nil)
			bulk := many.(bulkSource)
			times := make([]int64, 200)
			for limit := 100; limit < 20_000; limit *= 3 {
				got, n := bulk.AppendMany(nil, event.V2, &moments{first: 1000, gap: 1}, 17, 500, limit)
				var want []byte
				k := uint64(0)
				for ; k < 500 && len(want) < limit; k++ {
					want = one.Append(want, event.V2, 1000+int64(k), 17+k)
				}
				if n != k || !bytes.Equal(got, want) {
					t.Fatalf("%s, %s: AppendMany appends %d records, want %d; the bytes are equal: %v", records, plan, n, k, bytes.Equal(got, want))
				}
				for i := range times {
					times[i] = int64(i) * 3
				}
				got, n = bulk.AppendMany(nil, event.V2, &moments{list: times}, 17, uint64(len(times)), limit)
				want, k = nil, 0
				for ; int(k) < len(times) && len(want) < limit; k++ {
					want = one.Append(want, event.V2, int64(k)*3, 17+k)
				}
				if n != k || !bytes.Equal(got, want) {
					t.Fatalf("%s, %s: with a list, AppendMany appends %d records, want %d", records, plan, n, k)
				}
			}
		}
	}
}

// Every broken record has an identity, with the sum of the body as it is sent.
func TestBrokenIdentity(t *testing.T) {
	c := brokenConfig(t, `template={"n": {{ seq }}, "log": {{ word }}}`, "seed=9", "audit=on",
		"broken=1: utf8_start, utf8_inside, utf8_cut, nul, control, crlf, cr, cut_json, type, big_number, duplicate, no_name, empty, deep, wide")
	for _, inMetadata := range []bool{false, true} {
		marked, plain := sourceOf(c, &MarkOptions{Run: 1, InMetadata: inMetadata}), sourceOf(c, nil)
		for k := range uint64(200) {
			id, end := recordid.Find(marked.Append(nil, event.V2, 7, k))
			ev, _, err := event.Decode(plain.Append(nil, event.V2, 7, k))
			if err != nil {
				t.Fatal(err)
			}
			want, err := recordid.SumBody(ev.Body)
			if err != nil || end < 0 || id.Sum != want || id.Seq != k {
				t.Fatalf("record %d has the identity %v (%d), want the sum %v (%v)", k, id, end, want, err)
			}
		}
	}
}

// A slice ends behind a record that is larger than it: one of 8 MB delays nothing but
// itself, and its memory is not kept.
func TestLongRecordsAndSlices(t *testing.T) {
	c := brokenConfig(t, `template={"n": {{ seq }}, "log": {{ word }}}`, "seed=9", "rate=unlimited", "max_records=300", "broken=0.02: long")
	h := &sizes{}
	e := New(c, Options{Form: event.V2})
	e.Run(h)
	long := 0
	for _, n := range h.slices {
		if n > 8<<20 {
			long++
		}
		if n > 8<<20+MaxSlice+200 {
			t.Errorf("a slice has %d bytes", n)
		}
	}
	plan := c.Origin().Damage()
	want := 0
	for k := range uint64(300) {
		if plan.Of(k) != 0 {
			want++
		}
	}
	if long != want || want == 0 || h.records != 300 {
		t.Errorf("%d slices of %d records have a long string, want %d of 300", long, h.records, want)
	}
}

// sizes is a Host that counts.
type sizes struct {
	slices  []int
	records int
	room    [MaxSlice]byte
}

func (s *sizes) Wait(time.Time) bool { return true }

func (s *sizes) Buffer() []byte { return s.room[:0] }

func (s *sizes) Emit(_ string, records int, events []byte) {
	s.slices = append(s.slices, len(events))
	s.records += records
}

func BenchmarkBroken(b *testing.B) {
	for _, plan := range []string{"", "0.01: nul"} {
		b.Run("broken="+plan, func(b *testing.B) {
			c := brokenConfig(b, `format=nginx`, "seed=9", "broken="+plan)
			if plan == "" {
				c = brokenConfig(b, `format=nginx`, "seed=9")
			}
			bulk := sourceOf(c, nil).(bulkSource)
			var dst []byte
			k := uint64(0)
			for b.Loop() {
				dst, _ = bulk.AppendMany(dst[:0], event.V2, &moments{gap: 1}, k, 1, 1<<20)
				k++
			}
		})
	}
}

// The share of irregular records is an option of formats; where there are none, it is
// reported.
func TestIrregularOption(t *testing.T) {
	for section, want := range map[string]string{
		"format nginx\nirregular 0.5":          "",
		"format nginx\nirregular 50%":          "",
		"format java_multiline\nirregular 0.5": "option irregular: no effect: no record is irregular",
		"irregular 0.5":                        "option irregular: no effect: no record is irregular",
		"format nginx\nirregular 1.5":          `option irregular: invalid value "1.5": expected a share from 0 to 1`,
		"format nginx\nbroken 1%: null":        `option broken: unknown kind "null"; did you mean nul?`,
		"format nginx\nbroken 1%: empty, nul":  "",
	} {
		_, warnings, err := Configure(from(section), nil)
		got := fmt.Sprint(warnings)
		if err != nil {
			got = err.Error()
		}
		if want == "" && (err != nil || len(warnings) > 0) || !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", section, got, want)
		}
	}
}

// Damage and the clocks of records do not affect each other: late times and skewed clocks
// are those of the records before they are broken, for any record alone.
func TestBrokenClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		options := []string{
			`template={"host": "{{ pick "a" "b" "c" }}", "n": {{ seq }}, "log": {{ sentence 5 }}}`, fmt.Sprintf("seed=%d", rapid.IntRange(1, 1000).Draw(t, "seed")),
			"start_time=2026-11-01T00:00:00Z", "time_step=1s", "rate=unlimited", fmt.Sprintf("shard=%d/3", rapid.IntRange(0, 2).Draw(t, "shard")),
		}
		clocks := rapid.SampledFrom([][]string{{"late=30% by 1s to 10m"}, {"skew=host within 5s"}, {"late=50% by exponential 2m", "skew=host within 1h"}}).Draw(t, "clocks")
		broken := "broken=0.5: " + rapid.SampledFrom([]string{"nul 2, type, duplicate, empty, cut_json, utf8_cut", "type", "empty", "no_name, duplicate"}).Draw(t, "kinds")
		both := sourceOf(brokenConfig(t, append(append(options, clocks...), broken)...), nil)
		damaged := sourceOf(brokenConfig(t, append(options, broken)...), nil)
		clocked := sourceOf(brokenConfig(t, append(options, clocks...)...), nil)
		changed, moved := 0, 0
		for _, k := range rapid.SliceOfN(rapid.Uint64Range(0, 1000), 60, 60).Draw(t, "records") {
			due := epoch.UnixNano() + int64(k)*1e9
			at := func(s Source) (int64, string) {
				ev, rest, err := event.Decode(s.Append(nil, event.V2, due, k))
				if err != nil || len(rest) > 0 {
					t.Fatalf("record %d: %v", k, err)
				}
				return ev.Time, string(ev.Body)
			}
			time, body := at(both)
			inOrder, wantBody := at(damaged)
			wantTime, whole := at(clocked)
			if time != wantTime || body != wantBody {
				t.Fatalf("record %d has the time %d and the body\n%q\nwant %d and\n%q", k, time, body, wantTime, wantBody)
			}
			if body != whole {
				changed++
			}
			if time != inOrder {
				moved++
			}
		}
		if changed == 0 || moved == 0 {
			t.Fatalf("%d records are broken and %d moved in time", changed, moved)
		}
	})
}

// Records of files are broken as others are: those of the plan and no others, in shards
// too.
func TestBrokenReplay(t *testing.T) {
	path := replayFile(t, make([]int, 60)...)
	run := func(options ...string) (bodies []string) {
		c := brokenConfig(t, append(options, "replay="+path, "replay_time=time", "rate=unlimited", "seed=4")...)
		w := &world{now: epoch, until: epoch.Add(time.Minute)}
		New(c, Options{Form: event.V2, Now: w.clock}).Run(w)
		_, bodies = read(t, w.events)
		return bodies
	}
	const plan = "broken=0.4: type, duplicate, empty, no_name"
	whole, broken := run(), run(plan)
	if len(whole) != 60 || len(broken) != 60 {
		t.Fatalf("%d and %d records, want 60", len(whole), len(broken))
	}
	damage := (&Origin{Broken: strings.TrimPrefix(plan, "broken="), Seed: "4", Stream: brokenConfig(t, "replay="+path, "replay_time=time", "rate=unlimited", "seed=4").Template.Stream, Step: 1}).Damage()
	n := 0
	for k := range broken {
		if damage.Of(uint64(k)) != 0 {
			n++
		}
		if is := damage.Of(uint64(k)) != 0; is != (broken[k] != whole[k]) {
			t.Errorf("record %d is broken: %t, and should be: %t: %q", k, !is, is, broken[k])
		}
	}
	if n < 10 || n > 40 {
		t.Errorf("%d of 60 records are broken", n)
	}
	for shard := range 3 {
		for i, body := range run(plan, fmt.Sprintf("shard=%d/3", shard)) {
			if want := broken[shard+3*i]; body != want {
				t.Errorf("record %d of shard %d is %q, want %q", i, shard, body, want)
			}
		}
	}
}
