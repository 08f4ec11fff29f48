// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/testenv"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes of both forms are those of Fluent Bit.
func TestAppend(t *testing.T) {
	body, metadata := []byte{0x81, 0xa1, 'a', 1}, []byte{0x81, 0xa1, 'm', 2}
	for _, c := range []struct {
		form Form
		t    int64
		want string
		why  string
	}{
		{Legacy, 0, "92 d700 00000000 00000000 81a16101", "the epoch"},
		{V2, 0, "92 92 d700 00000000 00000000 81a16d02 81a16101", "with metadata"},
		{V2, 1_700_000_000_123_456_789, "92 92 d700 6553f100 075bcd15 81a16d02 81a16101", "seconds and nanoseconds"},
		{V2, int64(1<<31) * 1e9, "92 92 d700 80000000 00000000 81a16d02 81a16101", "after 2038: seconds are unsigned"},
		{V2, MaxTime, "92 92 d700 ffffffff 3b9ac9ff 81a16d02 81a16101", "the last moment there is"},
	} {
		want := unhex(t, c.want)
		got := Append([]byte("x"), c.form, c.t, metadata, body)
		if !bytes.Equal(got[1:], want) || got[0] != 'x' {
			t.Errorf("%s: % x, expected % x", c.why, got[1:], want)
		}
		size := len(body) + Overhead(c.form)
		if c.form == V2 {
			size += len(metadata)
		}
		if len(want) != size {
			t.Errorf("%s: %d bytes, Overhead says %d", c.why, len(want), size)
		}
		ev, rest, err := Decode(append(want, 0xc0))
		if err != nil || len(rest) != 1 {
			t.Errorf("%s: %v, %d bytes left", c.why, err, len(rest))
			continue
		}
		wantMeta := metadata
		if c.form == Legacy {
			wantMeta = EmptyMap
		}
		if ev.Time != c.t || !bytes.Equal(ev.Body, body) || !bytes.Equal(ev.Metadata, wantMeta) {
			t.Errorf("%s: decoded to %+v", c.why, ev)
		}
		if n, err := Size(append(want, want...)); err != nil || n != len(want) {
			t.Errorf("%s: its size is %d, %v", c.why, n, err)
		}
	}
	if Legacy.String() != "legacy" || V2.String() != "v2" || Form(0).String() != "unknown" {
		t.Error("the names of forms")
	}
}

// SetTimes writes the same times as Append, also across the end of a second.
func TestSetTimes(t *testing.T) {
	body, metadata := []byte{0x81, 0xa1, 'a', 1}, []byte{0x81, 0xa1, 'm', 2}
	for _, f := range []Form{Legacy, V2} {
		for _, c := range []struct{ t, step int64 }{
			{1_700_000_000_999_999_998, 1}, {0, 1}, {5, 0}, {7, 999_999_999}, {MaxTime - 4, 1},
		} {
			var got, want []byte
			for i := range int64(5) {
				got = Append(got, f, 1, metadata, body)
				want = Append(want, f, c.t+i*c.step, metadata, body)
			}
			SetTimes(got, f, len(got)/5, c.t, c.step)
			if !bytes.Equal(got, want) {
				t.Errorf("%v, %d in steps of %d: % x, expected % x", f, c.t, c.step, got, want)
			}
			SetTime(got, f, MaxTime)
			copy(want, Append(nil, f, MaxTime, metadata, body))
			if !bytes.Equal(got, want) {
				t.Errorf("%v, the first time anew: % x, expected % x", f, got, want)
			}
		}
	}
}

// Appending is a hot path and does not allocate.
func TestAppendAllocations(t *testing.T) {
	buf := make([]byte, 0, 1024)
	if n := testenv.AllocsPerRun(100, func() { buf = Append(buf[:0], V2, 1, EmptyMap, EmptyMap) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	ev := Event{Time: 1, Metadata: EmptyMap, Body: unhex(t, "82 a161 a178 a162 cb3ff8000000000000")}
	if n := testenv.AllocsPerRun(100, func() { buf, _ = AppendText(buf[:0], 1, "tag", ev) }); n > 0 {
		t.Errorf("%v allocations for text", n)
	}
	if n := testenv.AllocsPerRun(100, func() { buf, _ = AppendJSON(buf[:0], ev) }); n > 0 {
		t.Errorf("%v allocations for JSON", n)
	}
}

// Times in the forms of other writers, and invalid events.
func TestDecodeForeign(t *testing.T) {
	for in, want := range map[string]int64{
		"92 05 80":                           5e9,
		"92 ce6553f100 80":                   1_700_000_000e9,
		"92 cb3ff8000000000000 80":           1.5e9,
		"92 92 d700 00000001 00000002 80 80": 1e9 + 2,
	} {
		ev, rest, err := Decode(unhex(t, in))
		if err != nil || ev.Time != want || len(rest) > 0 {
			t.Errorf("%s: %v, %v", in, ev.Time, err)
		}
	}
	for in, want := range map[string]string{
		"":                                "event: the bytes end within an event",
		"92":                              "event: the bytes end within an event",
		"92 d700 0000":                    "event: the byte 0xd7 does not begin a time",
		"92 05 81":                        "event: the bytes end within an event",
		"93 05 80 80":                     "event: an array of 3, expected one of 2",
		"92 93 05 80 80 80":               "event: time and metadata are an array of 3, expected one of 2",
		"92 a178 80":                      "event: the byte 0xa1 does not begin a time",
		"92 05 05":                        "event: the body is a int, expected a map",
		"92 92 05 c0 80":                  "event: the metadata is a nil, expected a map",
		"92 d701 00000000 00000000 80":    "event: the byte 0xd7 does not begin a time",
		"92 92 d700 00000000 00000000 80": "event: the bytes end within an event",
	} {
		if _, _, err := Decode(unhex(t, in)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, expected %s", in, err, want)
		}
	}
	if _, _, err := Decode([]byte{0x80}); err == nil {
		t.Error("Decode succeeded for a map")
	}
}

// prints lists bodies and their output in Fluent Bit 5.1.1, with which it was compared.
var prints = []struct{ body, text, json, why string }{
	{"80", `{}`, `"date":1.5`, "the smallest body"},
	{"81 a16e c0", `{"n"=>nil}`, `"date":1.5,"n":null`, "nil has two names"},
	{"82 a174 c3 a166 c2", `{"t"=>true, "f"=>false}`, `"date":1.5,"t":true,"f":false`, "booleans"},
	{"81 a161 93 01 90 80", `{"a"=>[1, [], {}]}`, `"date":1.5,"a":[1,[],{}]`, "nested values"},
	{"82 a16e cfffffffffffffffff a16d d38000000000000000", `{"n"=>18446744073709551615, "m"=>-9223372036854775808}`, `"date":1.5,"n":18446744073709551615,"m":-9223372036854775808`, "the largest and the smallest integer"},
	{"81 a16e cb3fb999999999999a", `{"n"=>0.100000}`, `"date":1.5,"n":0.1`, "a double"},
	{"81 a16e cb4000000000000000", `{"n"=>2.000000}`, `"date":1.5,"n":2.0`, "a whole one"},
	{"81 a16e cb8000000000000000", `{"n"=>-0.000000}`, `"date":1.5,"n":-0.0`, "minus zero"},
	{"81 a16e cb3eb4b3fd5942cd96", `{"n"=>0.000001}`, `"date":1.5,"n":1.234e-06`, "a small one has an exponent in JSON"},
	{"81 a16e cb43f0000000000000", `{"n"=>18446744073709551616.000000}`, `"date":1.5,"n":1.844674407370955e+19`, "so has a large one"},
	{"81 a16e ca3fc00000", `{"n"=>1.500000}`, `"date":1.5,"n":1.5`, "four bytes"},
	{"81 a16e cb7ff0000000000000", `{"n"=>inf}`, `"date":1.5,"n":inf`, "infinity, which JSON does not know"},
	{"81 a173 a6 09 22 5c 0a 2f 7f", "{\"s\"=>\"\t\"\\\n/\x7f\"}", `"date":1.5,"s":"\t\"\\\n/\u007f"`, "text is printed as it is, and escaped in JSON"},
	{"81 a173 a6 08 0c 0d 00 1f 20", "{\"s\"=>\"\b\f\r\x00\x1f \"}", `"date":1.5,"s":"\b\f\r\u0000\u001f "`, "the other escapes"},
	{"81 a173 a9 c3a9 e697a5 f09f9880", `{"s"=>"é日😀"}`, `"date":1.5,"s":"\u00e9\u65e5\ud83d\ude00"`, "outside of ASCII"},
	{"81 a173 c403 22 00 41", `{"s"=>"\"\x00A"}`, `"date":1.5,"s":"\"\u0000A"`, "binary"},
	{"81 a178 d701 4142434445464700", `{"x"=>(ext: 1)"ABCDEFG\x00"}`, `"date":1.5,"x":"\u0041\u0042\u0043\u0044\u0045\u0046\u0047\u0000"`, "an extension"},
	{"83 a161 01 a162 02 a161 03", `{"a"=>1, "b"=>2, "a"=>3}`, `"date":1.5,"b":2,"a":3`, "of the same name, JSON keeps the last"},
	{"82 a161 01 a464617465 02", `{"a"=>1, "date"=>2}`, `"a":1,"date":2`, "a date of the body's own"},
	{"81 01 02", `{1=>2}`, `"date":1.5,1:2`, "a name that is not text"},
}

func TestPrint(t *testing.T) {
	for _, c := range prints {
		ev := Event{Time: 1.5e9, Metadata: EmptyMap, Body: unhex(t, c.body)}
		got, err := AppendText([]byte("x"), 7, "a.b", ev)
		if want := "x[7] a.b: [[1.500000000, {}], " + c.text + "]\n"; err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; expected %s", c.why, got, err, want)
		}
		got, err = AppendJSON([]byte("x"), ev)
		if want := "x{" + c.json + "}\n"; err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; expected %s", c.why, got, err, want)
		}
	}
	meta := Event{Time: MaxTime, Metadata: unhex(t, "81 a16d 01"), Body: unhex(t, "81 a161 01")}
	if got, _ := AppendText(nil, math.MaxUint64, "t", meta); string(got) != "[18446744073709551615] t: [[4294967295.999999999, {\"m\"=>1}], {\"a\"=>1}]\n" {
		t.Errorf("%s", got)
	}
	if got, _ := AppendJSON(nil, meta); string(got) != "{\"date\":4294967296.0,\"__internal__\":{\"log_metadata\":{\"m\":1}},\"a\":1}\n" {
		t.Errorf("%s", got)
	}
}

// Large maps have the same result as small ones.
func TestPrintLargeMap(t *testing.T) {
	const n = 1000
	b := msgp.AppendMapHeader(nil, 2*n)
	want := "{\"date\":0.0"
	for i := range n {
		b = msgp.AppendInt(msgp.AppendString(b, strconv.Itoa(i)), -1)
	}
	for i := range n {
		b = msgp.AppendInt(msgp.AppendString(b, strconv.Itoa(i)), i)
		want += fmt.Sprintf(",\"%d\":%d", i, i)
	}
	got, err := AppendJSON(nil, Event{Metadata: EmptyMap, Body: b})
	if err != nil || string(got) != want+"}\n" {
		t.Errorf("%s, %v", got, err)
	}
}

// Deep nesting and truncated bytes are errors, never a panic.
func TestPrintMalformed(t *testing.T) {
	deep := append(bytes.Repeat([]byte{0x81, 0xa1, 'a'}, 1000), 0x80)
	for name, b := range map[string][]byte{
		"deep": deep, "empty": {}, "cut map": {0x81}, "cut name": {0x81, 0xa5, 'a'}, "cut value": {0x81, 0xa1, 'a', 0xcb, 0},
		"never used": {0x81, 0xa1, 'a', 0xc1}, "cut extension": {0x81, 0xa1, 'a', 0xd7}, "cut long extension": {0x81, 0xa1, 'a', 0xc9, 0, 0},
	} {
		ev := Event{Metadata: EmptyMap, Body: b}
		if out, err := AppendText(nil, 0, "t", ev); err == nil {
			t.Errorf("%s: got %s, want an error", name, out)
		}
		if out, err := AppendJSON(nil, ev); err == nil {
			t.Errorf("%s: got %s, want an error", name, out)
		}
	}
}

// Decode takes any bytes; what it accepts has the size that Size returns, and is
// printed or refused.
func FuzzDecode(f *testing.F) {
	for _, c := range prints {
		f.Add(Append(nil, V2, 1.5e9, EmptyMap, unhex(f, c.body)))
		f.Add(Append(nil, Legacy, 1.5e9, nil, unhex(f, c.body)))
	}
	f.Add(msgp.AppendTime(nil, time.Unix(0, 0)))
	f.Fuzz(func(t *testing.T, b []byte) {
		ev, rest, err := Decode(b)
		if err != nil {
			return
		}
		n, err := Size(b)
		if err != nil || n != len(b)-len(rest) {
			t.Fatalf("Size is %d, %v; Decode took %d", n, err, len(b)-len(rest))
		}
		if out, err := AppendText(nil, 0, "t", ev); err == nil && out[len(out)-1] != '\n' {
			t.Fatalf("%q", out)
		}
		if out, err := AppendJSON(nil, ev); err == nil && out[len(out)-1] != '\n' {
			t.Fatalf("%q", out)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	body := unhex(b, "81 a7 6d657373616765 a5 64756d6d79")
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = Append(buf[:0], V2, 1_700_000_000_123_456_789, EmptyMap, body)
	}
}

func BenchmarkAppendText(b *testing.B) {
	ev := Event{Time: 1_700_000_000_123_456_789, Metadata: EmptyMap, Body: unhex(b, "81 a7 6d657373616765 a5 64756d6d79")}
	buf := make([]byte, 0, 256)
	for b.Loop() {
		buf, _ = AppendText(buf[:0], 1, "gdummy.0", ev)
	}
}
