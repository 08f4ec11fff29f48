// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/ugorji/go/codec"
	"github.com/valyala/fastjson"

	"github.com/gdummy/gdummy/internal/generate/format"
)

// What `gdummy run --format json` writes is read through a pipe by two readers of
// JSON, neither of which gdummy itself uses, and equals the MessagePack
// of --format msgpack does to a third.
func TestJSONForOthers(t *testing.T) {
	for _, f := range format.All() {
		t.Run("format/"+f.Name, func(t *testing.T) { bothForms(t, 300, "format="+f.Name) })
	}

	table, err := os.ReadFile("../internal/generate/template/testdata/templates.txt")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "users.csv"), []byte("name,email,age:int\nAda Lovelace,ada@example.org,36\nGrace Hopper,grace@example.org,85\nAlan Turing,alan@example.org,41\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	tried := 0
	for i, c := range strings.Split(strings.TrimPrefix(string(table), "===\n"), "\n===\n") {
		given, want, _ := strings.Cut(c, "\n---\n")
		if rest, ok := strings.CutPrefix(given, "# "); ok {
			_, given, _ = strings.Cut(rest, "\n")
		}
		if strings.HasPrefix(want, "ERROR") {
			continue
		}
		tried++
		t.Run(fmt.Sprintf("template/%d", i), func(t *testing.T) { bothForms(t, 5, "template="+given) })
	}
	if tried < 80 {
		t.Errorf("%d templates were tried", tried)
	}

	for _, tt := range []struct{ name, template string }{
		{"quotes and backslashes", `{"a\"b\\": "{{ "c\"d\\e" }}", "{{ "\\\"" }}": "\/"}`},
		{"controls", `{"a": {{ "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f" }}, "b": "\u0000\u001f\u007f"}`},
		{"what JavaScript takes for line ends", `{"a": "\u2028\u2029", "b": {{ "\u2028" }}}`},
		{"the ends of planes", `{"a": "\ud7ff\ue000\uffff\ud800\udc00\udbff\udfff", "b": {{ "\U0010ffff" }}, "😀": "日本語 größer"}`},
		{"half a pair", `{"a": "\ud800x", "b": "\udc00"}`},
		{"bytes that are not UTF-8", `{"a": {{ "\xff\xfe\xc0\x80" }}, "b": "{{ trunc 1 "é" }}"}`},
		{"whole numbers", `{"a": 0, "b": -0, "c": 9223372036854775807, "d": -9223372036854775808, "e": 18446744073709551615, "f": 9007199254740993, "g": {{ int -9223372036854775808 9223372036854775807 }}}`},
		{"doubles", `{"a": 0.1, "b": -0.0, "c": 1e308, "d": 5e-324, "e": 1.7976931348623157e308, "f": 123456789.123456789, "g": 1e21, "h": 1e-7, "i": {{ normal 0 1e300 }}, "j": {{ lognormal 0 50 }}}`},
		{"not a number", `{{ $n := mul 0 seq }}{"a": {{ div 1 $n }}, "b": {{ div 1.0 $n }}, "c": {{ mul 1e308 1e308 }}, "d": "{{ div 1.0 $n }}"}`},
		{"members of one name", `{"a": 1, "b": 2, "a": {"c": 1, "c": 2}}`},
		{"a member called date", `{"date": "mine", "__internal__": 1}`},
		{"empty names and values", `{"": "", "a": {"": {}}, "b": [], "c": [[], {}, [{}]]}`},
		{"JSON within JSON within JSON", `{"a": {{ json (dict "b" (json (dict "c" "\"\n\\"))) }}, "d": "{{ json (list 1 "x" 2.5) }}"}`},
		{"nested as deep as may be", `{"a": ` + strings.Repeat(`[`, 15) + `1` + strings.Repeat(`]`, 15) + `}`},
		{"many members", `{ {{ range $i := 300 }}"k{{ $i }}": {{ $i }},{{ end }} "z": [{{ range 70000 | min 9000 }}{{ . }},{{ end }}]}`},
		{"a long string", `{"a": "{{ range 7000 }}0123456789{{ end }}", "b": {{ bytes 300 }}}`},
	} {
		t.Run("nasty/"+tt.name, func(t *testing.T) { bothForms(t, 20, "template="+tt.template) })
	}
}

// gdummy is the command, built for these tests.
var gdummy string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gdummy-conformance-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	gdummy = filepath.Join(dir, "gdummy")
	cmd := exec.Command("go", "build", "-C", "..", "-o", gdummy, "./cmd/gdummy")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %v\n%s", cmd, err, out)
		return 1
	}
	return m.Run()
}

// piped returns what the command writes to a pipe.
func piped(t *testing.T, args []string) []byte {
	t.Helper()
	cmd := exec.Command(gdummy, append([]string{"run"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.Bytes())
	}
	return out
}

// bothForms runs the command twice, with each form of output.
func bothForms(t *testing.T, records int, options ...string) {
	t.Helper()
	const at = 1700000000
	args := []string{"-records", strconv.Itoa(records), "-p", "rate=unlimited", "-p", "seed=1", "-p", "fixed_timestamp=on", "-p", fmt.Sprint("start_time_sec=", at)}
	for _, o := range options {
		args = append(args, "-p", o)
	}
	events := decodeEvents(t, piped(t, append(args, "-format", "msgpack")))
	if len(events) != records {
		t.Fatalf("%d records in MessagePack, want %d", len(events), records)
	}
	lines := bufio.NewReader(bytes.NewReader(piped(t, append(args, "-format", "json"))))
	for i, ev := range events {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatalf("after %d lines: %v", i, err)
		}
		want := ev.body
		if _, ok := want["date"]; !ok {
			want["date"] = float(at)
		}
		if _, ok := want["__internal__"]; !ok && len(ev.metadata) > 0 {
			want["__internal__"] = map[string]any{"log_metadata": ev.metadata}
		}
		v, err := fastjson.ParseBytes(line)
		if err != nil {
			t.Fatalf("line %d: %v in %s", i, err, line)
		}
		if got := read(v); !reflect.DeepEqual(got, any(want)) {
			t.Fatalf("line %d is %s\nread as %v\nwant    %v", i, line, got, want)
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var other map[string]any
		if err := d.Decode(&other); err != nil || !reflect.DeepEqual(any(other), read(v)) {
			t.Fatalf("line %d is %s\nread as %v\nand as  %v (%v)", i, line, read(v), other, err)
		}
	}
	if rest, _ := io.ReadAll(lines); len(rest) > 0 {
		t.Errorf("more lines than records: %s", rest)
	}
}

// read is what a reader of JSON makes of a value, with numbers as they are
// written.
func read(v *fastjson.Value) any {
	switch v.Type() {
	case fastjson.TypeObject:
		m := map[string]any{}
		v.GetObject().Visit(func(key []byte, x *fastjson.Value) { m[string(key)] = read(x) })
		return m
	case fastjson.TypeArray:
		a := []any{}
		for _, x := range v.GetArray() {
			a = append(a, read(x))
		}
		return a
	case fastjson.TypeString:
		return string(v.GetStringBytes())
	case fastjson.TypeNumber:
		return json.Number(v.String())
	case fastjson.TypeNull:
		return nil
	}
	return v.GetBool()
}

// recorded is what is expected of a record.
type recorded struct{ metadata, body map[string]any }

// decodeEvents reads events with a reader of MessagePack that gdummy does not
// use, and returns each value as JSON should represent it.
func decodeEvents(t *testing.T, b []byte) []recorded {
	t.Helper()
	var h codec.MsgpackHandle
	h.RawToString = true
	h.MapType = reflect.TypeOf(map[string]any(nil))
	h.MapValueReset, h.InterfaceReset = true, true // of members with one name the last counts
	if err := h.SetBytesExt(reflect.TypeOf(stamp{}), 0, stampExt{}); err != nil {
		t.Fatal(err)
	}
	var events []recorded
	for d := codec.NewDecoderBytes(b, &h); d.NumBytesRead() < len(b); {
		var ev []any
		err := d.Decode(&ev)
		if err != nil || len(ev) != 2 {
			t.Fatalf("event %d is %v (%v)", len(events), ev, err)
		}
		head, _ := ev[0].([]any)
		if len(head) != 2 {
			t.Fatalf("the head of event %d is %v", len(events), ev[0])
		}
		metadata, _ := head[1].(map[string]any)
		body, ok := ev[1].(map[string]any)
		if !ok {
			t.Fatalf("the body of event %d is %v", len(events), ev[1])
		}
		events = append(events, recorded{expected(metadata).(map[string]any), expected(body).(map[string]any)})
	}
	return events
}

// stamp is the time of an event.
type stamp struct{ sec, nsec uint32 }

type stampExt struct{}

func (stampExt) WriteExt(any) []byte { return nil }
func (stampExt) ReadExt(dst any, b []byte) {
	*dst.(*stamp) = stamp{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// expected is a value of MessagePack as it is to be read from JSON: Fluent Bit
// writes doubles with 16 digits, and bytes that are not UTF-8 as U+FFFD.
func expected(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			m[strings.ToValidUTF8(k, "\ufffd")] = expected(x)
		}
		return m
	case []any:
		a := []any{}
		for _, x := range v {
			a = append(a, expected(x))
		}
		return a
	case string:
		return string([]rune(v))
	case int64, uint64:
		return json.Number(fmt.Sprint(v))
	case float64:
		return float(v)
	}
	return v
}

func float(f float64) json.Number {
	if f == float64(int64(f)) {
		return json.Number(fmt.Sprintf("%.1f", f))
	}
	return json.Number(fmt.Sprintf("%.16g", f))
}
