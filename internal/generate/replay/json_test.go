// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/testenv"
)

// jsonLines are lines that the scanner must convert itself, and what they have in
// particular.
var jsonLines = []string{
	`{}`, ` { } `, "\t{\"a\" : 1 , \"b\":[ ] }\r",
	`{"a":null,"b":true,"c":false,"d":[1,[2,{}],"x"],"e":{"f":{"g":[]}}}`,
	`{"":"","a":"","a":"twice"}`,
	`{"escapes":"\"\\\/\b\f\n\r\t\u00e4\u20ac\ud83d\ude00 and more","\u006b\u0065y":"12345678\""}`,
	`{"bytes":"` + "\xff\xfe\x80 \xc3\xa4" + `"}`,
	`{"n":[0,-0,1,-1,127,128,-32,-33,255,256,65535,65536,-128,-129,4294967295,4294967296,-2147483648,-2147483649,9999999999999999999,-9223372036854775808]}`,
	`{"f":[0.0,-0.0,0.1,1.5e3,1E5,1e-7,123456789012345.6,0.30000000000000004,1.7976931348623157e308,5e-324,9007199254740993.0,1e22,1e23,1e-22,1e-23,0e0,12345678901234567890.5]}`,
	`{"long":"` + strings.Repeat("x", 31) + `","longer":"` + strings.Repeat("y", 300) + `","longest":"` + strings.Repeat("z", 70_000) + `"}`,
	`{"array":[` + strings.Repeat("1,", 15) + `1],"more":[` + strings.Repeat("1,", 69_999) + `1]}`,
	`{` + strings.Repeat(`"k":1,`, 15) + `"k":1}`, `{` + strings.Repeat(`"k":"v",`, 69_999) + `"k":1}`,
	strings.Repeat(`{"a":`, 31) + `1` + strings.Repeat(`}`, 31),
}

// rareLines are what the scanner leaves to package jsonbody.
var rareLines = []string{
	``, ` `, `x`, `[]`, `1`, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":1}{}`, `{"a":1} x`, `{"a":"`, `{"a":"\`, `{"a":"\x"}`,
	`{"a":"\u12"}`, `{"a":"\ud83d"}`, `{"a":"\ud83d\ud83d"}`, `{"a":"\ude00\ud83d"}`, "{\"a\":\"\t\"}", "{\"a\":\"\x00\"}", `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":-}`,
	`{"a":1e}`, `{"a":1e+}`, `{"a":1e999}`, `{"a":1e100000}`, `{"a":18446744073709551615}`, `{"a":18446744073709551616}`, `{"a":-9223372036854775809}`,
	`{"a":tru}`, `{"a":nulL}`, `{"a":t`, `{"a":[1,]}`, `{"a":[}`, `{a:1}`, `{"a":+1}`, strings.Repeat(`{"a":`, 32) + `1` + strings.Repeat(`}`, 32),
	`{"a":` + strings.Repeat(`[`, 31) + strings.Repeat(`]`, 31) + `}`,
}

// The scanner has the same result as package jsonbody, or none.
func TestScanner(t *testing.T) {
	var s scanner
	for _, line := range jsonLines {
		got, ok := s.object([]byte("before"), []byte(line+"\n"))
		want, err := jsonbody.Parse(line)
		if err != nil {
			t.Fatalf("%.80q: %v", line, err)
		}
		if !ok || !bytes.Equal(got[len("before"):], want[0]) {
			t.Errorf("%.80q: % x, %v; want % x", line, got[len("before"):], ok, want[0])
		}
	}
	for _, line := range rareLines {
		if got, ok := s.object(nil, []byte(line+"\n")); ok {
			t.Errorf("%.80q: % x, want nothing", line, got)
		}
	}
}

// What the scanner converts is what package jsonbody makes of it.
func FuzzScanner(f *testing.F) {
	for _, line := range append(jsonLines, rareLines...) {
		f.Add(line)
	}
	var s scanner
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "\n") {
			return
		}
		got, ok := s.object(nil, []byte(line+"\n"))
		if !ok {
			return
		}
		want, err := jsonbody.Parse(line)
		if err != nil || len(want) != 1 || !bytes.Equal(got, want[0]) {
			t.Fatalf("%q: % x; want % x, %v", line, got, want, err)
		}
	})
}

// logLine is a line of 380 bytes, as services write it.
const logLine = `{"timestamp":"2026-11-28T22:13:42.123456Z","level":"info","logger":"http.server","msg":"request handled","method":"GET",` +
	`"path":"/api/v1/orders/8812731/items?page=2&sort=asc","status":200,"bytes":18231,"duration_ms":12.75,"remote":"203.0.113.77",` +
	`"user_agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","retry":false}`

// The scanner allocates nothing.
func TestScannerAllocates(t *testing.T) {
	var s scanner
	line, dst := []byte(strings.Replace(logLine, "request", `re\"quest 0.1234567890123456789`, 1)+"\n"), make([]byte, 0, 1000)
	if n := testenv.AllocsPerRun(100, func() {
		if _, ok := s.object(dst, line); !ok {
			t.Fatal("the line was not converted")
		}
	}); n > 0 {
		t.Errorf("%v allocations a line, want none", n)
	}
}

func BenchmarkScanner(b *testing.B) {
	var s scanner
	line, dst := []byte(logLine+"\n"), make([]byte, 0, 1000)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, ok := s.object(dst, line); !ok {
			b.Fatal("the line was not converted")
		}
	}
}
