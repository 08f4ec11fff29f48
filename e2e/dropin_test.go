// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// dropIn is a configuration for which the dummy input and gdummy produce the same records.
// The reference is dummy in v5.1, whose records are in testdata/dropin.golden.
type dropIn struct {
	name  string
	props []string // "key value", for both
	ours  []string // for gdummy only

	// take is the number of records to compare; 0 means that the configuration is
	// finite, and want is its number of records.
	take, want int

	// If start is set, times are exact: record j of gdummy has the time
	// start + every*(j/perTick + 1) plus 1 ns for each earlier record of its tick, or
	// start if every is 0.
	start   time.Time
	every   time.Duration
	perTick int

	via dropInForm
	env []string // of the process
	set string   // @SET lines, or YAML of an env section

	// since is the first host whose dummy has these options, or produces records at
	// all.
	since version

	// differs is the first host whose dummy produces the records of v5.1; why
	// describes older ones.
	differs version
	why     string
}

type dropInForm int

const (
	classic     dropInForm = iota // a configuration in the classic format
	yaml                          // in YAML
	commandLine                   // -p key=value
)

// Hosts in which the dummy input changed.
var (
	intervals  = version{2, 2, 0} // interval_sec, interval_nsec
	metadata   = version{2, 1, 0} // metadata
	startup    = version{2, 2, 2} // flush_on_startup
	encoder    = version{2, 1, 0} // with fixed_timestamp, all records of a tick have one time
	surrogates = version{4, 0, 0} // \\uD83D\\uDE00 is one character
	integers64 = version{4, 1, 0} // integers above int64
	newReader  = version{5, 1, 0} // another JSON parser everywhere
)

var dropIns = []dropIn{
	// The record.
	{name: "nothing set", take: 2},
	{name: "one member", props: []string{`dummy {"new_key":"new_value"}`, "samples 2", "rate 20"}, want: 2},
	{name: "empty object", props: []string{`dummy {}`, "samples 2", "rate 20"}, want: 2},
	{name: "order of members", props: []string{`dummy {"z":1,"a":2,"m":3,"A":4,"0":5}`, "samples 1"}, want: 1},
	{name: "duplicate names", props: []string{`dummy {"a":1,"b":2,"a":3,"a":{"a":4,"a":5}}`, "samples 1"}, want: 1},
	{name: "all types", props: []string{`dummy {"s":"text","i":1,"d":1.5,"t":true,"f":false,"n":null,"l":[1,"two",3.5,[],{}],"o":{"x":{"y":{"z":[[[1]]]}}}}`, "samples 1"}, want: 1},
	{name: "white space", props: []string{"dummy   { \"a\" : [ 1 ,\t2 ] , \"b\" : { } }  ", "samples 1"}, want: 1},
	{name: "nested deep", props: []string{`dummy ` + strings.Repeat(`{"a":`, 20) + `{}` + strings.Repeat(`}`, 20), "samples 1"}, want: 1},

	// Numbers.
	{name: "small integers", props: []string{`dummy {"n":[0,-0,1,-1,127,128,-32,-33,255,256,-128,-129,65535,65536,-32768,-32769]}`, "samples 1"}, want: 1},
	{name: "large integers", props: []string{`dummy {"n":[4294967295,4294967296,2147483647,-2147483648,-2147483649,9223372036854775807,-9223372036854775808,9007199254740993]}`, "samples 1"}, want: 1},
	{name: "uint64", props: []string{`dummy {"n":[9223372036854775808,18446744073709551615]}`, "samples 1"}, want: 1, differs: integers64, why: "larger integers become the largest int64"},
	{name: "integers beyond 64 bits", props: []string{`dummy {"n":[18446744073709551616,-9223372036854775809,123456789012345678901234567890]}`, "samples 1"}, want: 1, differs: integers64, why: "they become the largest or smallest int64"},
	{name: "doubles", props: []string{`dummy {"n":[0.0,-0.0,1.0,-1.0,0.1,3.141592653589793,123456.789,1.7976931348623157e308,5e-324,2.2250738585072014e-308]}`, "samples 1"}, want: 1},
	{name: "exponents", props: []string{`dummy {"n":[1e2,1E2,1e+2,1e-2,-1e2,0e0,1.5e3,1e22,1e23]}`, "samples 1"}, want: 1, differs: newReader, why: "an exponent without a point is dropped"},

	// Strings.
	{name: "unicode as it is", props: []string{`dummy {"grüße":"日本語 😀 ñ"}`, "samples 1"}, want: 1},
	{name: "escapes", props: []string{`dummy {"e":"\"\\\/\b\f\n\r\t","a\nb":1}`, "samples 1"}, want: 1},
	{name: "unicode escapes", props: []string{`dummy {"u":"\u00e9\u00E9\u20ac\u0041\uffff\u001f"}`, "samples 1"}, want: 1},
	{name: "surrogate pairs", props: []string{`dummy {"u":"\ud83d\ude00\uD834\uDD1E"}`, "samples 1"}, want: 1, differs: surrogates, why: "each half becomes three bytes, which are not UTF-8"},
	{name: "control characters", via: commandLine, props: []string{"dummy {\"a\tb\":\"c\td\ne\rf\x01\x1f\"}", "metadata {\"m\":\"\t\n\"}", "samples 1"}, want: 1, since: metadata},
	{name: "a tab in a classic configuration", props: []string{"dummy {\"a\tb\":\"c\td\\te\"}", "samples 1"}, want: 1},
	{name: "bytes that are not UTF-8", props: []string{"dummy {\"s\":\"a\xff\",\"\xe9t\xe9\":[\"\xc3\",\"\\u00e9\xed\xa0\x80\",\"\xf0\x9f\x98\"]}", "metadata {\"\xff\":\"\xfe\"}", "samples 1"}, want: 1, since: metadata},
	{name: "string lengths", props: []string{
		fmt.Sprintf(`dummy {"31":%q,"32":%q,"255":%q,"256":%q}`, xs(31), xs(32), xs(255), xs(256)), "samples 1"}, want: 1},
	{name: "large string", via: commandLine, props: []string{fmt.Sprintf(`dummy {"65535":%q,"after":1}`, xs(65535)), "samples 2", "rate 20"}, want: 2},
	{name: "many members", via: yaml, props: []string{`dummy ` + manyMembers(70000), "samples 1"}, want: 1},

	// Several objects, metadata, copies, samples.
	{name: "concatenated objects", props: []string{`dummy {"a":1}{"b":2} {"c":3}`, "samples 2", "rate 20"}, want: 6},
	{name: "metadata", props: []string{`metadata {"m":{"n":[1,2.0]},"k":"v"}`, "samples 2", "rate 20"}, want: 2, since: metadata},
	{name: "metadata and objects", props: []string{`dummy {"a":1}{"b":2}`, `metadata {"m":1}`, "samples 2", "rate 20"}, want: 4, since: metadata},
	{name: "copies", props: []string{`dummy {"a":1}`, "copies 5", "samples 3", "rate 20"}, want: 15},
	{name: "many copies", props: []string{`dummy {"a":1}`, "copies 5000", "samples 2", "rate 20"}, want: 10000},
	{name: "copies of objects", props: []string{`dummy {"a":1} {"b":2}`, "copies 3", "samples 2", "rate 20"}, want: 12},
	{name: "samples", props: []string{"samples 7", "rate 50"}, want: 7},
	{name: "samples without end", props: []string{"samples -1", "rate 50"}, take: 20},

	// Time stamps.
	{name: "fixed time", props: []string{"fixed_timestamp on", "start_time_sec 1234", "start_time_nsec 1234", "samples 3", "rate 20"}, want: 3,
		start: time.Unix(1234, 1234)},
	{name: "fixed time, seconds only", props: []string{"fixed_timestamp true", "start_time_sec 1999", "samples 2", "rate 20"}, want: 2,
		start: time.Unix(1999, 0)},
	{name: "fixed time, nanoseconds only", props: []string{"fixed_timestamp yes", "start_time_nsec 1999", "samples 2", "rate 20"}, want: 2,
		start: time.Unix(0, 1999)},
	{name: "fixed time 0", props: []string{"fixed_timestamp on", "start_time_sec 0", "samples 2", "rate 20"}, want: 2,
		start: time.Unix(0, 0)},
	{name: "fixed time, copies of objects", props: []string{`dummy {"a":1}{"b":2}`, "copies 2", "fixed_timestamp on", "start_time_sec 1700000000", "samples 2", "rate 20"}, want: 8,
		differs: encoder, why: "the records of a tick are some nanoseconds apart", start: time.Unix(1700000000, 0)},
	{name: "start time", props: []string{"start_time_sec 1000", "start_time_nsec 500", "samples 4", "rate 20"}, want: 4,
		start: time.Unix(1000, 500), every: 50 * time.Millisecond, perTick: 1},
	{name: "start time and copies", props: []string{"start_time_sec 1000", "copies 2", "samples 2", "rate 20"}, want: 4,
		start: time.Unix(1000, 0), every: 50 * time.Millisecond, perTick: 2},

	// Pace.
	{name: "rate", props: []string{"rate 20", "samples 40"}, want: 40},
	{name: "rate 0", props: []string{"rate 0", "samples 2", "start_time_sec 0"}, want: 2,
		start: time.Unix(0, 0), every: time.Second, perTick: 1},
	{name: "interval_sec", props: []string{"interval_sec 2", "samples 2", "start_time_sec 0"}, want: 2, since: intervals,
		start: time.Unix(0, 0), every: 2 * time.Second, perTick: 1},
	{name: "interval_nsec", props: []string{"interval_nsec 700000000", "samples 3", "start_time_sec 0"}, want: 3, since: intervals,
		start: time.Unix(0, 0), every: 700 * time.Millisecond, perTick: 1},
	{name: "both intervals", props: []string{"interval_sec 1", "interval_nsec 200000000", "samples 2", "start_time_sec 0"}, want: 2, since: intervals,
		start: time.Unix(0, 0), every: 1200 * time.Millisecond, perTick: 1},
	{name: "interval beats rate", props: []string{"interval_nsec 100000000", "rate 1", "samples 5", "start_time_sec 0"}, want: 5, since: intervals,
		start: time.Unix(0, 0), every: 100 * time.Millisecond, perTick: 1},
	{name: "negative interval sets both aside", props: []string{"interval_sec -1", "interval_nsec 500", "rate 10", "samples 5", "start_time_sec 0"}, want: 5, since: intervals,
		start: time.Unix(0, 0), every: 100 * time.Millisecond, perTick: 1},
	{name: "flush on startup", props: []string{"interval_sec 2", "flush_on_startup on", "samples 2"}, want: 2, since: startup},
	{name: "flush on startup alone", props: []string{"interval_sec 3600", "flush_on_startup on", `dummy {"a":1}{"b":2}`, "copies 2"}, take: 4, since: startup},

	// The environment.
	{name: "variable of the process", props: []string{`dummy {"v":"${E2E_A}","w":${E2E_N}}`, "samples 1"}, want: 1, env: []string{"E2E_A=from outside", "E2E_N=12"}},
	{name: "variable in a number option", props: []string{`dummy {"a":1}`, "samples ${E2E_N}", "rate 20"}, want: 3, env: []string{"E2E_N=3"}},
	{name: "variable is the record", props: []string{`dummy ${E2E_R}`, "samples 1"}, want: 1, env: []string{`E2E_R={"whole":"record"}`}},
	{name: "variable of @SET", props: []string{`dummy {"v":"${E2E_S}"}`, "samples 1"}, want: 1, set: "@SET E2E_S=set here\n"},
	{name: "variable of the env section", via: yaml, props: []string{`dummy {"v":"${E2E_Y}"}`, `metadata {"m":"${E2E_Y}"}`, "samples 1"}, want: 1, set: "env:\n  E2E_Y: in yaml\n", since: metadata},
	{name: "variable that is not set", props: []string{`dummy {"v":"${E2E_NOT_SET}"}`, "samples 1"}, want: 1},
	{name: "two variables", props: []string{`dummy {"v":"${E2E_A}${E2E_B}-${E2E_A}"}`, "samples 1"}, want: 1, env: []string{"E2E_A=a", "E2E_B=b"}},
	{name: "variable with quotes", props: []string{`dummy {"v":"${E2E_Q}"}`, "samples 1"}, want: 1, env: []string{`E2E_Q=a\"b\u00e9`}},

	// Other ways to write a configuration.
	{name: "command line", via: commandLine, props: []string{`dummy {"a":"b c","d":[1,2]}`, "copies 2", "samples 2", "rate 20"}, want: 4},
	{name: "yaml", via: yaml, props: []string{`dummy {"a":"it's","b":{"c":null}}`, "copies 2", "samples 2", "rate 20", "fixed_timestamp true", "start_time_sec 5"}, want: 4,
		differs: encoder, why: "the records of a tick are some nanoseconds apart", start: time.Unix(5, 0)},
	{name: "names in capitals", props: []string{`Dummy {"a":1}`, "SAMPLES 2", "Rate 20"}, want: 2},

	// Errors that dummy ignores are warnings of gdummy with `strict off`.
	{name: "bad JSON", props: []string{`dummy {"bad`, "samples 2", "rate 20"}, ours: []string{"strict off"}, want: 2},
	{name: "bad metadata", props: []string{`metadata {"bad`, "samples 2", "rate 20"}, ours: []string{"strict off"}, want: 2, since: metadata},
	{name: "objects before an error", props: []string{`dummy {"a":1} {"b`, "samples 2", "rate 20"}, ours: []string{"strict off"}, take: 2, differs: newReader, why: "the default record replaces all objects"},
	{name: "something else between objects", props: []string{`dummy {"a":1} [2] {"b":3}`, "samples 2", "rate 20"}, ours: []string{"strict off"}, take: 2},
}

func xs(n int) string { return strings.Repeat("x", n) }

func manyMembers(size int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `"member%d":%d,`, i, i)
	}
	return b.String() + `"last":true}`
}

// run starts a Fluent Bit with gdummy under the tag "ours" and, if theirs is set, with the
// dummy input under "theirs".
func (c dropIn) run(t *testing.T, h host, withDummy bool) *process {
	t.Helper()
	plugins := []string{"gdummy"}
	if withDummy {
		plugins = []string{"dummy", "gdummy"}
	}
	l := launch{env: c.env}
	var classicText, yamlText strings.Builder
	classicText.WriteString(c.set + service)
	yamlText.WriteString(c.set + "service:\n  flush: 0.2\n  grace: 1\npipeline:\n  inputs:\n")
	for _, plugin := range plugins {
		props := append([]string{"tag theirs"}, c.props...)
		if plugin == "gdummy" {
			props = append(append([]string{"tag ours"}, c.props...), c.ours...)
		}
		classicText.WriteString(input(append([]string{"name " + plugin}, props...)...))
		fmt.Fprintf(&yamlText, "    - name: %s\n", plugin)
		l.args = append(l.args, "-i", plugin)
		for _, p := range props {
			k, v, _ := strings.Cut(p, " ")
			fmt.Fprintf(&yamlText, "      %s: '%s'\n", k, strings.ReplaceAll(v, "'", "''"))
			if k == "tag" {
				l.args = append(l.args, "-t", v)
			} else {
				l.args = append(l.args, "-p", k+"="+v)
			}
		}
	}
	classicText.WriteString(toFiles)
	yamlText.WriteString("  outputs:\n    - {name: file, match: '*', path: out, format: msgpack}\n")
	switch c.via {
	case classic:
		l.args, l.config = nil, classicText.String()
	case yaml:
		l.args, l.config, l.yaml = nil, yamlText.String(), true
	case commandLine:
		l.args = append(l.args, "-f", "0.2", "-o", "file", "-m", "*", "-p", "path=out", "-p", "format=msgpack")
	}
	return h.start(t, l)
}

// collect waits for the records of a tag, and for the exit of the process if the
// configuration is finite.
func (c dropIn) collect(t *testing.T, p *process, tags ...string) map[string][]record {
	t.Helper()
	n := max(c.take, c.want)
	recs := map[string][]record{}
	for _, tag := range tags {
		p.await(fmt.Sprintf("%d records of %s", n, tag), 15*time.Second, func() bool {
			recs[tag] = p.records(tag)
			return len(recs[tag]) >= n
		})
	}
	p.stop()
	for _, tag := range tags {
		recs[tag] = p.records(tag)
		if c.want > 0 && len(recs[tag]) != c.want {
			t.Errorf("%d records of %s, expected %d", len(recs[tag]), tag, c.want)
		}
		if c.want == 0 && len(recs[tag]) >= n {
			recs[tag] = recs[tag][:n]
		}
	}
	return recs
}

// gdummy produces the records of v5.1's dummy input on every host.
func TestDropIn(t *testing.T) {
	golden := readGolden(t)
	onEachHost(t, func(t *testing.T, h host) {
		for _, c := range dropIns {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				testDropIn(t, h, c, golden)
			})
		}
	})
}

func testDropIn(t *testing.T, h host, c dropIn, golden *goldenFile) {
	withDummy := !h.version.before(c.since)
	tags := []string{"ours"}
	if withDummy {
		tags = append(tags, "theirs")
	}
	recs := c.collect(t, c.run(t, h, withDummy), tags...)
	ours, theirs := recs["ours"], recs["theirs"]

	isReference := !h.version.before(v5_1_0)
	if *update && isReference {
		golden.set(c, theirs)
	}
	want := golden.get(t, c)
	if h.version.before(v2_1_0) {
		want = withoutMetadata(want)
	}
	if diff := cmp.Diff(want, fold(c.show(ours))); diff != "" {
		t.Errorf("gdummy differs from v5.1's dummy (-dummy +gdummy):\n%s", diff)
	}
	if withDummy {
		diff := cmp.Diff(want, fold(c.show(theirs)))
		switch {
		case diff == "":
		case h.version.before(c.differs):
			t.Logf("as known, the dummy of %s differs from v5.1's: %s (-v5.1 +%[1]s):\n%s", h.version, c.why, diff)
		default:
			t.Errorf("the dummy of %s differs from v5.1's, which is not in the table (-v5.1 +%[1]s):\n%s", h.version, diff)
		}
	}
	if isReference {
		for i := range min(len(ours), len(theirs)) {
			if !ours[i].sameBytes(theirs[i]) {
				t.Fatalf("the bytes of record %d differ:\ndummy  % x\ngdummy % x", i, theirs[i].body, ours[i].body)
			}
		}
	}
	c.checkTimes(t, ours)
}

// checkTimes compares the times of gdummy with the table.
func (c dropIn) checkTimes(t *testing.T, recs []record) {
	for i, r := range recs {
		switch {
		case c.perTick > 0:
			want := c.start.Add(c.every * time.Duration(i/c.perTick+1)).Add(time.Duration(i % c.perTick)).UTC()
			if !r.time.Equal(want) {
				t.Errorf("record %d has the time %v, expected exactly %v", i, r.time, want)
			}
		case c.start.IsZero() && (time.Since(r.time) > time.Minute || time.Since(r.time) < 0):
			t.Errorf("record %d has the time %v, expected now", i, r.time)
		case i > 0 && c.start.IsZero() && !r.time.After(recs[i-1].time):
			t.Errorf("record %d has the time %v, expected later than that of the record before, %v", i, r.time, recs[i-1].time)
		}
	}
}

// show formats records for comparison, with their time if dummy's is exact.
func (c dropIn) show(recs []record) []string {
	out := texts(recs)
	for i, r := range recs {
		if !c.start.IsZero() && c.every == 0 {
			out[i] = r.timeString() + " " + out[i]
		}
	}
	return out
}

// fold replaces repeated lines by one line with their number.
func fold(in []string) []string {
	var out []string
	for i := 0; i < len(in); {
		n := 1
		for i+n < len(in) && in[i+n] == in[i] {
			n++
		}
		line := in[i]
		if n > 1 {
			line = fmt.Sprintf("%s  (%d times)", line, n)
		}
		out = append(out, line)
		i += n
	}
	return out
}

// withoutMetadata returns golden lines as on hosts whose events have no metadata.
func withoutMetadata(in []string) []string {
	out := make([]string, len(in))
	for i, line := range in {
		out[i] = line
		// The metadata is the first map in the line.
		if open := strings.IndexByte(line, '{'); open >= 0 {
			if shut := strings.Index(line, "} {"); shut >= 0 {
				out[i] = line[:open] + "-" + line[shut+1:]
			}
		}
	}
	return out
}

func TestDropInTable(t *testing.T) {
	names := map[string]bool{}
	for _, c := range dropIns {
		if names[c.name] {
			t.Errorf("two configurations are named %q", c.name)
		}
		names[c.name] = true
		if (c.take == 0) == (c.want == 0) {
			t.Errorf("%s: exactly one of take and want must be set", c.name)
		}
	}
	if len(dropIns) < 25 {
		t.Errorf("%d configurations, expected at least 25", len(dropIns))
	}
	if _, err := os.Stat(goldenPath); err != nil {
		t.Error(err)
	}
}
