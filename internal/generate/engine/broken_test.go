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
			bulk, run := many.(bulkSource), many.(runSource)
			times := make([]int64, 200)
			for limit := 100; limit < 20_000; limit *= 3 {
				got, n := bulk.AppendMany(nil, event.V2, 1000, 17, 500, limit)
				var want []byte
				k := uint64(0)
				for ; k < 500 && len(want) < limit; k++ {
					want = one.Append(want, event.V2, 1000+int64(k), 17+k)
				}
				if n != k || !bytes.Equal(got, want) {
					t.Fatalf("%s, %s: AppendMany appends %d records, want %d; the bytes are equal: %v", records, plan, n, k, bytes.Equal(got, want))
				}
				if strings.HasSuffix(records, `"two"}`) {
					continue // runs are for one record a tick
				}
				for i := range times {
					times[i] = int64(i) * 3
				}
				got, m := run.AppendRun(nil, event.V2, times, 17, limit)
				want, k = nil, 0
				for ; int(k) < len(times) && len(want) < limit; k++ {
					want = one.Append(want, event.V2, int64(k)*3, 17+k)
				}
				if m != int(k) || !bytes.Equal(got, want) {
					t.Fatalf("%s, %s: AppendRun appends %d records, want %d", records, plan, m, k)
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
				dst, _ = bulk.AppendMany(dst[:0], event.V2, 0, k, 1, 1<<20)
				k++
			}
		})
	}
}

// The share of irregular records is an option of formats; where there are none, it is
// reported.
func TestIrregularOption(t *testing.T) {
	for section, want := range map[string]string{
		"format nginx\nirregular 0.5":         "",
		"format nginx\nirregular 50%":         "",
		"format klog\nirregular 0.5":          "option irregular: no effect: no record is irregular",
		"irregular 0.5":                       "option irregular: no effect: no record is irregular",
		"format nginx\nirregular 1.5":         `option irregular: invalid value "1.5": expected a share from 0 to 1`,
		"format nginx\nbroken 1%: null":       `option broken: unknown kind "null"; did you mean nul?`,
		"format nginx\nbroken 1%: empty, nul": "",
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
