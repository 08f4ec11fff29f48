// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// dayOfOrders returns n lines of NDJSON, spread over a day; some have the same time.
func dayOfOrders(n int) (lines []string) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at := day.Add(24 * time.Hour / time.Duration(n) * time.Duration(i-i%3))
		lines = append(lines, fmt.Sprintf(`{"time":"%s","order":%d}`, at.Format("2006-01-02T15:04:05.000Z07:00"), i))
	}
	return lines
}

// A day is replayed in a minute, in a second with -short, by the spacing of its records,
// and all of them arrive.
func TestReplayADay(t *testing.T) {
	const n = 20_000
	lines := dayOfOrders(n)
	speed := 1440
	if testing.Short() {
		speed = 86_400
	}
	onEachHost(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "orders.ndjson"), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		p := h.start(t, launch{dir: dir, config: service + input("name gdummy", "tag a", "replay orders.ndjson", "replay_time time",
			fmt.Sprint("replay_speed ", speed), "ledger ledger", "on_finish exit") + toFiles})
		p.awaitExit(lifetime)
		audit(t, "--ledger", filepath.Join(dir, "ledger"), p.out()).expect(t, all(n))
		recs := p.records("a")
		if len(recs) != n {
			t.Fatalf("%d records, want %d", len(recs), n)
		}
		// The clock of the machine may be set during the run.
		want := 24 * time.Hour / n * (n - 1 - (n-1)%3) / time.Duration(speed)
		if took := recs[n-1].time.Sub(recs[0].time); took < want-time.Second || took > want+time.Second {
			t.Errorf("the times of the records are %v apart, want %v", took, want)
		}
		for i, r := range recs {
			if want := fmt.Sprintf(`"order": %d,`, i); !strings.Contains(r.String(), want) {
				t.Fatalf("record %d is %s, want %s", i, r, want)
			}
		}
	})
}

// Several files are replayed in the order of their times, with the times of the files and
// joined lines, by two inputs that share them, and with tags by file.
func TestReplayFiles(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		text := "1 2026-11-01T08:00:00Z GET /\n2 2026-11-01T08:00:02Z GET /a\n  at x\n3 2026-11-01T08:00:04Z GET /b\n"
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := z.Write([]byte(text))
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{
			"a.log.gz":  packed.Bytes(),
			"b.log":     []byte("4 2026-11-01T08:00:01Z GET /c\n5 2026-11-01T08:00:03Z GET /d\nbroken\n"),
			"c.log.new": []byte("6 2026-11-01T08:00:00Z GET /e\n"),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		options := []string{"name gdummy", "replay *.log*", "replay_time iso", `replay_first_line ^\d`, "rate unlimited", "replay_stamp keep", "on_finish exit"}
		config := service
		for shard := range 2 {
			config += input(append(options, fmt.Sprint("tag t", shard), fmt.Sprintf("shard %d/2", shard))...)
		}
		p := h.start(t, launch{dir: dir, config: config + input(append(options, "tag x", "tag_template x.{{ replay_file }}")...) + toFiles})
		p.awaitExit(lifetime)
		all := []string{
			"08:00:00 1 2026-11-01T08:00:00Z GET /", "08:00:00 6 2026-11-01T08:00:00Z GET /e", "08:00:01 4 2026-11-01T08:00:01Z GET /c",
			`08:00:02 2 2026-11-01T08:00:02Z GET /a\n  at x`, `08:00:03 5 2026-11-01T08:00:03Z GET /d\nbroken`, "08:00:04 3 2026-11-01T08:00:04Z GET /b",
		}
		expect := func(tag string, numbers ...int) {
			t.Helper()
			var got, want []string
			for _, r := range p.records(tag) {
				line := strings.TrimSuffix(strings.TrimPrefix(render(r.body), `{"log": "`), `"}`)
				got = append(got, r.time.UTC().Format("15:04:05 ")+line)
			}
			for _, n := range numbers {
				want = append(want, all[n])
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", tag, got, want)
			}
		}
		expect("t0", 0, 2, 4)
		expect("t1", 1, 3, 5)
		expect("x.a.log.gz", 0, 3, 5)
		expect("x.b.log", 2, 4)
		expect("x.c.log.new", 1)
	})
}
