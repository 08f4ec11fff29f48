// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/testenv"
)

// A record that a program has rewritten without changing its meaning is not damaged; it is
// unchecked if that cannot be decided. The second text also has a changed value, and is
// damaged unless stated otherwise.
func TestRewritten(t *testing.T) {
	for _, c := range []struct {
		name, body, text, want string
		changed, is            string // is: "" means damaged
	}{
		{"HTML escapes", `{"m":"<a href='x'>&","n":1}`, `{"m":"\u003ca href=\u0027x\u0027\u003e\u0026","n":1,"gdummy":"$I"}`, "intact",
			`{"m":"\u003cb href=\u0027x\u0027\u003e\u0026","n":1,"gdummy":"$I"}`, ""},
		{"HTML escapes in JSON in a string", `{"m":"{\"a\":\"<b>\"}","n":1}`, `{"m":"{\"a\":\"\\u003cb\\u003E\"}","n":1,"gdummy":"$I"}`, "intact",
			`{"m":"{\"a\":\"\\u003cb\\u003E\"}","n":2,"gdummy":"$I"}`, ""},
		{"other characters in JSON in a string", `{"m":"{\"a\":\"é/😀\"}"}`, `{"m":"{\"a\":\"\\u00e9\\/\\ud83d\\ude00\"}","gdummy":"$I"}`, "intact",
			`{"m":"{\"a\":\"\\u00e8\\/\\ud83d\\ude00\"}","gdummy":"$I"}`, ""},
		{"HTML escapes beside others", `{"m":"{\"a\":\"<\\u00e9>\"}"}`, `{"m":"{\"a\":\"\\u003c\\u00e9\\u003e\"}","gdummy":"$I"}`, "intact",
			`{"m":"{\"a\":\"\\u003c\\u00e8\\u003e\"}","gdummy":"$I"}`, ""},
		{"HTML escapes undone", `{"m":"{\"a\":\"\\u003cb\\u003e\"}"}`, `{"m":"{\"a\":\"<b>\"}","gdummy":"$I"}`, "intact",
			`{"m":"{\"a\":\"<c>\"}","gdummy":"$I"}`, ""},
		{"escapes that are needed", `{"m":"{\"a\":\"\\u0022<\"}"}`, `{"m":"{\"a\":\"\\u0022\\u003c\"}","gdummy":"$I"}`, "intact",
			`{"m":"{\"a\":\"\\u0022\\u003d\"}","gdummy":"$I"}`, ""},
		{"a double of 16 digits", `{"id":8534389500455288,"n":1}`, `{"id":8534389500455288.0,"n":1,"gdummy":"$I"}`, "intact",
			`{"id":8534389500455289.0,"n":1,"gdummy":"$I"}`, ""},
		{"an exponent", `{"id":8534389500455288}`, `{"id":8.534389500455288E15,"gdummy":"$I"}`, "intact",
			`{"id":8.534389500455287E15,"gdummy":"$I"}`, ""},
		{"small exponents", `{"a":1000,"b":-250,"c":0.001}`, `{"a":1e3,"b":-2.5E+2,"c":1.0e-3,"gdummy":"$I"}`, "intact",
			`{"a":1e3,"b":-2.5E+1,"c":1.0e-3,"gdummy":"$I"}`, ""},
		{"an exponent of 17 digits", `{"id":12345678901234568}`, `{"id":1.2345678901234568e+16,"gdummy":"$I"}`, "intact",
			`{"id":1.2345678901234566e+16,"gdummy":"$I"}`, ""},
		{"a fraction of 17 digits", `{"o":{"id":-12345678901234568}}`, `{"o":{"id":-12345678901234568.0},"gdummy":"$I"}`, "intact",
			`{"o":{"id":-12345678901234568.5},"gdummy":"$I"}`, ""},
		{"a lost digit", `{"id":12345678901234567}`, `{"id":12345678901234567.0,"gdummy":"$I"}`, "intact",
			`{"id":12345678901234568,"gdummy":"$I"}`, ""},
		{"a double as an integer", `{"d":1.2345678901234567e18}`, `{"d":1234567890123456800,"gdummy":"$I"}`, "intact",
			`{"d":1234567890223456800,"gdummy":"$I"}`, ""},
		{"a double and an integer", `{"d":[1.5e17],"id":12345678901234568}`, `{"d":[150000000000000000],"id":12345678901234568,"gdummy":"$I"}`, "intact",
			`{"d":[150000000000000000],"id":12345678901234569,"gdummy":"$I"}`, ""},
		{"of doubles, in a coarse body", `{"d":1234567890123456.7,"i":8534389500455287}`, `{"d":1.2345678901234567e15,"i":8534389500455287.0,"gdummy":"$I"}`, "intact",
			`{"d":1.2345678901234567e15,"i":8534389500457287.0,"gdummy":"$I"}`, ""},
		{"journald", `{"MESSAGE":"a\u001bb","N":[1,2,3]}`, `{"MESSAGE":[97,27,98],"N":[1,2,3],"gdummy":"$I"}`, "intact",
			`{"MESSAGE":[97,27,99],"N":[1,2,3],"gdummy":"$I"}`, ""},
		{"journald, a list of numbers in small letters", `{"MESSAGE":"a\u001bb","n":[1,2,3]}`, `{"MESSAGE":[97, 27, 98],"n":[1,2,3],"gdummy":"$I"}`, "intact",
			`{"MESSAGE":[97, 27, 98],"n":[1,2,4],"gdummy":"$I"}`, ""},
		{"journald, the record as bytes", `{"message":"dummy"}`, `{"__CURSOR":"x","MESSAGE":[$B]}`, "enriched",
			`{"__CURSOR":"x","MESSAGE":[$C]}`, ""},
		{"Loki, the identity as structured metadata", `{"message":"dummy","n":1}`, `{"streams":[{"stream":{"job":"x"},"values":[["1732300000000000000","{\"message\":\"dummy\",\"n\":1}",{"gdummy":"$I"}]]}]}`, "enriched",
			`{"streams":[{"stream":{"job":"x"},"values":[["1732300000000000000","{\"message\":\"dummx\",\"n\":1}",{"gdummy":"$I"}],["1","{\"message\":\"dummy\",\"n\":1}",{}]]}]}`, ""},
		{"Loki, in categories", `{"message":"dummy"}`, `{"data":{"result":[{"stream":{"job":"x"},"values":[["1732300000000000000","{\"message\":\"dummy\"}",{"structuredMetadata":{"gdummy":"$I"},"parsed":{}}]]}]}}`, "enriched",
			`{"data":{"result":[{"stream":{"job":"x"},"values":[["1732300000000000000","{\"message\":\"\"}",{"structuredMetadata":{"gdummy":"$I"},"parsed":{}}]]}]}}`, ""},
		{"Loki, a text line", `{"message":"dummy"}`, `{"streams":[{"stream":{"job":"x"},"values":[["1732300000000000000","message=dummy",{"gdummy":"$I"}]]}]}`, "unchecked",
			`{"streams":[{"stream":{"job":"x"},"values":[["1732300000000000000","message=other",{"gdummy":"$I"}]]}]}`, "unchecked"},
		{"Loki, a member as a label", `{"message":"dummy","level":"info"}`, `{"streams":[{"stream":{"level":"info"},"values":[["1732300000000000000","{\"message\":\"dummy\"}",{"gdummy":"$I"}]]}]}`, "unchecked",
			`{"streams":[{"stream":{"level":"info"},"values":[["1732300000000000000","{\"message\":\"other\"}",{"gdummy":"$I"}]]}]}`, "unchecked"},
		{"Loki, as it answers", `{"message":"dummy"}`, `{"data":{"result":[{"stream":{"job":"x","gdummy":"$I"},"values":[["1732300000000000000","{\"message\":\"dummy\"}"]]}]}}`, "enriched",
			`{"data":{"result":[{"stream":{"job":"x","gdummy":"$I"},"values":[["1732300000000000000","{\"message\":\"other\"}"]]}]}}`, ""},
		{"logcli", `{"message":"dummy"}`, `{"labels":{"job":"x","gdummy":"$I"},"line":"{\"message\":\"dummy\"}","timestamp":"2026-11-26T12:00:00Z"}`, "enriched",
			`{"labels":{"job":"x","gdummy":"$I"},"line":"{\"other\":\"dummy\"}","timestamp":"2026-11-26T12:00:00Z"}`, ""},
		{"Stackdriver, the identity as a label", `{"message":"dummy"}`, `{"entries":[{"labels":{"gdummy":"$I"},"jsonPayload":{"message":"dummy"}}]}`, "enriched",
			`{"entries":[{"labels":{"gdummy":"$I"},"jsonPayload":{"message":"other"}},{"jsonPayload":{"message":"dummy"}}]}`, "damaged"},
		{"fields beside a source", `{"message":"dummy","n":1}`, `{"hits":{"hits":[{"_source":{"message":"dummy","n":1},"fields":{"gdummy":["$I"]}}]}}`, "enriched",
			`{"hits":{"hits":[{"_source":{"message":"dummy","n":2},"fields":{"gdummy":["$I"]}}]}}`, ""},
		{"all at once", `{"M":"a\u001b","m":"{\"a\":\"<\"}","n":12345678901234568,"d":1e17}`, `{"log":{"M":[97,27],"m":"{\"a\":\"\\u003c\"}","n":12345678901234568.0,"d":100000000000000000,"gdummy":"$I"}}`, "enriched",
			`{"log":{"M":[97,28],"m":"{\"a\":\"\\u003c\"}","n":12345678901234568.0,"d":100000000000000000,"gdummy":"$I"}}`, ""},
	} {
		one := id(t, 1, c.body)
		bytesOf := func(body string) string {
			var s []string
			for _, b := range []byte(strings.TrimSuffix(body, "}") + `,"gdummy":"` + one + `"}`) {
				s = append(s, strconv.Itoa(int(b)))
			}
			return strings.Join(s, ",")
		}
		in := strings.NewReplacer("$I", one, "$B", bytesOf(c.body), "$C", bytesOf(`{"message":"other"}`))
		is := c.is
		if is == "" {
			is = "damaged"
		}
		for text, want := range map[string]string{c.text: c.want, c.changed: is} {
			got, broken := scan(Options{}, in.Replace(text))
			if len(got) == 0 || got[0] != "1 "+want || broken > 0 {
				t.Errorf("%s: %v, %d broken, want %s\n%s", c.name, got, broken, want, text)
			}
		}
	}
}

// Integers that a filter has converted to doubles, in MessagePack.
func TestRewrittenMsgpack(t *testing.T) {
	for _, n := range []uint64{1, 8534389500455288, 1 << 60} {
		for change, want := range map[float64]string{0: "[1 intact]", 1024: "[1 damaged]"} {
			rec := msgp.AppendMapHeader(nil, 2)
			rec = msgp.AppendString(rec, "n")
			rec = msgp.AppendFloat64(rec, float64(n)+change)
			rec = msgp.AppendString(rec, "gdummy")
			rec = msgp.AppendString(rec, id(t, 1, fmt.Sprintf(`{"n":%d}`, n)))
			if got, _ := scan(Options{}, string(rec)); fmt.Sprint(got) != want {
				t.Errorf("%d and %g: %v, want %s", n, change, got, want)
			}
		}
	}
}

// However an encoder writes a record, it is not damaged. With a changed value, it is never
// intact or enriched.
func TestRewrittenAtRandom(t *testing.T) {
	testenv.SkipRace(t)
	r := rand.New(rand.NewPCG(15, 1))
	number := func() string {
		switch r.IntN(4) {
		case 0:
			return strconv.Itoa(r.IntN(2000) - 1000)
		case 1:
			return strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
		case 2:
			return strconv.FormatFloat(r.NormFloat64()*math.Pow(10, float64(r.IntN(12))), 'g', -1, 64)
		}
		return strconv.FormatUint(1e15+r.Uint64N(8e15), 10)
	}
	texts := []string{"dummy", "<a & b>", `{"x":"<é>","y":[1,2]}`, `a\u003cb`, "tab\tand \"quotes\"", "\U0001f600", `[{"k":"v/w"}]`}
	for round := range 4000 {
		var m map[string]json.RawMessage
		body := fmt.Sprintf(`{"n":%s,"o":{"l":[%s,true,null],"t":%q},"N":%s}`, number(), number(), "x", number())
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		s, err := json.Marshal(texts[r.IntN(len(texts))])
		if err != nil {
			t.Fatal(err)
		}
		m["s"] = s
		sent, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		one := id(t, 1, string(sent))
		// How encoders write numbers and strings.
		style := r.IntN(5)
		num := func(text string) string {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || int64(float64(n)) != n || n == math.MaxInt64 {
				return text
			}
			switch style {
			case 1:
				return text + ".0"
			case 2:
				return strconv.FormatFloat(float64(n), 'e', -1, 64)
			case 3:
				return strings.ToUpper(strconv.FormatFloat(float64(n), 'e', 17, 64))
			}
			return text
		}
		inner := r.IntN(2) == 0
		var rewrite func(v any) any
		rewrite = func(v any) any {
			switch v := v.(type) {
			case map[string]any:
				for k := range v {
					v[k] = rewrite(v[k])
				}
			case []any:
				for i := range v {
					v[i] = rewrite(v[i])
				}
			case json.Number:
				return json.RawMessage(num(v.String()))
			case string:
				if inner && (v[0] == '{' || v[0] == '[') {
					return strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(v)
				}
			}
			return v
		}
		d := json.NewDecoder(strings.NewReader(string(sent)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		rec := rewrite(v).(map[string]any)
		form := r.IntN(3)
		written := func() string {
			var doc any = rec
			rec["gdummy"] = one
			line := func() string {
				delete(rec, "gdummy")
				b, err := json.Marshal(rec)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			switch form {
			case 1:
				doc = map[string]any{"streams": []any{map[string]any{"stream": map[string]any{}, "values": []any{[]any{"1", line(), map[string]any{"gdummy": one}}}}}}
			case 2:
				doc = map[string]any{"labels": map[string]any{"gdummy": one}, "line": line()}
			}
			b, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		text := written()
		if got, _ := scan(Options{}, text); len(got) != 1 || got[0] != "1 intact" && got[0] != "1 enriched" {
			t.Fatalf("round %d: %v\nsent    %s\nwritten %s", round, got, sent, text)
		}
		switch r.IntN(3) {
		case 0:
			rec["s"] = rec["s"].(string) + "x"
		case 1:
			rec["N"] = json.RawMessage("17.25")
		case 2:
			rec["o"].(map[string]any)["t"] = "y"
		}
		text = written()
		if got, _ := scan(Options{}, text); fmt.Sprint(got) != "[1 damaged]" {
			t.Fatalf("round %d, changed: %v\nsent    %s\nwritten %s", round, got, sent, text)
		}
	}
}

// Numbers in any notation are read, unless they are so long that reading them would take
// seconds.
func TestWholeNumber(t *testing.T) {
	for text, want := range map[string]uint64{
		"1e19": 1e19, "1000000000000001.0": 1000000000000001, "1844674407370955161.5e1": math.MaxUint64, "10e-1": 1,
		"1" + strings.Repeat("0", 400) + "e-385": 1e15,
	} {
		if n, ok := wholeNumber([]byte(text)); n != want || !ok {
			t.Errorf("%s: %d, %v, want %d", text, n, ok, want)
		}
	}
	for _, text := range []string{"1.5", "1e-1", "1e20", "18446744073709551616.0", "1" + strings.Repeat("0", 1000000) + "e-999985"} {
		if n, ok := wholeNumber([]byte(text)); ok {
			t.Errorf("%.30s: %d, want none", text, n)
		}
	}
}
