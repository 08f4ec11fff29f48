// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// All supported forms of times are parsed, and other text is not.
func TestTime(t *testing.T) {
	const want = 1732300000_123000000
	for _, text := range []string{
		"1732300000.123", "1732300000123", "1732300000123000", "1732300000123000000", "1.732300000123e9", "1732300000123.0",
		"2024-11-22T18:26:40.123Z", "2024-11-22T19:26:40.123+01:00", "2024-11-22 18:26:40.123", "2024-11-22T18:26:40.123", "2024-11-22T18:26:40.123+0000",
	} {
		if got := Time([]byte(text)); got < want-1000 || got > want+1000 {
			t.Errorf("%s: %d, want %d", text, got, int64(want))
		}
	}
	for _, text := range []string{"", "x", "0", "12345", "-1732300000", "1e300", "NaN", "2024-13-01T00:00:00Z", "0001-01-01T00:00:00Z", "99999999999999999999", "1732300000.", strings.Repeat("1", 50)} {
		if got := Time([]byte(text)); got != 0 && text != "1732300000." {
			t.Errorf("%q: got %v, want none", text, time.Unix(0, got))
		}
	}
}

// The arrival time is found at its path, in JSON and in MessagePack, and counts for its
// record only.
func TestArrival(t *testing.T) {
	one := id(t, 1, `{"message":"dummy"}`)
	pack := msgp.AppendMapHeader(nil, 3)
	pack = msgp.AppendString(pack, "message")
	pack = msgp.AppendString(pack, "dummy")
	pack = msgp.AppendString(pack, "at")
	stamp := append(append([]byte{}, pack...), 0xd7, 0, 0x67, 0x40, 0xcc, 0x20, 0, 0, 0, 5)
	pack = msgp.AppendInt64(pack, 1732300000123)
	for _, b := range []*[]byte{&pack, &stamp} {
		*b = msgp.AppendString(msgp.AppendString(*b, "gdummy"), one)
	}
	for _, c := range []struct {
		path, text string
		want       []int64
	}{
		{"at", `{"message":"dummy","at":1732300000.5,"gdummy":"$1"}` + "\n" + `{"message":"dummy","gdummy":"$1"}`, []int64{1732300000500000000, 0}},
		{"at", `{"at":"2024-11-22T18:26:40Z","message":"dummy","gdummy":"$1"}`, []int64{1732300000000000000}},
		{"at", `{"x":{"at":1732300000},"message":"dummy","gdummy":"$1"}`, []int64{0}},
		{"event.ingested", `{"event":{"ingested":1732300000},"message":"dummy","gdummy":"$1"}`, []int64{1732300000000000000}},
		{"log.at", `{"log":"{\"at\":1732300000,\"message\":\"dummy\",\"gdummy\":\"$1\"}"}`, []int64{1732300000000000000}},
		{"at", `{"at":true,"message":"dummy","gdummy":"$1"}`, []int64{0}},
		{"at", string(pack), []int64{1732300000123000000}},
		{"at", string(stamp), []int64{0x6740cc20*1e9 + 5}},
	} {
		var got []int64
		s := New(Options{Arrival: c.path, Take: func(_ recordid.ID, _ State, at int64) { got = append(got, at) }})
		if err := s.Read(strings.NewReader(strings.ReplaceAll(c.text, "$1", one))); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(c.want) || got[0] != c.want[0] || got[len(got)-1] != c.want[len(c.want)-1] {
			t.Errorf("%s in %s: %d, want %d", c.path, c.text, got, c.want)
		}
	}
}

// Input that is broken repeatedly is parsed in linear time.
func TestBrokenIsLinear(t *testing.T) {
	n := 1 << 18
	if testenv.Instrumented() {
		n = 1 << 13
	}
	one := id(t, 1, "{}")
	all := time.Duration(0)
	for _, text := range []string{
		strings.Repeat(`{"a":[{}`, n), strings.Repeat(`{"a":"},{",`, n), strings.Repeat("[", 4*n), strings.Repeat(`{"a":`, n),
		strings.Repeat("[[1,", n), "[" + strings.Repeat("[1,[", n), strings.Repeat("gd1.", n),
		strings.Repeat("\x92\xd7\x00", n), "\x91" + strings.Repeat("\x92\xd7\x00aaaabbbb\xdc\xff\xff", n), strings.Repeat("\x93\xc1", n),
		strings.Repeat("\x81", n) + one, strings.Repeat("\x81\xa1a", 1000) + strings.Repeat("\x81\xa1a\xd9\x37"+one, 5000), strings.Repeat("\x80", 4*n),
		strings.Repeat("\xde\xff\xff", n) + one, strings.Repeat("\xd9\x37"+one, 10000), strings.Repeat("\x92\xd7\x00aaaa\x00\x00\x00\x00\xdb\x00\x0f\xff\xff", n),
		"\x81\xa1a\xdb\x00\xff\xff\xff" + strings.Repeat("\x92\xd7\x00aaaa\x00\x00\x00\x00\xc1", n), strings.Repeat("\x81\xa1a\xd9\xff"+one, 20000),
		`{"records":[` + strings.Repeat(`{"a":[{}]},`, n) + "x", `{"records":[` + strings.Repeat(`{"a":[{"gdummy":"`+one+`"},{}],"b":"},`, 20000),
		"{" + strings.Repeat(`"a":[{"gdummy":"`+one+`"},{}],`, 20000) + `"b":1}`, "{" + strings.Repeat(`"`+strings.Repeat(".", 100)+`":"`+one+`",`, 10000) + `"b":1}`,
		"x " + strings.Repeat("{", n) + one, "x " + strings.Repeat(`{"a":`, n) + one, "x " + strings.Repeat(`{"a":"`+one+`",`, 20000), "x " + strings.Repeat(one, 20000),
		"{\n" + strings.Repeat("\"a\":[\n", n), strings.Repeat("{\n", n), strings.Repeat("{\n x\n", n), "{\n" + strings.Repeat(" \"a\n", n),
		"[0] a: [" + strings.Repeat(`"a", "`, n) + one, `[0] a: [{"` + strings.Repeat(`", "`, n) + one, "[0] a: [" + strings.Repeat(`{"a"=>`, n) + one,
		strings.Repeat(`{"body":{"kvlistValue":{"values":[{"key":"a","value":`, 20000) + `{"stringValue":"` + one + `"}`,
		`{"attributes":[` + strings.Repeat(`{"key":"a","value":{"stringValue":"`+one+`"}},`, 20000) + `{"key":"a","value":{"stringValue":"b"}}],"body":{"stringValue":"x"}}`,
		`{"a":{"arrayValue":{"values":[` + strings.Repeat(`{"arrayValue":{"values":[`, 20000) + `{"stringValue":"` + one + `"}`,
		`{"a":"` + strings.Repeat(one, 20000) + `"}`, "\x81\xa1a\xdb\x00\x10\x00\x00" + strings.Repeat(one, 20000),
		`{"a":[` + strings.Repeat("{},", n), "{" + strings.Repeat(`"gdummy":"`+id(t, 1, "{}")+`",`, 10000) + `"a":1}`,
	} {
		s := New(Options{Take: func(recordid.ID, State, int64) {}, MaxRecord: 32 << 20})
		d := testenv.CPUTime(func() {
			s.Read(strings.NewReader(text))
			s.Text([]byte(text))
			s.Bytes([]byte(text))
		})
		if all += d; d > time.Second {
			t.Logf("%v: %.60q", d, text)
		}
	}
	// In quadratic time, one of them would take minutes.
	if all > 30*time.Second {
		t.Errorf("%v", all)
	} else {
		t.Log(all)
	}
}
