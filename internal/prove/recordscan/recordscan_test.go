// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/recordid"
)

// id returns the identity of record seq with the given body.
func id(t testing.TB, seq uint64, text string) string {
	t.Helper()
	b, err := jsonbody.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := recordid.SumBody(b[0])
	if err != nil {
		t.Fatal(err)
	}
	return recordid.ID{Run: 42, Seq: seq, Time: 1732300000000000000, Sum: sum}.String()
}

// scan scans text and returns the number and state of each finding.
func scan(o Options, text string) (got []string, broken uint64) {
	return scanFrom(o, strings.NewReader(text))
}

// scanFrom is like scan. An error is the last finding.
func scanFrom(o Options, r io.Reader) (got []string, broken uint64) {
	o.Take = func(id recordid.ID, s State, _ int64) {
		if s == Foreign {
			got = append(got, "foreign")
			return
		}
		got = append(got, fmt.Sprint(id.Seq, " ", s))
	}
	s := New(o)
	if err := s.Read(r); err != nil {
		got = append(got, err.Error())
	}
	return got, s.Broken()
}

const sent = `{"message":"dummy","n":1,"f":0.1,"s":"é\n\"/","o":{"a":[1,null,true]},"big":1234567890123456.7}`

// Formats of Fluent Bit's outputs, and the results of filters and other tools. $1 is the
// identity of a record with the body sent, $2 that of another with {"message":"dummy"}.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"one line",
			`{"message":"dummy","n":1,"f":0.1,"s":"é\n\"/","o":{"a":[1,null,true]},"big":1234567890123457,"gdummy":"$1"}`,
			[]string{"1 intact"}},
		{"other spellings and order",
			`{"gdummy":"$1", "n":1.0,"f":1e-1,"s":"\u00e9\u000a\u0022\/","big":1.2345678901234567e15,"o":{"a":[1e0,null,true]},"message":"d\u0075mmy"}`,
			[]string{"1 intact"}},
		{"with a date", `{"date":1732300000.5,"message":"dummy","gdummy":"$2"}`, []string{"2 intact"}},
		{"with a date of 16 digits", `{"date":1732300000500000,"message":"dummy","gdummy":"$2"}`, []string{"2 intact"}},
		{"file output", `gdummy.0: [1732300000.123456789, {"message":"dummy","gdummy":"$2"}]`, []string{"2 intact"}},
		{"event with metadata", `[[1732300000.1, {"m":1}], {"message":"dummy","gdummy":"$2"}]`, []string{"2 intact"}},
		{"identity in the metadata", `[[1732300000.1, {"m":1,"gdummy":"$2"}], {"message":"dummy"}]`, []string{"2 intact"}},
		{"metadata in the body", `{"date":1.5,"__internal__":{"log_metadata":{"m":1,"gdummy":"$2"}},"message":"dummy"}`, []string{"2 intact"}},
		{"list", `[{"message":"dummy","gdummy":"$2"},{"date":5,"message":"dummy","gdummy":"$2"}]`, []string{"2 intact", "2 intact"}},
		{"list over lines", "[\n{\"message\":\"dummy\",\"gdummy\":\"$2\"},\n{\"message\":\"dummy\",\"gdummy\":\"$2\"}\n]\n", []string{"2 intact", "2 intact"}},
		{"indented", "{\n  \"message\": \"dummy\",\n  \"o\": {\n \"}\": 1},\n  \"gdummy\": \"$2\"\n}\n{\"message\":\"dummy\",\"gdummy\":\"$2\"}", []string{"2 enriched", "2 intact"}},
		{"twice in a list", `{"records":[{"message":"dummy","gdummy":"$2"},{"message":"dummy","gdummy":"$2"}]}`, []string{"2 enriched", "2 enriched"}},
		{"a member that hides another", `{"message":"dummy","gdummy":"$2","message":"other"}`, []string{"2 damaged"}},
		{"sixteen members added in front",
			`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"message":"dummy","gdummy":"$2"}`,
			[]string{"2 enriched"}},
		{"concatenated", `{"message":"dummy","gdummy":"$2"}{"message":"dummy","gdummy":"$2"}`, []string{"2 intact", "2 intact"}},
		{"a member added in front", `{"host":"x","message":"dummy","gdummy":"$2"}`, []string{"2 enriched"}},
		{"members added everywhere", `{"date":1,"host":"x","message":"dummy","k":{"pod":"p"},"gdummy":"$2","z":[{"message":1}]}`, []string{"2 enriched"}},
		{"nested whole", `{"date":1,"log":{"message":"dummy","gdummy":"$2"}}`, []string{"2 enriched"}},
		{"nested deep, with additions", `{"a":{"b":{"message":"dummy","gdummy":"$2","x":1},"y":2}}`, []string{"2 enriched"}},
		{"only the identity nested", `{"message":"dummy","meta":{"gdummy":"$2"}}`, []string{"2 enriched"}},
		{"renamed", `{"message":"dummy","trace":"$2"}`, []string{"2 intact"}},
		{"prefixed", `{"x_message":"dummy","x_gdummy":"$2","host":1}`, []string{"2 enriched"}},
		{"prefixed, by another key", `{"x_message":"dummy","x_trace.id":"$2","host":1}`, []string{"2 enriched"}},
		{"prefixed twice, by another key", `{"a.b.message":"dummy","a.b.trace":"$2"}`, []string{"2 enriched"}},
		{"prefixed and changed", `{"x_message":"dumm","x_trace":"$2"}`, []string{"2 damaged"}},
		{"as a string", `{"log":"{\"message\":\"dummy\",\"gdummy\":\"$2\"}"}`, []string{"2 enriched"}},
		{"lines in a string", `{"body":"{\"message\":\"dummy\",\"gdummy\":\"$2\"}\n{\"message\":\"dummy\",\"gdummy\":\"$2\"}\n"}`, []string{"2 enriched", "2 enriched"}},
		{"lines in a string, one of them cut", `{"body":"{\"message\":\"dummy\",\"gdummy\":\"$2\"}\n{\"message\":\"dummy\",\"gdummy\":"}`, []string{"2 unchecked"}},
		{"as a string in a string", `{"a":"{\"log\":\"{\\\"message\\\":\\\"dummy\\\",\\\"gdummy\\\":\\\"$2\\\"}\"}"}`, []string{"2 enriched"}},
		{"in a text in a string", `{"log":"time message=dummy gdummy=$2"}`, []string{"2 unchecked"}},
		{"Loki", `{"streams":[{"stream":{"job":"x"},"values":[["1732300000000000000","{\"message\":\"dummy\",\"gdummy\":\"$2\"}"]]}]}`, []string{"2 enriched"}},
		{"Elasticsearch, bulk", "{\"create\":{\"_index\":\"x\"}}\n{\"@timestamp\":\"2026-11-22T00:00:00Z\",\"message\":\"dummy\",\"gdummy\":\"$2\"}\n{\"index\":{}}\n{\"message\":\"dummy\",\"gdummy\":\"$2\"}\n",
			[]string{"2 intact", "2 intact"}},
		{"a record that is none of those", `{"index":{"a":1}}`, []string{"foreign"}},
		{"Splunk", `{"time":1732300000.5,"event":{"message":"dummy","gdummy":"$2"}}{"time":1,"event":{"message":"dummy!","gdummy":"$2"}}`, []string{"2 enriched", "2 damaged"}},
		{"GELF", `{"version":"1.1", "level":6, "short_message":"dummy", "_n":"1", "_gdummy":"$2", "timestamp":1795395015.050}`, []string{"2 unchecked"}},
		{"OpenTelemetry", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"dummy"}},{"key":"gdummy","value":{"stringValue":"$2"}}]}}}]}]}]}`, []string{"2 enriched"}},
		{"OpenTelemetry, all kinds", `{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"b"}}]},"scopeLogs":[{"scope":{},"logRecords":[{"timeUnixNano":"1","body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"dummy"}}, {"key":"n","value":{"intValue":"1"}},{"key":"f","value":{"doubleValue":0.10000000000000001}},{"key":"s","value":{"stringValue":"é\n\"/"}},{"key":"o","value":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":1},{},{"boolValue":true}]}}}]}}},{"key":"big","value":{"doubleValue":1234567890123456.8}},{"key":"gdummy","value":{"stringValue":"$1"}}]}}},{"body":{"stringValue":"of somebody else"}}]}]}]}`, []string{"1 enriched", "foreign"}},
		{"OpenTelemetry, changed", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"dumm"}},{"key":"gdummy","value":{"stringValue":"$2"}}]}}}]}]}]}`, []string{"2 damaged"}},
		{"OpenTelemetry, one member as the body", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"gdummy","value":{"stringValue":"$2"}}],"body":{"stringValue":"dummy"}}]}]}]}`, []string{"2 enriched"}},
		{"OpenTelemetry, attributes of another body", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"gdummy","value":{"stringValue":"$2"}}],"body":{"stringValue":"x"}}]}]}]}`, []string{"2 unchecked"}},
		{"OpenTelemetry, an unknown kind", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"dummy"}},{"key":"x","value":{"otherValue":1}},{"key":"gdummy","value":{"stringValue":"$2"}}]}}}]}]}]}`, []string{"2 unchecked"}},
		{"OpenTelemetry, the record as a string", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"{\"message\":\"dummy\",\"gdummy\":\"$2\"}"}}]}]}]}`, []string{"2 enriched"}},
		{"CloudWatch", `{"logGroupName":"g","logEvents":[{"timestamp":1,"message":"{\"message\":\"dummy\",\"gdummy\":\"$2\"}"}]}`, []string{"2 enriched"}},
		{"Stackdriver", `{"entries":[{"logName":"x","jsonPayload":{"message":"dummy","gdummy":"$2"}},{"jsonPayload":{"message":"dummy","gdummy":"$2","x":1}}]}`, []string{"2 enriched", "2 enriched"}},
		{"BigQuery", `{"kind":"x","rows":[{"json":{"message":"dummy","gdummy":"$2"}}]}`, []string{"2 enriched"}},
		{"Datadog", `[{"timestamp":1732300000000,"dd_source":"x","message":"dummy","gdummy":"$2"}]`, []string{"2 enriched"}},
		{"NATS", `[[1732300000.5,{"tag":"a","message":"dummy","gdummy":"$2"}],[1732300000.5,{"message":"dummy"}],[1,{"message":"dummy","gdummy":"$2"}]]`, []string{"2 enriched", "foreign", "2 intact"}},
		{"a list of one event", `[[1732300000.5,{"message":"dummy","gdummy":"$2"}]]`, []string{"2 intact"}},
		{"syslog", `<14>1 2026-11-22T00:00:00Z host app - - [gd@1 gdummy="$2"] dummy`, []string{"2 unchecked"}},
		{"InfluxDB", `a.tag,host=x message="dummy",gdummy="$2" 1732300000000000000`, []string{"2 unchecked"}},
		{"printed", `[0] gdummy.0: [[1732300000.1, {}], {"message"=>"dummy", "gdummy"=>"$2"}]`, []string{"2 intact"}},
		{"printed before 2.1", `[12] a: [1732300000.1, {"message"=>"dummy", "gdummy"=>"$2", "host"=>"x"}]`, []string{"2 enriched"}},
		{"printed, identity in the metadata", `[0] a: [[1732300000.1, {"gdummy"=>"$2"}], {"message"=>"dummy"}]`, []string{"2 intact"}},
		{"printed, of another body", `[0] a: [[1732300000.1, {}], {"message"=>"dumm", "gdummy"=>"$2"}]`, []string{"2 unchecked"}},
		{"printed, cut", `[0] a: [[1732300000.1, {}], {"message"=>"dummy", "gdummy"=>"$2"`, []string{"2 unchecked"}},
		{"printed, of somebody else", `[0] a: [[1732300000.1, {}], {"message"=>"dummy"}]`, []string{"foreign"}},
		{"a container's line", `2026-11-26T12:00:00.123456789Z stdout F {"message":"dummy","gdummy":"$2"}`, []string{"2 intact"}},
		{"a container's line, changed", `2026-11-26T12:00:00.123456789+01:00 stderr F {"message":"dumm","gdummy":"$2"}`, []string{"2 damaged"}},
		{"a container's line, cut", `2026-11-26T12:00:00Z stdout F {"message":"dummy","gdummy":"$2"`, []string{"2 damaged"}},
		{"a container's line in pieces", "2026-11-26T12:00:00Z stdout P {\"message\":\n2026-11-26T12:00:00Z stdout F \"dummy\",\"gdummy\":\"$2\"}", []string{"2 intact"}},
		{"Fluent Bit's own log", "[2026/11/26 12:00:00] [ info] [engine] started\n[error] no\n[ 12] x\n{\"message\":\"dummy\",\"gdummy\":\"$2\"}", []string{"foreign", "foreign", "foreign", "2 intact"}},
		{"only the first piece", "2026-11-26T12:00:00Z stdout P {\"message\":\"dummy\",\"gdummy\":\"$2\",", []string{"2 unchecked"}},
		{"only the last piece", "2026-11-26T12:00:00Z stdout F \"dummy\",\"gdummy\":\"$2\"}", []string{"2 unchecked"}},
		{"syslog with JSON", `<14>1 2026-11-22T00:00:00Z host app - - - {"message":"dummy","gdummy":"$2"}`, []string{"2 intact"}},
		{"text with JSON", `INFO: {"x":1} {"message":"dummy","gdummy":"$2","host":"x"}, {"y":2}`, []string{"2 enriched"}},
		{"text that looks like an event", `kernel: [12.5] gdummy=$2`, []string{"2 unchecked"}},
		{"text that looks like an event, with JSON", `app: [[1]] {"message":"dummy","gdummy":"$2"}`, []string{"2 intact"}},
		{"text with some of the record as JSON", `INFO dummy {"gdummy":"$2"}`, []string{"2 unchecked"}},
		{"text with two records", `a {"message":"dummy","gdummy":"$2"} b gdummy=$2`, []string{"2 intact", "2 unchecked"}},
		{"CSV", `1732300000.5,"dummy","$2"`, []string{"2 unchecked"}},
		{"LTSV", "\"time\":1.5\t\"message\":\"dummy\"\t\"gdummy\":\"$2\"", []string{"2 unchecked"}},
		{"copied", `{"message":"dummy","gdummy":"$2","copy":{"message":"dummy","gdummy":"$2"}}`, []string{"2 enriched"}},
		{"foreign", `{"message":"dummy"}` + "\nhello\n" + `[1.5,{"a":1}]`, []string{"foreign", "foreign", "foreign"}},
		{"changed", `{"message":"dummy!","gdummy":"$2"}`, []string{"2 damaged"}},
		{"changed, with additions", `{"message":"dummy!","a":1,"b":2,"gdummy":"$2"}`, []string{"2 damaged"}},
		{"renamed member", `{"msg":"dummy","gdummy":"$2"}`, []string{"2 damaged"}},
		{"removed member", `{"gdummy":"$2"}`, []string{"2 damaged"}},
		{"number as string", `{"message":"dummy","n":"1","f":0.1,"s":"é\n\"/","o":{"a":[1,null,true]},"big":1234567890123457,"gdummy":"$1"}`, []string{"1 damaged"}},
		{"cut", `{"message":"dummy","gdummy":"$2`, []string{"2 damaged"}},
		{"cut in the file output", `gdummy.0: [1732300000.1, {"message":"dummy","gdummy":"$2"`, []string{"2 damaged"}},
		{"damaged in a list", `[{"message":"dummy","gdummy":"$2"},{"message:"dummy","gdummy":"$2"},{"message":"dummy","gdummy":"$2"}]`,
			[]string{"2 intact", "2 damaged", "2 intact"}},
		{"damaged in an object", `{"records":[{"message":"dummy","gdummy":"$2"},{"message":"dummy,"gdummy":"$2"},{"message":"dummy","gdummy":"$2"}]}`,
			[]string{"2 enriched", "2 damaged", "2 enriched"}},
		{"the first damaged in an object", `{"n":{"x":1},"records":[{"message:"dummy","gdummy":"$2"},{"message":"dummy","gdummy":"$2"}],"y":{"z":1}}`,
			[]string{"2 damaged", "2 enriched"}},
		{"the last string damaged in an object", `{"records":[{"message":"dummy","gdummy":"$2},{"message":"dummy","gdummy":"$2"}]}`,
			[]string{"2 damaged", "2 enriched"}},
		{"behind a damaged object", `{"records":[{"message":"dummy,"gdummy":"$2"}]}{"message":"dummy","gdummy":"$2"}`, []string{"2 damaged", "2 intact"}},
		{"an object that is cut", `{"records":[{"message":"dummy","gdummy":"$2"},{"message":"dummy","gdummy":"$2"},{"mess`, []string{"2 enriched", "2 enriched"}},
		{"damaged, nested", `{"entries":[{"a":{"message":"dummy","gdummy":"$2"}},{"a":{"message":"dummy","gdummy":"$2"},"b:1},{"a":{"message":"dummy","gdummy":"$2"}}]}`,
			[]string{"2 enriched", "2 enriched", "2 enriched"}},
		{"others in a list in an object", `{"records":[{"x":1},{"message":"dummy","gdummy":"$2"},{"x":2},{"message":"dummy","gdummy":"$2"}]}`,
			[]string{"2 enriched", "2 enriched", "foreign", "foreign"}},
		{"a list in a string, and more behind it", `{"log":"[{\"gdummy\":\"$2\"},{\"gdummy\":\"$2\"},{\"x\":1}] and more"}`, []string{"2 unchecked"}},
		{"others beside one record", `{"records":[{"message":"dummy","gdummy":"$2"},{"x":2}]}`, []string{"2 enriched", "foreign"}},
		{"others beside what may be one record", `{"records":[{"message":"changed","gdummy":"$2"},{"x":2}]}`, []string{"2 damaged"}},
		{"others between lists", `{"streams":[{"values":[["1","{\"message\":\"dummy\",\"gdummy\":\"$2\"}"],["2","x"],["3","{\"message\":\"dummy\",\"gdummy\":\"$2\"}"]]},{"values":[["2","x"]]}]}`,
			[]string{"2 enriched", "2 enriched", "foreign", "foreign"}},
		{"others, and one damaged", `{"records":[{"x":1},{"message":"dummy,"gdummy":"$2"},{"x":2},{"message":"dummy","gdummy":"$2"},{"x":3}]}`,
			[]string{"foreign", "2 damaged", "foreign", "2 enriched", "foreign"}},
		{"a list within a record", `{"message":"dummy","tags":[{"x":1},{"x":2}],"gdummy":"$2"}`, []string{"2 enriched"}},
		{"a list with nothing but the identity", `{"message":"dummy","meta":[{"gdummy":"$2"},{"x":2}]}`, []string{"2 enriched"}},
		{"a list in a damaged record", `{"message":"dummy","tags":[1,{"x":1},{"x:2}],"gdummy":"$2"}`, []string{"2 damaged"}},
		{"indented, cut", "{\n  \"message\": \"dummy\",\n  \"gdummy\": \"$2\"\n{\n  \"message\": \"dummy\",\n  \"gdummy\": \"$2\"\n}", []string{"2 damaged", "2 intact"}},
		{"indented, cut behind a colon", "{\n  \"gdummy\": \"$2\",\n  \"message\":\n{\n  \"message\": \"dummy\",\n  \"gdummy\": \"$2\"\n}", []string{"2 damaged", "2 intact"}},
		{"indented, cut in a string", "{\n  \"gdummy\": \"$2\",\n  \"message\": \"du\n{\n  \"message\": \"dummy\",\n  \"gdummy\": \"$2\"\n}", []string{"2 damaged", "2 intact"}},
		{"indented, cut before lines", "{\n  \"gdummy\": \"$2\",\n  \"message\":\n{\"message\":\"dummy\",\"gdummy\":\"$2\"}\n{\"message\":\"dummy\",\"gdummy\":\"$2\"}", []string{"2 damaged", "2 intact", "2 intact"}},
		{"indented, cut in a map in a list", "{\n  \"gdummy\": \"$2\",\n  \"l\": [\n    {\n      \"x\": 1,\n{\n  \"message\": \"dummy\",\n  \"gdummy\": \"$2\"\n}", []string{"2 damaged", "2 intact"}},
		{"indented, broken", "{\n  \"message\": \"dummy,\n  \"o\": {\n    \"x\": 1\n  },\n  \"gdummy\": \"$2\"\n}\n{\n  \"message\": \"dummy\",\n  \"gdummy\": \"$2\"\n}", []string{"2 damaged", "2 intact"}},
		{"lines of an object that are not indented", "{\n\"message\":\n\"dummy\",\n\"o\":\n{\n\"x\":1\n},\n\"gdummy\":\"$2\"\n}\n{\"message\":\"dummy\",\"gdummy\":\"$2\"}", []string{"2 enriched", "2 intact"}},
		{"a mark and a space", "\ufeff{\"message\":\"dummy\",\"gdummy\":\"$2\"}  \r\n\r\n", []string{"2 intact"}},
	} {
		text := strings.NewReplacer("$1", id(t, 1, sent), "$2", id(t, 2, `{"message":"dummy"}`)).Replace(c.text)
		for _, text := range []string{text, text + "\n"} {
			got, _ := scan(Options{}, text)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s:\n%s\n%s", c.name, text, d)
			}
		}
	}
}

// GELF over TCP ends a message with a NUL, without a newline. Each message is found as
// soon as it is complete. A NUL elsewhere does not end a line.
func TestNUL(t *testing.T) {
	two := id(t, 2, `{"message":"dummy"}`)
	for _, c := range []struct {
		name, text string
		want       []string
		broken     uint64
	}{
		{"GELF", "{\"version\":\"1.1\",\"short_message\":\"dummy\",\"_o\":{\"a\":1},\"_gdummy\":\"$2\"}\x00{\"_gdummy\":\"$2\",\"m\":{}}\x00", []string{"2 unchecked", "2 damaged"}, 0},
		{"of somebody else", "{\"a\":1}\x00{\"message\":\"dummy\",\"gdummy\":\"$2\"}\x00", []string{"foreign", "2 intact"}, 0},
		{"with newlines", "{\"message\":\"dummy\",\"gdummy\":\"$2\"}\x00\n\x00{\"message\":\"dummy\",\"gdummy\":\"$2\"}\x00\r\n", []string{"2 intact", "2 intact"}, 0},
		{"the last without", "{\"a\":1}\x00{\"message\":\"dummy\",\"gdummy\":\"$2\"}", []string{"foreign", "2 intact"}, 0},
		{"the last cut", "{\"a\":1}\x00{\"message\":\"dummy\",\"gdummy\":\"$2\"", []string{"foreign", "2 damaged"}, 1},
		{"in a string", "{\"message\":\"dum\x00my\",\"gdummy\":\"$2\"}", []string{"2 damaged"}, 0},
	} {
		text := strings.ReplaceAll(c.text, "$2", two)
		got, broken := scan(Options{}, text)
		if d := cmp.Diff(c.want, got); d != "" || broken != c.broken {
			t.Errorf("%s: %d broken\n%s", c.name, broken, d)
		}
		got, broken = scanFrom(Options{}, iotest.OneByteReader(strings.NewReader(text)))
		if d := cmp.Diff(c.want, got); d != "" || broken != c.broken {
			t.Errorf("%s, byte by byte: %d broken\n%s", c.name, broken, d)
		}
	}
	// A message is found before the next byte arrives.
	r, w := io.Pipe()
	read := make(chan State)
	s := New(Options{Take: func(_ recordid.ID, st State, _ int64) { read <- st }})
	done := make(chan error)
	go func() { done <- s.Read(r) }()
	for range 3 {
		if _, err := io.WriteString(w, `{"message":"dummy","gdummy":"`+two+"\"}\x00"); err != nil {
			t.Fatal(err)
		}
		if st := <-read; st != Intact {
			t.Error(st)
		}
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// An identity that is not at Path does not count.
func TestPath(t *testing.T) {
	one, two := id(t, 1, `{"message":"dummy"}`), id(t, 2, `{"message":"dummy"}`)
	const otlp = `{"r":[{"body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"dummy"}},{"key":"gdummy","value":{"stringValue":"$1"}}]}}}]}`
	for _, c := range []struct {
		path, text, want string
	}{
		{"gdummy", `{"message":"dummy","gdummy":"$1"}`, "[1 intact]"},
		{"log.gdummy", `{"log":{"message":"dummy","gdummy":"$1"},"gdummy":"$2"}`, "[1 enriched]"},
		{"log.gdummy", `{"log":"{\"message\":\"dummy\",\"gdummy\":\"$1\"}"}`, "[1 enriched]"},
		{"gdummy", `{"message":"dummy","other":"$1"}`, "[foreign]"},
		{"gdummy", `{"log":{"message":"dummy","gdummy":"$1"}}`, "[foreign]"},
		{"log.k8s.io/gdummy", `{"log":{"message":"dummy","k8s.io/gdummy":"$1"}}`, "[1 enriched]"},
		{"a.b.c.gdummy", `{"a.b":{"c":{"message":"dummy","gdummy":"$1"}}}`, "[1 enriched]"},
		{"a.b.c.gdummy", `{"a":{"b.c.gdummy":"$1","message":"dummy"}}`, "[1 enriched]"},
		{"a.b.gdummy", `{"a":{"xb":{"message":"dummy","gdummy":"$1"}}}`, "[foreign]"},
		{"a.b.gdummy", `{"ab":{"gdummy":"$1"},"b":{"gdummy":"$1"},"b.gdummy":"$1"}`, "[foreign]"},
		{"r.body.gdummy", otlp, "[1 enriched]"},
		{"r.body.kvlistValue.values.value.stringValue", otlp, "[1 unchecked]"},
		{"gdummy", otlp, "[foreign]"},
		{"records.gdummy", `{"records":[{"message":"dummy","gdummy":"$1"},{"message":"dummy","other":"$2"},{"message":"dummy","gdummy":"$2"}]}`, "[1 enriched 2 enriched foreign]"},
	} {
		text := strings.NewReplacer("$1", one, "$2", two).Replace(c.text)
		if got, _ := scan(Options{Path: c.path}, text); fmt.Sprint(got) != c.want {
			t.Errorf("%s in %s: %v, want %s", c.path, c.text, got, c.want)
		}
	}
}

type source struct {
	body, metadata []byte
}

func (s source) RecordsPerTick() uint64 { return 1 }
func (s source) Refresh(uint64)         {}
func (s source) Append(dst []byte, form event.Form, t int64, k uint64) []byte {
	return event.Append(dst, form, t, s.metadata, s.body)
}

func marked(t testing.TB, text string, form event.Form, inMetadata bool, n int) []byte {
	b, err := jsonbody.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m := engine.Mark(source{b[0], event.EmptyMap}, engine.MarkOptions{Run: 42, InMetadata: inMetadata})
	var dst []byte
	for k := range n {
		dst = m.Append(dst, form, 1, uint64(k))
	}
	return dst
}

// Chunks of events in both forms, in pieces of any size, compressed or not.
func TestMsgpack(t *testing.T) {
	for _, form := range []event.Form{event.Legacy, event.V2} {
		for _, meta := range []bool{false, true} {
			data := marked(t, sent, form, meta, 100)
			var gz, zs bytes.Buffer
			z := gzip.NewWriter(&gz)
			z.Write(data[:500])
			z.Close()
			z = gzip.NewWriter(&gz) // a second member, as from the http output
			z.Write(data[500:])
			z.Close()
			e, _ := zstd.NewWriter(&zs)
			e.Write(data)
			e.Close()
			for name, r := range map[string]io.Reader{
				"plain": bytes.NewReader(data), "byte by byte": iotest.OneByteReader(bytes.NewReader(data)),
				"gzip": &gz, "zstd": &zs,
			} {
				n := uint64(0)
				s := New(Options{Take: func(id recordid.ID, s State, _ int64) {
					if s != Intact || id.Seq != n {
						t.Errorf("%v, metadata %v, %s: %d is %v, want %d", form, meta, name, id.Seq, s, n)
					}
					n++
				}})
				if err := s.Read(r); err != nil || n != 100 || s.Broken() > 0 {
					t.Errorf("%v, metadata %v, %s: %v, %d records, %d broken", form, meta, name, err, n, s.Broken())
				}
			}
		}
	}
}

// After a broken event, the scan continues at the next one.
func TestMsgpackDamaged(t *testing.T) {
	data := marked(t, `{"message":"dummy"}`, event.V2, false, 10)
	size := len(data) / 10
	data[3*size+14] = 0xc1 // the header of a name
	got := map[State]int{}
	s := New(Options{Take: func(id recordid.ID, s State, _ int64) { got[s]++ }})
	if err := s.Read(bytes.NewReader(data[:10*size-4])); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[State]int{Intact: 8, Damaged: 1}, got); d != "" || s.Broken() != 2 {
		t.Errorf("%d broken\n%s", s.Broken(), d)
	}
}

// After a broken map, the scan continues at the next record with an identity, however little
// follows. Before, maps without one cannot be distinguished from the remains.
func TestMsgpackBrokenMap(t *testing.T) {
	ours := string(pack(t, `{"message":"dummy","gdummy":"`+id(t, 5, `{"message":"dummy"}`)+`"}`))
	other := string(pack(t, `{"x":1}`))
	const tooLong, invalid = "\x81\xa1a\xdb\x00\x00\x10\x00", "\x81\xa1a\xc1" // a text of 4 KB, and a byte that is never used
	for _, broken := range []string{tooLong, invalid, tooLong + other, invalid + other} {
		for _, between := range []string{"", "\x81\xa1b\x01"} {
			text := ours + broken + between + ours + other + other
			want := []string{"5 intact", "5 intact", "foreign", "foreign"}
			for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
				if got, n := scanFrom(Options{}, r); n != 1 || !slices.Equal(got, want) {
					t.Errorf("%q: %d broken, %q, want 1 and %q", text, n, got, want)
				}
			}
		}
	}
}

// Valid MessagePack that resembles broken input.
func TestMsgpackShapes(t *testing.T) {
	one := id(t, 5, `{"message":"dummy"}`)
	other := msgp.AppendString(msgp.AppendMapHeader(nil, 1), "x")
	for _, c := range []struct {
		name, path string
		value      any // of x, the only member of a map
		want       string
	}{
		{"of somebody else", "", 1, "[foreign foreign]"},
		{"in text", "", "gdummy=" + one, "[5 unchecked 5 unchecked]"},
		{"as bytes", "", []byte(one), "[5 unchecked 5 unchecked]"},
		{"in bytes", "", []byte(`{"message":"dummy","gdummy":"` + one + `"}`), "[5 enriched 5 enriched]"},
		{"in bytes that are not text", "", []byte("\xff" + one), "[5 unchecked 5 unchecked]"},
		{"nested", "", map[string]any{"message": "dummy", "gdummy": one}, "[5 enriched 5 enriched]"},
		{"nested, changed", "", map[string]any{"message": "other", "gdummy": one}, "[5 damaged 5 damaged]"},
		{"nested elsewhere", "gdummy", map[string]any{"message": "dummy", "gdummy": one}, "[foreign foreign]"},
		{"a list", "", []any{map[string]any{"message": "dummy", "gdummy": one}, map[string]any{"a": 1}}, "[5 enriched foreign 5 enriched foreign]"},
	} {
		rec, err := msgp.AppendIntf(bytes.Clone(other), c.value)
		if err != nil {
			t.Fatal(err)
		}
		ev := event.Append(nil, event.V2, 1732300000123456789, event.EmptyMap, rec)
		for _, data := range [][]byte{append(rec, rec...), append(ev, ev...)} {
			got, broken := scan(Options{Path: c.path}, string(data))
			if fmt.Sprint(got) != c.want || broken > 0 {
				t.Errorf("%s: %v, %d broken, want %s", c.name, got, broken, c.want)
			}
		}
	}
}

// Lists of records, as written by other tools.
func TestMsgpackList(t *testing.T) {
	rec := msgp.AppendMapHeader(nil, 2)
	rec = msgp.AppendString(rec, "message")
	rec = msgp.AppendString(rec, "dummy")
	rec = msgp.AppendString(rec, "gdummy")
	rec = msgp.AppendString(rec, id(t, 5, `{"message":"dummy"}`))
	list := append(append([]byte{0x92}, rec...), rec...)
	got, broken := scan(Options{}, string(list))
	if d := cmp.Diff([]string{"5 intact", "5 intact"}, got); d != "" || broken > 0 {
		t.Errorf("%d broken\n%s", broken, d)
	}
}

// A truncated compressed file is scanned up to its end, and causes an error.
func TestCutGzip(t *testing.T) {
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	z.Write(marked(t, sent, event.V2, false, 100))
	z.Close()
	n := 0
	s := New(Options{Take: func(id recordid.ID, s State, _ int64) { n++ }})
	if err := s.Read(bytes.NewReader(gz.Bytes()[:gz.Len()-100])); err == nil || n == 0 {
		t.Errorf("%v, %d records", err, n)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"message":"dummy","gdummy":"` + id(f, 1, `{"message":"dummy"}`) + `"}`))
	f.Add([]byte(`x: [1.5, {"a":"{\"gdummy\":\"` + id(f, 1, `{}`) + `\"}"}]`))
	f.Add(marked(f, sent, event.V2, true, 2))
	f.Add(marked(f, sent, event.Legacy, false, 2))
	f.Add([]byte("[0] x: [1, {\"a\"=>1}]\n{\n\"a\":1e5}\n[[1,{}],{}]"))
	one := id(f, 1, `{"message":"dummy"}`)
	f.Add([]byte(`{"records":[{"message":"dummy","gdummy":"` + one + `"},{"a":1},{"message":"dummy,"gdummy":"` + one + `"},{"message":"dummy","gdummy":"` + one + `"}]}`))
	f.Add([]byte(`[0] x: [[1.5, {}], {"message"=>"dummy", "l"=>[1, -0.500000, nil], "gdummy"=>"` + one + `"}]`))
	f.Add([]byte(`{"resourceLogs":[{"logRecords":[{"attributes":[{"key":"a","value":{"intValue":"1"}}],"body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{},{"bytesValue":"AA=="}]}}},{"key":"gdummy","value":{"stringValue":"` + one + `"}}]}}}]}]}`))
	f.Add([]byte("{\n  \"message\": \"dummy\",\n  \"gdummy\": \"" + one + "\"\n{\n  \"a\": [\n    {}\n  ]\n}\n2026-11-26T12:00:00Z stdout F {\"a\":\"" + one + "\"}\n"))
	broken := marked(f, sent, event.V2, false, 3)
	broken[20] ^= 0x90
	f.Add(broken)
	f.Add(broken[14:])
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(Options{Take: func(recordid.ID, State, int64) {}})
		s.Read(bytes.NewReader(data))
		s.Text(data)
		s.Msgpack(data)
	})
}

func BenchmarkScan(b *testing.B) {
	var pack, text []byte
	const n = 1000
	pack = marked(b, `{"message":"dummy"}`, event.V2, false, n)
	for k := range uint64(n) {
		text = append(text, `{"date":1732300000.123456,"message":"dummy","gdummy":"`+id(b, k, `{"message":"dummy"}`)+"\"}\n"...)
	}
	for _, c := range []struct {
		name string
		data []byte
	}{{"msgpack", pack}, {"json_lines", text}} {
		b.Run(c.name, func(b *testing.B) {
			got := 0
			s := New(Options{Take: func(_ recordid.ID, s State, _ int64) {
				if s == Intact {
					got++
				}
			}})
			b.ReportAllocs()
			for range b.N {
				s.Read(bytes.NewReader(c.data))
			}
			if got != n*b.N {
				b.Fatal(got)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rec/s")
		})
	}
}
