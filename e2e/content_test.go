// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contentResult is the part of the output of `gdummy test --json` that tests check.
type contentResult struct {
	Tests []struct {
		Error   string
		Log     []string
		Changes []string
		Notes   []string
		LeftOut []string `json:"inputs_left_out"`
		Sinks   []struct {
			Sink     string
			Expected uint64
			Arrived  uint64
			Failures []struct {
				Kind, Field string
				Count       uint64
				Examples    []struct{ Sent, Arrived, Want, Got, Where, Encoding string }
			}
		}
	}
}

// testContent runs `gdummy test` on the files in a directory.
func testContent(t *testing.T, h host, dir, name string, args ...string) contentResult {
	t.Helper()
	cmd := exec.Command(gdummyCmd, append([]string{"test", name, "--json", "--plugin", gdummySO, "--fluent-bit", h.path}, args...)...)
	cmd.Dir = dir
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var r contentResult
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := 0
	for _, test := range r.Tests {
		for _, s := range test.Sinks {
			if len(s.Failures) > 0 {
				want = max(want, 1)
			}
		}
		if test.Error != "" {
			want = 2
		}
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("exit code %d, want %d", got, want)
	}
	return r
}

// found returns what failed: SINK: KIND FIELD, sorted.
func (r contentResult) found(t *testing.T) (found []string) {
	t.Helper()
	for _, test := range r.Tests {
		if test.Error != "" {
			t.Fatalf("no verdict: %s\n%s", test.Error, strings.Join(test.Log, "\n"))
		}
		for _, s := range test.Sinks {
			for _, f := range s.Failures {
				found = append(found, s.Sink+": "+strings.TrimSpace(f.Kind+" "+f.Field))
			}
		}
	}
	slices.Sort(found)
	return found
}

// mistake is a change of a pipeline that people make, and what a test has to say.
type mistake struct {
	why  string
	file string
	old  string
	new  string
	want []string // of found
}

// both returns failures at both sinks.
func both(failures ...string) []string { return each([]string{"app", "errors"}, failures...) }

// each returns failures at each of the sinks.
func each(sinks []string, failures ...string) (all []string) {
	for _, sink := range sinks {
		for _, f := range failures {
			all = append(all, sink+": "+f)
		}
	}
	slices.Sort(all)
	return all
}

const (
	pipelineFile = "fluent-bit.conf"
	parsersFile  = "parsers.conf"
	scriptFile   = "redact.lua"
	yamlFile     = "fluent-bit.yaml"
)

// mistakes are those that are planted, one at a time, in the pipeline in
// testdata/content.
var mistakes = []mistake{
	{"the pipeline as it should be", pipelineFile, "", "", nil},
	{"a regex that loses the query string", parsersFile, `(?<path>[^ ]+) `, `(?<path>[^ ?]+)\S* `, both("wrong value path")},
	{"a regex that swaps two members", parsersFile, `(?<status>\d+) (?<size>\d+)`, `(?<size>\d+) (?<status>\d+)`, both("wrong value size", "wrong value status")},
	{"a regex with another name", parsersFile, `(?<ip>`, `(?<addr>`, append(both("no member ip"), "app: extra member addr")},
	{"types missing", parsersFile, "    Types status:integer size:integer\n", "", both("wrong type size", "wrong type status")},
	{"one type missing", parsersFile, " size:integer", "", both("wrong type size")},
	{"a type too many", parsersFile, "size:integer", "size:float", nil},
	{"a time format without the zone", parsersFile, "%L%z\n", "%L\n    Time_Offset +0200\n", both("wrong value @time")},
	{"a time format that does not match", parsersFile, "%Y-%m-%dT", "%d/%m/%YT", both("no member at")},
	{"a time format without fractions", parsersFile, "%S.%L%z", "%S", both("wrong value @time")},
	{"the time is not kept", parsersFile, "Time_Keep on", "Time_Keep off", both("no member at")},
	{"a lua filter that changes 1 % of the values", scriptFile, `r["note"] = nil`, `r["note"] = nil
    if r["n"] % 100 == 7 then r["size"] = r["size"] + 1 end`, both("wrong value size")},
	{"a lua filter that makes text of a number", scriptFile, `r["note"] = nil`, `r["note"] = nil
    r["n"] = tostring(r["n"])`, both("wrong type n")},
	{"a redaction that forgets one of three members", scriptFile, `    r["note"] = nil
`, "", append(both("secret found $card"), "app: extra member note")},
	{"a redaction that leaves the value in base64", scriptFile, `    r["raw"] = nil
`, "", append(both("secret found $card"), "app: extra member raw")},
	{"a redaction that renames", pipelineFile, "remove pin", "rename pin code", append(both("secret found $pin"), "app: extra member code")},
	{"nest under a wrong prefix", pipelineFile, "add_prefix user_", "add_prefix usr_", append(both("no member user_id", "no member user_name"), "app: extra member usr_id", "app: extra member usr_name")},
	{"nest without a prefix", pipelineFile, "    add_prefix user_\n", "", append(both("no member user_id", "no member user_name"), "app: extra member id", "app: extra member name")},
	{"a parser that drops the rest", pipelineFile, "reserve_data on", "reserve_data off", both("no member load", "no member n", "no member text", "no member user_id", "no member user_name")},
	{"a parser that keeps the line", pipelineFile, "reserve_data on", "reserve_data on\n    preserve_key on", []string{"app: extra member log"}},
	{"rewrite_tag that keeps the original", pipelineFile, "errors false", "errors true", []string{"app: leaked"}},
	{"rewrite_tag with a rule that matches too much", pipelineFile, "^error$ errors", "^(error|debug)$ errors", []string{"errors: leaked"}},
	{"rewrite_tag to another tag", pipelineFile, "errors false", "error false", []string{"errors: missing"}},
	{"a grep that keeps too much", pipelineFile, "exclude level ^debug$", "exclude level ^dbg$", []string{"app: leaked"}},
	{"a grep that drops too much", pipelineFile, "exclude level ^debug$", "regex level ^nothing$", []string{"app: missing"}},
	{"a grep on one value of many", pipelineFile, "exclude level ^debug$", "exclude level ^debug$\n[FILTER]\n    name grep\n    match app\n    exclude ip ^198.18.1", []string{"app: missing"}},
	{"a route that matches too much", pipelineFile, "    alias errors\n    match errors", "    alias errors\n    match *", []string{"errors: leaked"}},
	{"a route that matches nothing", pipelineFile, "    alias errors\n    match errors", "    alias errors\n    match error", []string{"errors: missing"}},
	{"a filter that matches nothing", pipelineFile, "    name modify\n    match app", "    name modify\n    match apps", append(both("secret found $pin"), "app: extra member pin")},
	{"a member too many", pipelineFile, "remove pin", "remove pin\n    add host web-1", []string{"app: extra member host"}},
	{"a constant instead of a value", pipelineFile, "remove pin", "remove pin\n    set ip 127.0.0.1", both("wrong value ip")},
	{"a record in two copies", pipelineFile, "[OUTPUT]\n    name es\n    alias errors\n    match errors", "[FILTER]\n    name rewrite_tag\n    match errors\n    rule $level ^error$ copy true\n[FILTER]\n    name rewrite_tag\n    match copy\n    rule $level ^error$ again false\n[OUTPUT]\n    name es\n    alias errors\n    match_regex ^(errors|again)$", []string{"errors: duplicate"}},
}

// lineMistakes are planted in the pipeline in testdata/lines, which is YAML, reads
// files, and joins lines.
var lineMistakes = []mistake{
	{"the pipeline as it should be", yamlFile, "", "", nil},
	{"a multiline parser that joins too little", parsersFile, `/^\s+at .*/`, `/^\s+at frame 1/`, []string{"traces: duplicate", "traces: wrong value log"}},
	{"a multiline parser that joins nothing", parsersFile, `/^\s+at .*/`, `/^\s+in .*/`, []string{"traces: duplicate", "traces: wrong value log"}},
	{"a processor of another input only", yamlFile, "    - name: tail\n      path: /var/log/app/*.log\n      tag: app\n      db: /var/lib/fluent-bit/app.db\n      processors:\n        logs:\n          - name: modify\n            add: env prod\n",
		"    - name: tail\n      path: /var/log/app/*.log\n      tag: app\n", []string{"traces: no member env"}},
	{"a processor with another value", yamlFile, "add: env prod", "add: env test", []string{"traces: wrong value env"}},
	{"a filter on another member", yamlFile, "multiline.key_content: log", "multiline.key_content: message", []string{"traces: duplicate", "traces: wrong value log"}},
}

// fileMistakes are planted in the pipeline in testdata/files, whose input has a parser.
var fileMistakes = []mistake{
	{"the pipeline as it should be", yamlFile, "", "", nil},
	{"a parser that loses the query string", parsersFile, `(?<path>[^\"]*?)`, `(?<path>[^\"?]*)[^\" ]*?`, []string{"web: wrong value path"}},
	{"types missing", parsersFile, "    Types code:integer size:integer\n", "", []string{"web: wrong type code", "web: wrong type size"}},
	{"integers that became doubles", parsersFile, "code:integer", "code:float", []string{"web: wrong type code"}},
	{"another time zone", parsersFile, "%S %z", "%S\n    Time_Offset +0200", []string{"web: wrong value @time"}},
	{"another name", parsersFile, "(?<agent>", "(?<user_agent>", []string{"web: extra member user_agent", "web: no member agent"}},
}

// containerMistakes are planted in the pipeline in testdata/containers, whose inputs read the
// logs of containers.
var containerMistakes = []mistake{
	{"the pipeline as it should be", yamlFile, "", "", nil},
	{"a parser of another form", yamlFile, "multiline.parser: docker\n", "multiline.parser: cri\n", []string{"docker: wrong value log"}},
	{"a filter that drops the other members", yamlFile, "reserve_data: on", "reserve_data: off", []string{"kube: no identity", "kube: unchecked"}},
	{"a filter on another member", yamlFile, "key_name: log", "key_name: message", []string{"kube: no member level", "kube: no member n"}},
}

// productionMistakes are planted in the pipeline in testdata/production, a collection of what
// clusters run: includes, variables, tags made of paths, a filter that asks the cluster.
var productionMistakes = []mistake{
	{"the pipeline as it should be", pipelineFile, "", "", nil},
	{"a log that is not merged", "filter.conf", "Merge_Log           On", "Merge_Log           Off", []string{"kube: extra member log", "kube: leaked", "kube: no member level", "kube: no member n"}},
	{"a log that is kept", "filter.conf", "Keep_Log            Off", "Keep_Log            On", []string{"kube: extra member log"}},
	{"a tag of another directory", "filter.conf", "kube.var.log.containers.*", "kube.var.log.pods.*", []string{"kube: leaked"}},
	{"another tag", "input-docker.conf", "web.<container>", "www.<container>", []string{"web: missing"}},
	{"another variable", pipelineFile, "prod-eu-1", "prod-us-1", []string{"kube: wrong value cluster"}},
}

// longMistakes are planted in the pipeline in testdata/long, some of whose lines are long.
var longMistakes = []mistake{
	{"the pipeline as it should be", yamlFile, "", "", nil},
	{"UTF-8 cut by the size of a buffer", yamlFile, "8k\n      buffer_max_size: 8k\n      skip_long_lines: off", "1000\n      buffer_max_size: 1000\n      truncate_long_lines: on", []string{"es.0: wrong value log"}},
}

// joinedMistakes are planted in the pipeline in testdata/joined, whose inputs join lines and
// whose outputs stay.
var joinedMistakes = []mistake{
	{"the pipeline as it should be", yamlFile, "", "", nil},
	{"a multiline parser of another language", yamlFile, "multiline.parser: java", "multiline.parser: go", []string{"java: duplicate", "java: wrong value log"}},
	{"a multiline parser that joins too little", parsersFile, `"/^  /" `, `"/^  because/" `, []string{"own: duplicate", "own: wrong value log"}},
	{"a multiline parser that joins too much", parsersFile, `"/^  /" `, `"/^  |INFO/" `, []string{"own: missing", "own: wrong value log"}},
	{"a multiline parser that begins at some lines", parsersFile, "[A-Z]+ pay", "FAIL pay", nil},
	{"a filter that removes the offset", yamlFile, "add: env prod", "add: env prod\n      remove_wildcard: gdummy", []string{
		"java: no identity", "java: unchecked", "own: no identity", "own: unchecked",
	}},
}

// throughMistakes are planted in the pipeline in testdata/through, whose outputs stay.
var throughMistakes = []mistake{
	{"the pipeline as it should be", yamlFile, "", "", nil},
	{"TLS of a version that no receiver accepts", yamlFile, "tls.verify: on", "tls.max_version: TLSv1.1", []string{"es.0: missing"}},
	{"a filter that removes the identity", yamlFile, "remove: card", "remove_regex: ^(card|gdummy)$", each(throughSinks, "no identity", "unchecked")},
	{"a date under another name", yamlFile, "format: json\n    - name: http", "format: json\n      json_date_key: time\n    - name: http", []string{"json: extra member time"}},
	{"a time under another name", yamlFile, "index: app", "time_key: ts", []string{"es.0: extra member ts"}},
	{"an output that removes a member", yamlFile, "line_format: json", "line_format: json\n      remove_keys: n", []string{"loki.0: no member n"}},
	{"a line that is not JSON", yamlFile, "line_format: json", "line_format: key_value", []string{"loki.0: no identity", "loki.0: unchecked"}},
	{"a secret", yamlFile, "remove: card", "rename: card pan", each(throughSinks, "extra member pan", "secret found $card")},
}

var throughSinks = []string{"es.0", "json", "msgpack", "loki.0", "splunk.0"}

// otlpMistakes are planted in the pipeline in testdata/otlp, whose outputs for OpenTelemetry
// stay.
var otlpMistakes = []mistake{
	{"the pipeline as it should be", yamlFile, "", "", nil},
	{"an identity in the body, for an output that needs it there", "app.test.yaml", "output: http.0", "output: http.0\n    through: output", nil},
	{"attributes left out", yamlFile, "attributes: on", "attributes: off", []string{
		"split: no member attributes.level", "split: no member attributes.n", "split: no member attributes.user.name",
	}},
	{"a severity of another name", yamlFile, "key: $level", "key: $lvl", []string{"split: no member severityText"}},
	{"other metadata", yamlFile, "web-1", "web-2", []string{"grpc: wrong value attributes.host", "split: wrong value attributes.host", "whole: wrong value attributes.host"}},
	{"a secret", yamlFile, "remove: card", "rename: card pan", []string{
		"grpc: extra member body.pan", "grpc: secret found $card", "split: secret found $card", "whole: extra member body.pan", "whole: secret found $card",
	}},
}

// plant copies the pipeline in a directory of testdata, with a mistake in it.
func (m mistake) plant(t *testing.T, pipeline string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", pipeline))); err != nil {
		t.Fatal(err)
	}
	if m.old != "" {
		m.change(t, dir)
	}
	return dir
}

// change makes the mistake in the copy of a pipeline.
func (m mistake) change(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, m.file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), m.old) != 1 {
		t.Fatalf("%q is not in %s once", m.old, m.file)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Each mistake is found, and nothing else is reported.
func TestContent(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		findMistakes(t, h, "content", mistakes)
	})
}

// Inputs that read files are replaced, and keep their tags and processors. A multiline
// filter makes one record of several.
func TestContentOfLines(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v4_2_4, "multiline filter that keeps metadata: v3.2.10 drops that of joined records, v4.1.2 of all, v2.2.3 uses that of the first record of a chunk for all of them")
		findMistakes(t, h, "lines", lineMistakes)
	})
}

// An input that parses by itself stays, and reads a file of the test.
func TestContentOfFiles(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		findMistakes(t, h, "files", fileMistakes)
		if h.version.before(v4_2_0) {
			r := testContent(t, h, mistake{}.plant(t, "containers"), "app.test.yaml")
			if want := "is wrong: 4.2 or later is required"; !strings.Contains(r.Tests[0].Error, want) {
				t.Errorf("error %q, want %q in it", r.Tests[0].Error, want)
			}
			return
		}
		findMistakes(t, h, "containers", containerMistakes)
		findMistakes(t, h, "joined", joinedMistakes)
		notes := testContent(t, h, joinedMistakes[len(joinedMistakes)-1].plant(t, "joined"), "app.test.yaml").Tests[0].Notes
		if want := "the member gdummy_offset_0 identifies the records of java: behind a filter that removes it"; len(notes) != 2 || !strings.HasPrefix(notes[0], want) {
			t.Errorf("notes %q, want %q", notes, want)
		}
		findMistakes(t, h, "long", longMistakes)
		findMistakes(t, h, "production", productionMistakes)
	})
}

// With through: output, the plugins of the outputs stay, and what they send is compared.
func TestContentThrough(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		all := throughMistakes
		if h.version.before(v4_2_0) { // v3.2.10 has no tls.max_version
			all = slices.DeleteFunc(slices.Clone(all), func(m mistake) bool { return strings.Contains(m.new, "tls.max_version") })
		}
		findMistakes(t, h, "through", all)
		changes := testContent(t, h, mistake{}.plant(t, "through"), "app.test.yaml").Tests[0].Changes
		for _, want := range []string{
			"output es.0: tls.vhost search.example.com", "output es.0: tls.ca_file is a certificate of the test",
			"output es.0: es sends to 127.0.0.1:# with TLS, to a certificate of the test",
			"output loki.0: loki sends to 127.0.0.1:# without TLS, as configured",
		} {
			if !slices.ContainsFunc(changes, func(c string) bool { return regexp.MustCompile(`:\d+ `).ReplaceAllString(c, ":# ") == want }) {
				t.Errorf("no change %q in:\n%s", want, strings.Join(changes, "\n"))
			}
		}
	})
}

// Outputs for OpenTelemetry stay, over HTTP, TLS and gRPC: what is compared are log records.
func TestContentOTLP(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v3_2_0, "logs_body_key")
		var ignored []string
		if h.version.before(v4_2_0) { // v3.2.10 sends the beginning of a body of over 16 KB twice
			ignored = []string{"grpc: "}
		}
		findMistakes(t, h, "otlp", otlpMistakes, ignored...)
	})
}

// findMistakes plants mistakes in a pipeline, one at a time. What is found in ignored sinks
// is not compared.
func findMistakes(t *testing.T, h host, pipeline string, mistakes []mistake, ignored ...string) {
	t.Helper()
	compared := func(findings []string) (rest []string) {
		for _, f := range findings {
			if !slices.ContainsFunc(ignored, func(sink string) bool { return strings.HasPrefix(f, sink) }) {
				rest = append(rest, f)
			}
		}
		return rest
	}
	for i, m := range mistakes {
		if testing.Short() && i%5 != 0 {
			continue
		}
		t.Run(m.why, func(t *testing.T) {
			slices.Sort(m.want)
			got := testContent(t, h, m.plant(t, pipeline), "app.test.yaml").found(t)
			if diff := cmp.Diff(compared(m.want), compared(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The first test that --init writes passes as it is, in the Fluent Bit in which it was
// written, and fails when a mistake is planted afterwards.
func TestContentInit(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		for _, tt := range []struct {
			pipeline, config string
			mistake          mistake
			lines            []string // of the test
		}{
			{"content", pipelineFile, mistakes[10], []string{
				"pipeline: fluent-bit.conf", "  - output: app", `      '@time': $at | within "1ms"`, `    arrive: eq $level "info"`, "      ip: $ip", "      user_id: $id",
				"    # absent: [$card, $path, $pin, $q, $text]", "  - output: errors", `    arrive: eq $level "error"`,
			}},
			{"lines", yamlFile, lineMistakes[4], []string{
				"  - input: tail.0", "    format: json_app", "  - output: loki.0", `      env: '"prod"'`, "    only: [duration_ms, env, error, http, level, message, service, span_id, time, trace_id, user_id]",
				"  # no record with an identity arrived at metrics: confirm that none is meant to",
			}},
			{"several", yamlFile, mistake{"a member of another name", yamlFile, "rename: user name", "rename: user nam", nil}, []string{
				"    name: es.0/app+app2", "    from: [app, app2]   # confirm: the records of other inputs differ", `    arrive: eq $level "error"`, "      id: $id",
				"    name: es.0/shop", "      env: '\"prod\"'", "      name: $user", "    only: [env, name]", "    from: [shop]   # confirm: no other input",
			}},
			{"joined", yamlFile, joinedMistakes[1], []string{"    via: file", `    template: '{{- $n := seq -}}`, `      log: 'printf "%s\n" $text'`}},
		} {
			t.Run(tt.pipeline, func(t *testing.T) {
				if tt.pipeline == "lines" && !h.version.before(v4_1_0) {
					h.since(t, v4_2_4, "multiline filter that keeps the metadata of single lines, as it did before v4.1.0")
				}
				if tt.pipeline == "joined" {
					h.since(t, v4_2_0, "offsets of multiline parsers")
				}
				dir := mistake{}.plant(t, tt.pipeline)
				cmd := exec.Command(gdummyCmd, "test", "--init", tt.config, "--plugin", gdummySO, "--fluent-bit", h.path, "--records", "1k")
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				text, err := os.ReadFile(filepath.Join(dir, "fluent-bit.test.yaml"))
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range tt.lines {
					if !slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool { return strings.HasPrefix(line, want) }) {
						t.Errorf("no line %q in:\n%s", want, text)
					}
				}
				if got := testContent(t, h, dir, "fluent-bit.test.yaml").found(t); len(got) > 0 {
					t.Errorf("the first test fails: %q\n%s", got, text)
				}
				tt.mistake.change(t, dir)
				if got := testContent(t, h, dir, "fluent-bit.test.yaml").found(t); len(got) == 0 {
					t.Errorf("%s: not found by:\n%s", tt.mistake.why, text)
				}
			})
		}
	})
}

// A configuration names its test, in a section that Fluent Bit ignores.
func TestContentNamed(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		for _, tt := range []struct{ pipeline, config, section string }{
			{"content", pipelineFile, "[GDUMMY_TEST]\n    file app.test.yaml\n"},
			{"named", yamlFile, "gdummy_test: {file: app.test.yaml}\n"},
		} {
			t.Run(tt.config, func(t *testing.T) {
				dir := mistake{}.plant(t, tt.pipeline)
				path := filepath.Join(dir, tt.config)
				text, err := os.ReadFile(path)
				if err == nil {
					err = os.WriteFile(path, append([]byte(tt.section), text...), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
				r := testContent(t, h, dir, tt.config)
				if got := r.found(t); len(got) > 0 || len(r.Tests[0].Sinks) == 0 {
					t.Errorf("failures %q in %d sinks", got, len(r.Tests[0].Sinks))
				}
			})
		}
	})
}
