// SPDX-License-Identifier: Apache-2.0

package damage

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"0.01: nul 3, utf8_cut": "0.01: utf8_cut 1, nul 3",
		"1%: empty 0.5, long 2": "0.01: empty 0.5, long 2",
		" 1 : deep ":            "1: deep 1",
		"0: cr 0, crlf 1":       "0: crlf 1",
		"0.25":                  "0.25: utf8_start 1, utf8_inside 1, utf8_cut 1, nul 1, control 1, crlf 1, cr 1, cut_json 1, type 1, big_number 1, duplicate 1, no_name 1, empty 1, long 0.001, deep 0.01, wide 0.01",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := p.String(); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
		if again, err := Parse(p.String()); err != nil || *again != *p {
			t.Errorf("%q is read again as %v, %v", p, again, err)
		}
	}
	for text, want := range map[string]string{
		"":                 `invalid value "": expected a share from 0 to 1`,
		"2":                `invalid value "2": expected a share from 0 to 1`,
		"nul 3":            `invalid value "nul 3": expected a share from 0 to 1`,
		"1%: null":         `unknown kind "null"; did you mean nul?`,
		"1%: nul 1, nul 2": "kind nul is listed twice",
		"1%: nul -1":       `invalid weight "-1" of kind nul: expected a number from 0 to 1e9`,
		"1%: nul x":        `invalid weight "x" of kind nul`,
		"1%: nul 0":        "the weights of all kinds are 0, expected one above 0",
		"1%:":              `expected a kind and its weight, such as nul 3, found ""`,
		"1%: nul 1 2":      `expected a kind and its weight, such as nul 3, found "nul 1 2"`,
		"101%":             "0% to 100%",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Any plan equals its text, and parsing any text is safe.
func FuzzParse(f *testing.F) {
	f.Add("1%: nul 3, utf8_cut")
	f.Add("0.5")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(p.String()); err != nil || *again != *p {
			t.Fatalf("%q is %q, which is read as %v, %v", text, p, again, err)
		}
	})
}

// The share and the weights are those of the plan, and a record's kind depends on its
// stream and its number only.
func TestDraw(t *testing.T) {
	p, err := Parse("0.1: nul 3, empty 1")
	if err != nil {
		t.Fatal(err)
	}
	a, b, other := p.For(1), p.For(1), p.For(2)
	const n = 100_000
	seen, same := map[Kind]float64{}, 0
	for k := range uint64(n) {
		kind := a.Of(k)
		seen[kind]++
		if b.Of(k) != kind {
			t.Fatalf("record %d is of the kinds %v and %v", k, kind, b.Of(k))
		}
		if kind != 0 && other.Of(k) == kind {
			same++
		}
	}
	for kind, want := range map[Kind]float64{0: 0.9, nul: 0.075, empty: 0.025} {
		if got := seen[kind] / n; math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/n) {
			t.Errorf("kind %d has the share %v, want %v", kind, got, want)
		}
	}
	if len(seen) != 3 || same > n/100 {
		t.Errorf("%d kinds; %d records are broken alike in two streams", len(seen), same)
	}
}

// body returns the MessagePack of an object.
func body(t testing.TB, text string) []byte {
	t.Helper()
	b, err := jsonbody.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return b[0]
}

// broken breaks a body in one way.
func broken(t testing.TB, b []byte, kind Kind, n uint64) []byte {
	t.Helper()
	p, err := Parse("1: " + kind.String())
	if err != nil {
		t.Fatal(err)
	}
	out := new(Breaker).Break(append([]byte("head"), b...), 4, kind, p.For(7), n)
	if string(out[:4]) != "head" {
		t.Fatalf("%v writes before the body: %q", kind, out[:4])
	}
	return out[4:]
}

// Each kind does what its description promises.
func TestKinds(t *testing.T) {
	const line = "first line\nsecond \u00e9\u20ac\U0001f600 line"
	b := body(t, `{"log": "first line\nsecond \u00e9\u20ac\ud83d\ude00 line", "n": 5, "ok": true}`)
	log := func(b []byte) string { return value.OfRaw(b).Field("log").S() }
	names := func(b []byte) (all []string) {
		n, rest, _ := msgp.ReadMapHeaderBytes(b)
		for range n {
			var name string
			name, rest, _ = msgp.ReadStringBytes(rest)
			rest, _ = msgp.Skip(rest)
			all = append(all, name)
		}
		return all
	}
	has := func(all []string, name string) (n int) {
		for _, x := range all {
			if x == name {
				n++
			}
		}
		return n
	}
	for kind, check := range map[Kind]func(b []byte) bool{
		utf8Start: func(b []byte) bool { s := log(b); return !utf8.ValidString(s[:1]) && s[1:] == line },
		utf8Inside: func(b []byte) bool {
			s := log(b)
			return strings.Replace(s, "\xe2\x82", "", 1) == line || strings.Count(s, "\xe2\x82") == 2
		},
		utf8Cut: func(b []byte) bool { s := log(b); return strings.HasPrefix(s, line+"\xf0") && !utf8.ValidString(s) },
		nul:     func(b []byte) bool { return strings.Replace(log(b), "\x00", "", 1) == line },
		control: func(b []byte) bool { return strings.Replace(log(b), "\a\b\b\x1b[31m\x7f\x01", "", 1) == line },
		crlf:    func(b []byte) bool { return log(b) == strings.ReplaceAll(line, "\n", "\r\n")+"\r\n" },
		cr:      func(b []byte) bool { return strings.Replace(log(b), "\r", "", 1) == line },
		cutJSON: func(got []byte) bool {
			whole := string(value.OfRaw(b).AppendJSON(nil))
			s := log(got)
			return len(s) >= len(whole)/2 && len(s) < len(whole) && strings.HasPrefix(whole, s)
		},
		otherType: func(b []byte) bool {
			v := value.OfRaw(b)
			return (v.Field("log").K != value.String) || v.Field("n").K != value.Int || v.Field("ok").K != value.Bool
		},
		bigNumber: func(b []byte) bool {
			v := value.OfRaw(b).Field("n")
			i := v.Int()
			return math.Abs(v.Float()) > 1<<54 || i > 1<<53 || i < -1<<53
		},
		duplicate: func(b []byte) bool { all := names(b); return has(all, "log")+has(all, "n")+has(all, "ok") == 4 },
		noName:    func(b []byte) bool { return has(names(b), "") == 1 },
		empty:     func(b []byte) bool { return bytes.Equal(b, []byte{0x80}) },
		long:      func(b []byte) bool { return len(log(b)) == 8<<20 && strings.HasPrefix(log(b), line+" first") },
		deep: func(b []byte) bool {
			levels := 0
			for v := value.OfRaw(b); v.K == value.Raw; v = v.Field("broken") {
				levels++
			}
			return levels == 200
		},
		wide: func(b []byte) bool { all := names(b); return len(all) == 10_003 && all[10_002] == "field_9999" },
	} {
		for n := range uint64(20) {
			got := broken(t, b, kind, n)
			if rest, err := msgp.Skip(got); err != nil || len(rest) > 0 {
				t.Fatalf("%v of record %d is not one value: %v, %d bytes left", kind, n, err, len(rest))
			}
			if !check(got) {
				t.Errorf("%v of record %d is %.300q", kind, n, got)
			}
			if again := broken(t, b, kind, n); !bytes.Equal(again, got) {
				t.Errorf("%v of record %d differs the second time", kind, n)
			}
		}
	}
}

// For any body, the result is one map, and the kinds that need a field which
// is not there add one.
func TestAnyBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{`{}`, `{"a": ""}`, `{"a": 1}`, `{"a": []}`, `{"a": {"b": "c"}}`, `{"a": null, "b": "x"}`,
			`{"": "", "b": 1.5}`, `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m":13,"n":14,"o":15}`}).Draw(t, "body")
		kind := rapid.SampledFrom(All()).Draw(t, "kind")
		n := rapid.Uint64().Draw(t, "n")
		b, err := jsonbody.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse("1: " + kind.String())
		if err != nil {
			t.Fatal(err)
		}
		out := new(Breaker).Break(bytes.Clone(b[0]), 0, kind, p.For(3), n)
		if rest, err := msgp.Skip(out); err != nil || len(rest) > 0 || out[0]&0xf0 != 0x80 && out[0] != 0xde {
			t.Fatalf("%v of %s is %.100q (%v)", kind, text, out, err)
		}
		if bytes.Equal(out, b[0]) && kind != empty {
			t.Fatalf("%v changes nothing of %s", kind, text)
		}
	})
	if out := new(Breaker).Break([]byte{0x90}, 0, empty, (&Plan{Weights: [kinds + 1]float64{1: 1}}).For(0), 0); !bytes.Equal(out, []byte{0x90}) {
		t.Errorf("an array becomes % x", out)
	}
}

// What is not large needs no memory of its own, and no buffer grows with the records.
func TestBreakAllocations(t *testing.T) {
	testenv.SkipRace(t)
	b := body(t, `{"log": "a line", "n": 5}`)
	p, err := Parse("1")
	if err != nil {
		t.Fatal(err)
	}
	d, br := p.For(1), new(Breaker)
	dst := make([]byte, 0, 1<<20)
	for _, kind := range All() {
		if kind == long {
			continue
		}
		n := uint64(0)
		if got := testenv.AllocsPerRun(200, func() {
			br.Break(append(dst, b...), 0, kind, d, n)
			n++
		}); got > 0 {
			t.Errorf("%v: %v allocations a record, want none", kind, got)
		}
	}
	if size := cap(br.body) + cap(br.text); size > 4096 {
		t.Errorf("%d bytes are kept", size)
	}
}
