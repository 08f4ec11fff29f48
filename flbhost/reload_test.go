// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reloading are the poses that differ in a hot reload: the newest, the last in which Init
// cannot fail the start, the first that announces a reload, and the first with reloads.
var reloading = []variant{{version: v511}, {version: v400}, {version: v220}, {version: v210}}

const (
	continues = "hot reload: this section has an error; the input continues with its last good configuration"
	idles     = "hot reload: this section has an error, and the input has no earlier configuration to continue with"
)

// numbers returns the values of "n" in the records of a tag, in order.
func numbers(t *testing.T, r result, tag string) []int {
	t.Helper()
	var all []int
	for line := range strings.Lines(r.stdout) {
		var record struct {
			Tag  string
			Body struct{ N int }
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if record.Tag == tag {
			all = append(all, record.Body.N)
		}
	}
	return all
}

// wantStream checks that records are in order. Reloads may have dropped some.
func wantStream(t *testing.T, r result, tag string) {
	t.Helper()
	last := -1
	for _, n := range numbers(t, r, tag) {
		if n <= last {
			t.Fatalf("record %d follows record %d of %s\n%s", n, last, tag, r.stderr)
		}
		last = n
	}
	if last < 0 {
		t.Errorf("no records of %s\n%s", tag, r.stderr)
	}
}

// wantCount checks the number of times that a line is logged.
func (r result) wantCount(t *testing.T, line string, want int) {
	t.Helper()
	if n := strings.Count(r.stderr, line); n != want {
		t.Errorf("%q is logged %d times, want %d:\n%s", line, n, want, r.stderr)
	}
}

// After a hot reload with an error in its section, an input continues with the last valid
// configuration. After one without an error it continues the same stream.
func TestReloadWithError(t *testing.T) {
	t.Parallel()
	for _, v := range reloading {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			r := load(t, v, gdummyPackage, "--output", "json", "--metrics", "--script", "at 1.2 reload; at 2.4 reload; at 3.6 reload; at 4.8 exit",
				"PLUGIN", "-i", "-p", "alias=a", "-p", "tag=a", "-p", `template={"n":{{ seq }}}`, "-p", "seed=1", "-p", "rate=50",
				"-p", "rate@1=fast", "-p", "copies@2=none", "-p", "rate@3=100")
			r.wantClean(t)
			wantStream(t, r, "a")
			r.wantCount(t, continues, 2)
			r.wantLine(t, "[error] [input:gdummy:a] option rate: ")
			r.wantLine(t, "[error] [input:gdummy:a] option copies: ")
			r.wantCount(t, "the stream continues with record ", 3)
			r.wantCount(t, "(50/s), delivered ", 3)
			r.wantCount(t, "(100/s), delivered ", 1)
			if got := counter(t, r, "plugin_config_last_reload_successful", "a"); got != 1 {
				t.Errorf("after the good reload the metric is %d", got)
			}
		})
	}
}

// The metric shows that the active configuration is not the one in the file.
func TestReloadErrorMetric(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "null", "--metrics", "--reloads", "1", "PLUGIN",
		"-i", "-p", "alias=a", "-p", "rate@1=fast", "-i", "-p", "alias=b", "-i", "-p", "alias=c", "-p", "alias@1=d", "-p", "rate@1=fast")
	r.wantClean(t)
	for name, want := range map[string]int{"a": 0, "b": 1, "d": 0} {
		if got := counter(t, r, "plugin_config_last_reload_successful", name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	r.wantCount(t, "[input:gdummy:a] "+continues, 1)
	r.wantCount(t, "[input:gdummy:d] "+idles, 1)
	if n := strings.Count(r.stderr, `fluentbit_gdummy_records_total{name="a"}`); n != 1 {
		t.Errorf("the metrics of a occur %d times", n)
	}
}

// The last valid configuration is found by the alias or, without one, by the position among
// our inputs and the tag.
func TestReloadLastGoodOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"alias":            {[]string{"-p", "alias=a", "-p", "tag=x", "-p", "tag@1=y"}, continues},
		"another alias":    {[]string{"-p", "alias=a", "-p", "alias@1=b", "-p", "tag=x"}, idles},
		"tag":              {[]string{"-p", "tag=x"}, continues},
		"no tag":           {nil, continues},
		"another tag":      {[]string{"-p", "tag=x", "-p", "tag@1=y"}, idles},
		"an alias is new":  {[]string{"-p", "tag=x", "-p", "alias@1=a"}, idles},
		"an alias is gone": {[]string{"-p", "alias=a", "-p", "alias@1=gdummy.0", "-p", "tag=x", "-p", "tag@1=y"}, idles},
	} {
		for _, v := range reloading {
			t.Run(name+" "+v.String(), func(t *testing.T) {
				t.Parallel()
				args := append([]string{"--output", "null", "--reloads", "1", "PLUGIN", "-i", "-p", "rate@1=fast"}, test.args...)
				r := load(t, v, gdummyPackage, args...)
				r.wantClean(t)
				r.wantLine(t, test.want)
			})
		}
	}
}

// With another tag and an error, the input idles after a reload. Its configuration is kept:
// after the next reload, with the old tag, it continues its stream.
func TestReloadAfterIdle(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "json", "--script", "at 1.2 reload; at 1.6 reload; at 2 reload; at 3.2 exit",
		"PLUGIN", "-i", "-p", "tag=a", "-p", `template={"n":{{ seq }}}`, "-p", "seed=1", "-p", "rate=50",
		"-p", "tag@1=b", "-p", "rate@1=fast", "-p", "rate@2=fast")
	r.wantClean(t)
	wantStream(t, r, "a")
	r.wantCount(t, idles, 1)
	r.wantCount(t, continues, 1)
	r.wantCount(t, "the stream continues with record ", 2)
	if got := numbers(t, r, "b"); len(got) > 0 {
		t.Errorf("an idle input made %d records", len(got))
	}
}

// All causes of a failed Init are covered: files, the ledger, and a panic.
func TestReloadOtherErrors(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"template file": {"template_file@1=" + t.TempDir() + "/none.tmpl"},
		"template":      {`template={"n":{{ seq }}}`, `template@1={"n":{{ `},
		"ledger":        {"ledger@1=" + t.TempDir() + "/none/run.ledger"},
		"two errors":    {"rate@1=fast", "samples@1=few"},
	} {
		for _, v := range []variant{{version: v511}, {version: v220}} {
			t.Run(name+" "+v.String(), func(t *testing.T) {
				t.Parallel()
				full := []string{"--output", "null", "--reloads", "1", "PLUGIN", "-i"}
				for _, a := range args {
					full = append(full, "-p", a)
				}
				r := load(t, v, gdummyPackage, full...)
				r.wantClean(t)
				r.wantCount(t, continues, 1)
			})
		}
	}
	r := load(t, variant{version: v511}, "../e2e/testdata/crash", "--output", "null", "--metrics", "--reloads", "1", "PLUGIN",
		"-i", "-p", "at@1=restore", "-i")
	r.wantClean(t)
	r.wantLine(t, "[input:crash:crash.0] panic in Restore: ")
	r.wantCount(t, "[input:crash:crash.0] "+idles, 1)
	for name, want := range map[string]int{"crash.0": 0, "crash.1": 1} {
		if got := counter(t, r, "plugin_config_last_reload_successful", name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// An error fails the start even after announced reloads without an Init. An input without a
// previous configuration idles.
func TestReloadWithoutRestorer(t *testing.T) {
	t.Parallel()
	for _, v := range reloading {
		r := load(t, v, "../examples/heartbeat", "--output", "null", "--reloads", "3", "PLUGIN", "-i", "-p", "interval=10ms", "-p", "interval@2=soon")
		r.wantClean(t)
		r.wantCount(t, idles, 1)
	}
}

// The process ends when the other inputs have finished, without waiting for an input that
// idles because of an error.
func TestReloadFinish(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "null", "--reloads", "1", "--seconds", "60", "PLUGIN",
		"-i", "-p", "alias=a", "-p", "on_finish=exit", "-p", "alias@1=b", "-p", "copies@1=none",
		"-i", "-p", "rate=100", "-p", "max_records=20", "-p", "on_finish=exit")
	r.wantClean(t)
	r.wantCount(t, idles, 1)
	r.wantCount(t, "stopping Fluent Bit", 1)
}

// Inputs with the same name have separate logs, metrics, streams and reloads.
func TestOneAlias(t *testing.T) {
	t.Parallel()
	for _, v := range reloading {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			args := []string{"--output", "json", "--metrics", "--script", "at 1.2 reload; at 2.4 exit", "PLUGIN"}
			for i := range 3 {
				args = append(args, "-i", "-p", "alias=x", "-p", fmt.Sprint("tag=", i), "-p", `template={"n":{{ seq }},"id":"{{ uuid }}"}`,
					"-p", "seed=1", "-p", fmt.Sprint("rate=", 20*(i+1)))
			}
			r := load(t, v, gdummyPackage, append(args, "-p", "rate@1=fast")...)
			r.wantClean(t)
			for _, tag := range []string{"0", "1", "2"} {
				wantStream(t, r, tag)
			}
			owners := map[string]string{}
			for line := range strings.Lines(r.stdout) {
				var record struct {
					Tag  string
					Body struct{ ID string }
				}
				if err := json.Unmarshal([]byte(line), &record); err != nil {
					t.Fatal(err)
				}
				if owner, ok := owners[record.Body.ID]; ok {
					t.Fatalf("%s of %s is also a record of %s", record.Body.ID, record.Tag, owner)
				}
				owners[record.Body.ID] = record.Tag
			}
			r.wantCount(t, `[input:gdummy:x#2] another input has the name "x": this one is "x#2" in the log and the metrics`, 2)
			r.wantCount(t, `[input:gdummy:x#3] option stream_id: "x#3", so that`, 2)
			r.wantCount(t, `[input:gdummy:x#3] `+continues, 1)
			r.wantCount(t, "the stream continues with record ", 3)
			for _, name := range []string{"x", "x#2", "x#3"} {
				if counter(t, r, "gdummy_records_total", name) == 0 {
					t.Errorf("%s: the counter is 0", name)
				}
			}
		})
	}
}

// Streams with equal names get unique names.
func TestAlikeNames(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "null", "--metrics", "--reloads", "1", "PLUGIN",
		"-i", "-i", "-p", "alias=gdummy.0", "-i", "-p", "alias=0", "-i", "-p", "alias=y#2", "-i", "-p", "alias=y", "-i", "-p", "alias=y")
	r.wantClean(t)
	for _, name := range []string{"gdummy.0", "gdummy.0#2", "0#3", "y#2", "y", "y#3"} {
		counter(t, r, "gdummy_records_total", name)
	}
	for _, id := range []string{"0#2", "0#3", "y#3"} {
		r.wantCount(t, fmt.Sprintf("option stream_id: %q, so that", id), 2)
	}
	r.wantCount(t, "option stream_id: \"", 6)
}

// Metrics distinguish names of any length.
func TestLongNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 200)
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "null", "--metrics", "--reloads", "1", "PLUGIN",
		"-i", "-p", "alias="+long+"1", "-i", "-p", "alias="+long+"2")
	r.wantClean(t)
	var names []string
	for line := range strings.Lines(r.stderr) {
		if _, rest, ok := strings.Cut(line, `fluentbit_gdummy_records_total{name="`+long); ok {
			name, _, _ := strings.Cut(rest, `"`)
			names = append(names, name)
		}
	}
	if diff := cmp.Diff([]string{"1", "2"}, names); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	r.wantCount(t, "another input has the name", 0)
}
