// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// taker is a host that keeps events by tag.
type taker struct {
	t     *testing.T
	buf   []byte
	calls int // calls of Wait
	got   map[string][]int64
	n     int
}

func (h *taker) Wait(time.Time) bool { h.calls++; return h.calls < 100_000 }
func (h *taker) Buffer() []byte      { return h.buf[:0] }

func (h *taker) Emit(tag string, records int, events []byte) {
	for range records {
		ev, rest, err := event.Decode(events)
		if err != nil {
			h.t.Fatal(err)
		}
		h.got[tag] = append(h.got[tag], value.OfRaw(ev.Body).Field("k").Int())
		h.n++
		events = rest
	}
	if len(events) > 0 {
		h.t.Fatalf("%d bytes more than %d records", len(events), records)
	}
}

// generate runs an engine with the given options until it has finished.
func generate(t *testing.T, options map[string]string) *taker {
	t.Helper()
	c, _, err := Configure(func(name string) (string, bool) {
		text, ok := options[name]
		return text, ok
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &taker{t: t, got: map[string][]int64{}, buf: make([]byte, 0, 80<<10)}
	now := time.Unix(1700000000, 0)
	e := New(c, Options{Form: event.V2, Now: func() time.Time { now = now.Add(time.Millisecond); return now }})
	e.Run(h)
	if !e.Finished() {
		t.Fatal("the engine has not finished")
	}
	return h
}

// Each record has its own tag, records of a tag are in order, and none is lost.
func TestTags(t *testing.T) {
	h := generate(t, map[string]string{
		"template": `{"k": {{ seq }}}`, "tag_template": `t{{ mod seq 7 }}`, "rate": "unlimited", "max_records": "20000",
	})
	if len(h.got) != 7 || h.n != 20_000 {
		t.Errorf("%d tags and %d records, want 7 and 20000", len(h.got), h.n)
	}
	for tag, ks := range h.got {
		for i, k := range ks {
			if want := ks[0] + int64(7*i); k != want || fmt.Sprintf("t%d", k%7) != tag {
				t.Fatalf("record %d of %s is %d, want %d", i, tag, k, want)
			}
		}
	}
}

// Shards divide a stream without overlap or gaps, starting at first_seq.
func TestShards(t *testing.T) {
	seen := map[int64]int{}
	for shard := range 4 {
		h := generate(t, map[string]string{
			"template": `{"k": {{ seq }}}`, "shard": fmt.Sprintf("%d/4", shard), "first_seq": "1000", "rate": "5000", "max_records": "250",
		})
		for _, k := range h.got[""] {
			seen[k]++
		}
	}
	for k := int64(1000); k < 2000; k++ {
		if seen[k] != 1 {
			t.Fatalf("record %d occurs %d times", k, seen[k])
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d records, want 1000", len(seen))
	}
}

// Each tick contains all objects of dummy in order. With tags and metadata of their
// own, the records are the same as without.
func TestObjectsInTurn(t *testing.T) {
	const objects = `{"k": 1, "v": {"a": 1.0}} {"k": 2} {"k": 3, "text": "{{ not an action }}"}`
	for _, copies := range []string{"1", "2"} {
		plain := generate(t, map[string]string{"dummy": objects, "rate": "100", "copies": copies, "samples": "50"})
		tagged := generate(t, map[string]string{"dummy": objects, "rate": "100", "copies": copies, "samples": "50", "tag_template": `t{{ mod seq 3 }}`})
		with := generate(t, map[string]string{"dummy": objects, "rate": "100", "copies": copies, "samples": "50", "metadata_template": `{"n": {{ seq }}}`})
		if plain.n == 0 || tagged.n != plain.n || with.n != plain.n || len(plain.got[""]) != plain.n || len(tagged.got) != 3 {
			t.Fatalf("copies %s: %d, %d and %d records, %d tags", copies, plain.n, tagged.n, with.n, len(tagged.got))
		}
		for i, k := range plain.got[""] {
			if other := with.got[""][i]; other != k || k != int64(i%3+1) {
				t.Fatalf("copies %s: record %d is %d, with metadata %d", copies, i, k, other)
			}
		}
		for tag, ks := range tagged.got {
			for _, k := range ks {
				if tag != fmt.Sprintf("t%d", k-1) {
					t.Fatalf("copies %s: %d has the tag %s", copies, k, tag)
				}
			}
		}
	}
}
