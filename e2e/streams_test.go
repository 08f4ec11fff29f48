// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/generate/format"
)

// byCommand returns the records of `gdummy run` with the given options.
func byCommand(t *testing.T, n int, options ...string) []record {
	t.Helper()
	args := []string{"run", "-format", "msgpack", "-records", fmt.Sprint(n), "-p", "rate=unlimited"}
	for _, o := range options {
		args = append(args, "-p", strings.Replace(o, " ", "=", 1))
	}
	out, err := exec.Command(gdummyCmd, args...).Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	recs, _, err := decode(out)
	if err != nil || len(recs) != n {
		t.Fatalf("%v: %d records (%v)", args, len(recs), err)
	}
	return recs
}

// expectSame compares the bytes of records with those of the command. Events of hosts before
// 2.1 have no metadata.
func expectSame(t *testing.T, what string, got, want []record) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d records, want %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if g, w := got[i], want[i]; !g.time.Equal(w.time) || !bytes.Equal(g.body, w.body) || g.v2 && !bytes.Equal(g.metadata, w.metadata) {
			t.Errorf("%s: record %d is\n%s %s\nand from the command\n%s %s", what, i, g.timeString(), g, w.timeString(), w)
			return
		}
	}
}

// The records of every format are those of `gdummy run` with the same seed and stream, whether
// they are appended when due or emitted once a second, also with other options.
func TestFormatsAsByTheCommand(t *testing.T) {
	const n = 200
	still := []string{"seed october", "stream_id s", "first_seq 1000", "fixed_timestamp on", "start_time_sec 1700000000", `metadata_template {"k": {{ seq }}}`}
	onEachHost(t, func(t *testing.T, h host) {
		var b strings.Builder
		b.WriteString("[SERVICE]\n  flush 0.2\n  grace 1\n")
		for i, f := range format.All() {
			for _, threaded := range []string{"on", "off"} {
				b.WriteString(input(append([]string{"name gdummy", "tag " + f.Name + "." + threaded, "format " + f.Name, "rate 100", "copies 3",
					fmt.Sprint("max_records ", n), "threaded " + threaded, fmt.Sprintf("alias a%d%s", i, threaded)}, still...)...))
			}
		}
		p := h.start(t, launch{config: b.String() + toFiles})
		for _, f := range format.All() {
			for _, threaded := range []string{"on", "off"} {
				tag := f.Name + "." + threaded
				p.await("records of "+tag, 60*time.Second, func() bool { return len(p.records(tag)) >= n })
			}
		}
		p.stop()
		for _, f := range format.All() {
			want := byCommand(t, n, append([]string{"format " + f.Name}, still...)...)
			for _, threaded := range []string{"on", "off"} {
				expectSame(t, f.Name+", threaded "+threaded, p.records(f.Name+"."+threaded), want)
			}
		}
	})
}

// The default stream_id is the alias, or else the n of gdummy.n. A drawn seed is logged,
// generates the same records again, and survives reloads. In a reload, a stream or its shard
// continues unless seed or template change.
func TestStreamNamesAndSeeds(t *testing.T) {
	const (
		n     = 40
		still = "fixed_timestamp on\n    start_time_sec 1700000000\n    template {\"k\": {{ seq }}, \"id\": {{ hex 16 }}}"
	)
	onEachHost(t, func(t *testing.T, h host) {
		config := func(tag, seed string) string {
			return "[SERVICE]\n  flush 0.2\n  grace 1\n" +
				input("name gdummy", "tag zero."+tag, "rate 50", "seed 7", still) +
				input("name gdummy", "tag alias."+tag, "alias edge", "rate 50", seed, still) +
				input("name gdummy", "tag two."+tag, "rate 50", still) +
				input("name gdummy", "tag part."+tag, "rate 25", "copies 2", "seed 7", "first_seq 100", "shard 1/3", still) + toFiles
		}
		reloads := !h.version.before(v2_1_0)
		args := []string{}
		if reloads {
			args = hotReload(h)
		}
		p := h.start(t, launch{config: config("a", "seed 8"), args: args})
		enough := func(generation string) {
			t.Helper()
			p.await("records of "+generation, 30*time.Second, func() bool {
				for _, tag := range []string{"zero.", "alias.", "two.", "part."} {
					if len(p.records(tag+generation)) < n {
						return false
					}
				}
				return true
			})
		}
		enough("a")
		drawn := regexp.MustCompile(`the seed is (\d+)`).FindAllStringSubmatch(p.log(), -1)
		if len(drawn) != 1 {
			t.Fatalf("%d seeds are in the log, want that of one input", len(drawn))
		}
		streams := map[string][]string{"zero.": {"seed 7", "stream_id 0"}, "alias.": {"seed 8", "stream_id edge"}, "two.": {"seed " + drawn[0][1], "stream_id 2"},
			"part.": {"seed 7", "stream_id 3", "shard 1/3"}}
		still := []string{"fixed_timestamp on", "start_time_sec 1700000000", `template {"k": {{ seq }}, "id": {{ hex 16 }}}`}
		for tag, options := range streams {
			if tag == "part." {
				options = append(options, "first_seq 100")
			}
			expectSame(t, tag+"a", p.records(tag + "a")[:n], byCommand(t, n, append(options, still...)...))
		}
		if !reloads {
			return
		}
		p.write("fluent-bit.conf", config("b", "seed 9"))
		p.hangUp()
		enough("b")
		p.stop()
		if all := regexp.MustCompile(`the seed is (\d+)`).FindAllStringSubmatch(p.log(), -1); len(all) != 2 || all[1][1] != drawn[0][1] {
			t.Errorf("the seeds are %q, want the first one again", all)
		}
		streams["alias."] = []string{"seed 9", "stream_id edge"}
		for tag, options := range streams {
			got := p.records(tag + "b")[:n]
			var k uint64
			if _, err := fmt.Sscanf(got[0].String(), `{} {"k": %d,`, &k); err != nil {
				t.Fatalf("%s: %v", got[0], err)
			}
			if tag == "alias." != (k == 0) {
				t.Errorf("%sb begins with record %d", tag, k)
			}
			if tag == "part." { // each third record, from 101 on
				if (k-101)%3 != 0 {
					t.Errorf("%sb begins with record %d, which is not in the shard", tag, k)
				}
				k = (k - 101) / 3
			}
			if before := uint64(len(p.records(tag + "a"))); tag != "alias." && (k < before || !h.version.before(version{4, 1, 0}) && k != before) {
				t.Errorf("%sb begins with record %d, after %d", tag, k, before)
			}
			if tag == "part." {
				k = 100 + 3*k
			}
			expectSame(t, tag+"b", got, byCommand(t, n, append(append(options, fmt.Sprint("first_seq ", k)), still...)...))
		}
	})
}
