// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bodies has a value of each type in MessagePack, as printed by `-o stdout`, and in JSON.
var bodies = []struct{ name, hex, stdout, json string }{
	{"string", "81a161a162", `{"a"=>"b"}`, `{"a":"b"}`},
	{"escapes", "81a161a4220a5cc3", "{\"a\"=>\"\"\n\\\xc3\"}", "{\"a\":\"\\\"\\u000a\\\\\xc3\"}"},
	{"order and duplicates", "83a16201a16102a16203", `{"b"=>1, "a"=>2, "b"=>3}`, `{"b":1,"a":2,"b":3}`},
	{"integers", "85a16100a162ffa163cfffffffffffffffffa164d38000000000000000a165d1ff00",
		`{"a"=>0, "b"=>-1, "c"=>18446744073709551615, "d"=>-9223372036854775808, "e"=>-256}`,
		`{"a":0,"b":-1,"c":18446744073709551615,"d":-9223372036854775808,"e":-256}`},
	{"doubles", "84a161cb3ff0000000000000a162cb3fb999999999999aa163ca3f000000a164cb7fefffffffffffff",
		`{"a"=>1.000000, "b"=>0.100000, "c"=>0.500000, "d"=>179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558632766878171540458953514382464234321326889464182768467546703537516986049910576551282076245490090389328944075868508455133942304583236903222948165808559332123348274797826204144723168738177180919299881250404026184124858368.000000}`,
		`{"a":1.0,"b":0.10000000000000001,"c":0.5,"d":1.7976931348623157e+308}`},
	{"nested", "81a1619381a1629001c0", `{"a"=>[{"b"=>[]}, 1, nil]}`, `{"a":[{"b":[]},1,null]}`},
	{"booleans", "82a161c3a162c2", `{"a"=>true, "b"=>false}`, `{"a":true,"b":false}`},
	{"binary", "82a161c403220041a162d70000000001000000ff", `{"a"=>"\"\x00A", "b"=>(ext: 0)"\x00\x00\x00\x01\x00\x00\x00\xff"}`,
		`{"a":{"$bin":"220041"},"b":{"$ext":[0,"00000001000000ff"]}}`},
	{"other keys", "82017f90c0", `{1=>127, []=>nil}`, `{"1":127,"[]":null}`},
	{"empty", "80", `{}`, `{}`},
	{"long forms", "de0001d90161da0001" + "62", `{"a"=>"b"}`, `{"a":"b"}`},
}

// The forms of the output, for both formats of events.
func TestOutput(t *testing.T) {
	t.Parallel()
	for _, b := range bodies {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			for v, want := range map[int]string{
				v511: "[0] sample.0: [[1700000000.000000007, {}], " + b.stdout + "]\n",
				v200: "[0] sample.0: [1700000000.000000007, " + b.stdout + "]\n",
			} {
				args := []string{"--records", "1", "--tick", "20", "PLUGIN", "-i", "-p", "body=" + b.hex}
				if v < v210 {
					args = append(args, "-p", "form=legacy")
				}
				r := run(t, variant{version: v}, args...)
				r.wantCode(t, 0)
				if diff := cmp.Diff(want, r.stdout); diff != "" {
					t.Errorf("stdout of %x (-want +got):\n%s", v, diff)
				}
			}
			r := run(t, variant{version: v511}, "--records", "1", "--tick", "20", "--output", "json",
				"PLUGIN", "-i", "-p", "body="+b.hex, "-p", "tag=my.tag")
			want := `{"tag":"my.tag","sec":1700000000,"nsec":7,"meta":{},"body":` + b.json + "}\n"
			if diff := cmp.Diff(want, r.stdout); diff != "" {
				t.Errorf("json (-want +got):\n%s", diff)
			}

			file := filepath.Join(t.TempDir(), "raw")
			run(t, variant{version: v511}, "--records", "2", "--tick", "20", "--output", "raw:"+file,
				"PLUGIN", "-i", "-p", "body="+b.hex)
			got, err := os.ReadFile(file + ".0")
			if err != nil {
				t.Fatal(err)
			}
			one := "9292d7006553f1000000000780" + b.hex
			if diff := cmp.Diff(one+one, hex.EncodeToString(got)); diff != "" {
				t.Errorf("raw (-want +got):\n%s", diff)
			}
		})
	}
}

// The nesting depth is limited to 32, as in msgpack-c. The event itself uses two levels.
func TestNesting(t *testing.T) {
	t.Parallel()
	for arrays, code := range map[int]int{30: 0, 31: 1} {
		body := "81a161" + strings.Repeat("91", arrays-1) + "90"
		r := run(t, variant{version: v511}, "--collects", "1", "--tick", "20", "--output", "null",
			"PLUGIN", "-i", "-p", "body="+body)
		r.wantCode(t, code)
	}
}

// --records is exact, and the tag of an append takes precedence.
func TestRecordsIsExact(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--records", "7", "--tick", "20", "--output", "json",
		"PLUGIN", "-i", "-p", "count=5", "-p", "path=records")
	r.wantCode(t, 0)
	line := `{"tag":"own.tag","sec":1700000000,"nsec":7,"meta":{},"body":{"message":"dummy"}}` + "\n"
	if diff := cmp.Diff(strings.Repeat(line, 7), r.stdout); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if i := r.report.Instances[0]; i.Output != 7 || i.Records < 10 {
		t.Errorf("%d written of %d", i.Output, i.Records)
	}
}

// In the form of stdout, records are numbered from 0 for each input and each chunk.
func TestNumbers(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--records", "6", "--tick", "20",
		"PLUGIN", "-i", "-p", "count=3", "-p", "rounds=1", "-i", "-p", "count=3", "-p", "rounds=1")
	for _, tag := range []string{"sample.0", "sample.1"} {
		for _, n := range []string{"0", "1", "2"} {
			if !strings.Contains(r.stdout, "["+n+"] "+tag+": ") {
				t.Errorf("no [%s] %s:\n%s", n, tag, r.stdout)
			}
		}
	}
}

// Metrics of the host and of the plugin, in the text form of cmetrics.
func TestMetrics(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--collects", "2", "--tick", "20", "--metrics", "--output", "null",
		"PLUGIN", "-i", "-p", "rounds=2", "-p", "count=3", "-p", "path=append", "-p", "alias=x")
	r.wantCode(t, 0)
	r.wantLine(t, `Z fluentbit_input_records_total{name="x"} = 6`)
	r.wantLine(t, `Z fluentbit_input_bytes_total{name="x"} = 168`)
	r.wantLine(t, `Z fluentbit_input_ring_buffer_writes_total{name="x"} = 2`)
	r.wantLine(t, `2023-11-14T22:13:20.000000007Z sample_collects_total{name="x"} = `)
}

// The run ends when the reader closes the output.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := variant{version: v511}.command(t, "--tick", "20")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = writer, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	reader.Close()
	finish(t, cmd, new(bytes.Buffer), &stderr).wantCode(t, 0)
}

// SIGTERM ends a run normally, and SIGHUP reloads.
func TestSignals(t *testing.T) {
	t.Parallel()
	cmd := variant{version: v511}.command(t, "--tick", "20", "--output", "null")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()

	var lines []string
	inits := 0
	scanner := bufio.NewScanner(pipe)
	for scanner.Scan() {
		line := scanner.Text()
		lines = append(lines, line)
		if strings.HasPrefix(line, "trace PreRun") {
			inits++
			cmd.Process.Signal([]os.Signal{syscall.SIGHUP, syscall.SIGTERM}[inits-1])
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(lines, "\n"))
	}
	r := result{stderr: strings.Join(lines, "\n") + "\n"}
	last := names(r.calls(), once)
	want := []string{"Pause", "Pause", "PreExit(0)", "Exit", "Unregister"}
	if diff := cmp.Diff(want, last[max(0, len(last)-5):]); diff != "" || inits != 2 {
		t.Errorf("%d starts, and at the end (-want +got):\n%s", inits, diff)
	}
}
