// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var echoLine = regexp.MustCompile(`(?m)^\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\] \[ info\] \[echo\] (.*)$`)

// Values of properties, as a plugin reads them.
func TestProperties(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		version int
		props   []string
		echo    string
		want    string
	}{
		{"any case", v500, []string{"Fault=x"}, "fAULT", "x"},
		{"first of duplicates", v500, []string{"fault=x", "FAULT=y"}, "fault", "x"},
		{"value with equals signs", v500, []string{"fault=x=y="}, "fault", "x=y="},
		{"absent", v511, nil, "fault", "NULL"},
		{"empty", v511, []string{"fault="}, "fault", "NULL"},
		{"tag is consumed", v511, []string{"tag=x"}, "tag", "NULL"},
		{"alias is consumed", v511, []string{"Alias=x"}, "alias", "NULL"},
		{"log_level is consumed", v511, []string{"log_level=debug"}, "log_level", "NULL"},
		{"threaded is consumed", v511, []string{"threaded=off"}, "threaded", "NULL"},
		{"mem_buf_limit is consumed", v511, []string{"mem_buf_limit=1M"}, "mem_buf_limit", "NULL"},
		{"variable", v511, []string{"fault=a${FLBHOST_A}b${FLBHOST_B}c"}, "fault", "aAbBc"},
		{"variable that is not set", v511, []string{"fault=a${FLBHOST_C}b"}, "fault", "ab"},
		{"nothing but such a variable", v511, []string{"fault=${FLBHOST_C}"}, "fault", "NULL"},
		{"fallback", v511, []string{"fault=${FLBHOST_C:-c}"}, "fault", "c"},
		{"no fallback before 5.1", v500, []string{"fault=x${FLBHOST_C:-c}"}, "fault", "x"},
		{"brace between variables", v511, []string{"fault=${FLBHOST_A}x}${FLBHOST_B}"}, "fault", "A${FLBHOST_B}"}, // upstream's bug
		{"brace and no variable", v511, []string{"fault=}x${FLBHOST_A}"}, "fault", "}x${FLBHOST_A}"},
		{"open variable", v511, []string{"fault=x${FLBHOST_A"}, "fault", "x${FLBHOST_A"},
		{"dynamic", v511, []string{"body=${FLBHOST_BODY}"}, "body", "${FLBHOST_BODY}"},
		{"dynamic before 5.1.1", v500, []string{"body=${FLBHOST_BODY}"}, "body", "80"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--collects", "1", "--tick", "20", "--output", "null", "PLUGIN", "-i", "-p", "path=none", "-p", "echo=" + test.echo}
			for _, p := range test.props {
				args = append(args, "-p", p)
			}
			r := runEnv(t, variant{version: test.version}, []string{"FLBHOST_A=A", "FLBHOST_B=B", "FLBHOST_BODY=80"}, args...)
			r.wantCode(t, 0)
			m := echoLine.FindStringSubmatch(r.stderr)
			if m == nil {
				t.Fatalf("no echo:\n%s", r.stderr)
			}
			if diff := cmp.Diff(test.echo+"="+test.want, m[1]); diff != "" {
				t.Errorf("property (-want +got):\n%s", diff)
			}
			if r.report.Log.Info != 1 || r.report.Log.Error != 0 {
				t.Errorf("log: %+v", r.report.Log)
			}
		})
	}
}

// With a config map (5.1.1) an unknown property fails the start. Before, it is ignored.
func TestConfigMap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		props []string
		line  string
	}{
		{[]string{"-p", "fualt=x"}, "[config] sample: unknown configuration property 'fualt'"},
		{[]string{"-p", "fault=x", "-p", "Fault=y"}, "[config] sample: configuration property 'fault' is set 2 times"},
		{[]string{"-p", "echo=x", "-p", "Echo=y"}, ""}, // may be given more than once
		{[]string{"-p", "FAULT=x"}, ""},
	}
	for _, test := range tests {
		for _, version := range []int{v511, v500} {
			args := append([]string{"--collects", "1", "--tick", "20", "--output", "null", "PLUGIN", "-i"}, test.props...)
			r := run(t, variant{version: version}, args...)
			if version == v511 && test.line != "" {
				r.wantCode(t, 3)
				r.wantLine(t, test.line)
			} else {
				r.wantCode(t, 0)
			}
		}
	}
}

func TestBadCoreProperty(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"threaded=maybe", "log_level=loud"} {
		r := run(t, variant{version: v511}, "--seconds", "5", "PLUGIN", "-i", "-p", p)
		r.wantCode(t, 3)
		r.wantLine(t, "could not configure property")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--options")
	r.wantCode(t, 0)
	const want = `sample: a plugin for tests

OPTION                   TYPE       FLAGS    DEFAULT                      DESCRIPTION
path                     string     -        return                       how data is handed over
count                    integer    -        1                            records in each collect
form                     string     -        v2                           form of the events
fault                    string     -        -                            what to do wrong
block                    time       -        -                            how long a collect takes
sleeve                   integer    -        -                            appends in each collect
rounds                   integer    -        -                            collects that have data
body                     string     env      -                            body in msgpack, in hex
echo                     string     mult     -                            property to log
`
	if diff := cmp.Diff(want, r.stdout); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	run(t, variant{version: v500}, "--options").wantCode(t, 2)
}

// Errors in usage are reported, and nothing runs.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--tick", "0"},
		{"--tick", "1s"},
		{"--seconds", "-1"},
		{"--records", "many"},
		{"--output", "xml"},
		{"--output", "raw:"},
		{"--threaded", "no"},
		{"--script", "at 1 dance"},
		{"--script", "at x exit"},
		{"--script", "at 1 pause 1"},
		{"--script", "at 1 reload 0"},
		{"--ballast", "much"},
		{"--nosuch", "x"},
		{"PLUGIN", "-i", "other"},
		{"PLUGIN", "-p", "novalue"},
		{"PLUGIN", "-p"},
		{"PLUGIN", "another.so"},
		{"PLUGIN", "--tick"},
	} {
		r := run(t, variant{version: v511}, args...)
		r.wantCode(t, 2)
		r.wantLine(t, "flbhost: ")
	}

	host, err := variant{version: v511}.host(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"/nonexistent.so"}} {
		cmd := variant{version: v511}.command(t)
		cmd.Args = append([]string{host}, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		finish(t, cmd, new(bytes.Buffer), &stderr).wantCode(t, 2)
	}
}

// The sanitizers find no errors in the host while it uses all features.
func TestSanitizers(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{sanitizers, {"-fsanitize=thread"}} {
		v := variant{version: v511, flags: flags}
		if _, err := v.host(t); err != nil {
			t.Logf("### SKIPPED: %s: the compiler cannot: %v", flags[0], err)
			continue
		}
		for _, threaded := range []string{"on", "off"} {
			t.Run(flags[0]+"-threaded-"+threaded, func(t *testing.T) {
				t.Parallel()
				r := run(t, v, "--tick", "20", "--reloads", "5", "--pauses", "10", "--metrics", "--output", "json",
					"--threaded", threaded, "--script",
					"at 0.1 pause 0; at 0.2 resume 0; at 0.3 reload; at 0.4 hup; at 0.45 cont; at 0.5 pause; at 0.6 exit",
					"PLUGIN", "-i", "-p", "path=records", "-i", "-p", "path=append", "-i", "-p", "fault=reuse")
				r.wantCode(t, 0)
				for _, s := range []string{"Sanitizer", "runtime error"} {
					if bytes.Contains([]byte(r.stderr), []byte(s)) {
						t.Errorf("%s:\n%s", s, r.stderr)
					}
				}
			})
		}
	}
}
