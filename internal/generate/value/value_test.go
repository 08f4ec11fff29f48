// SPDX-License-Identifier: Apache-2.0

package value_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	. "github.com/gdummy/gdummy/internal/generate/value"
)

// parsed returns the value that JSON text has as MessagePack.
func parsed(t rapid.TB, text string) Value {
	t.Helper()
	bodies, err := jsonbody.Parse(`{"":` + text + `}`)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	v, _ := First(string(bodies[0][2:]))
	return v
}

// row returns the row with the columns a, b and so on.
func row(t rapid.TB, cells ...string) Value {
	t.Helper()
	names := []string{"a", "b", "c", "d"}[:len(cells)]
	var b []byte
	for _, c := range cells {
		b = parsed(t, c).Append(b)
	}
	return OfRow(b, &names)
}

// A value is written in three forms, and is true or not as in Go's templates.
func TestForms(t *testing.T) {
	for _, tt := range []struct {
		why    string
		v      Value
		json   string
		text   string
		packed string
		truth  bool
	}{
		{"null", Null, "null", "null", "\xc0", false},
		{"nothing", Omitted, "null", "", "\xc0", false},
		{"false", OfBool(false), "false", "false", "\xc2", false},
		{"true", OfBool(true), "true", "true", "\xc3", true},
		{"zero", OfInt(0), "0", "0", "\x00", false},
		{"the largest fixint", OfInt(127), "127", "127", "\x7f", true},
		{"one byte", OfInt(255), "255", "255", "\xcc\xff", true},
		{"two bytes", OfInt(256), "256", "256", "\xcd\x01\x00", true},
		{"four bytes", OfInt(1 << 16), "65536", "65536", "\xce\x00\x01\x00\x00", true},
		{"a small negative number", OfInt(-32), "-32", "-32", "\xe0", true},
		{"the least integer", OfInt(math.MinInt64), "-9223372036854775808", "-9223372036854775808", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", true},
		{"a number", OfFloat(0.5), "0.5", "0.5", "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00", true},
		{"a tiny number", OfFloat(1e-7), "1e-07", "1e-07", "\xcb\x3e\x7a\xd7\xf2\x9a\xbc\xaf\x48", true},
		{"infinity, which JSON lacks", OfFloat(math.Inf(1)), "null", "null", "\xc0", true},
		{"not a number, which JSON lacks", OfFloat(math.NaN()), "null", "null", "\xc0", true},
		{"an empty string", OfString(""), `""`, "", "\xa0", false},
		{"a string with what JSON escapes", OfString("a\"\\\n\r\t\x01é\xff"), `"a\"\\\n\r\t\u0001é` + "\ufffd\"", "a\"\\\n\r\t\x01é\xff", "\xaaa\"\\\n\r\t\x01é\xff", true},
		{"an array", parsed(t, `[1,"x",null]`), `[1,"x",null]`, `[1,"x",null]`, "\x93\x01\xa1x\xc0", true},
		{"an empty array", parsed(t, `[]`), `[]`, `[]`, "\x90", false},
		{"an object", parsed(t, `{"a":[true]}`), `{"a":[true]}`, `{"a":[true]}`, "\x81\xa1a\x91\xc3", true},
		{"an integer above int64", parsed(t, `[18446744073709551615]`), `[18446744073709551615]`, `[18446744073709551615]`, "\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff", true},
		{"a row", row(t, `1`, `"x"`), `{"a":1,"b":"x"}`, `{"a":1,"b":"x"}`, "\x82\xa1a\x01\xa1b\xa1x", true},
	} {
		if got := string(tt.v.AppendJSON(nil)); got != tt.json {
			t.Errorf("%s: AppendJSON: got %s, want %s", tt.why, got, tt.json)
		}
		if got := string(tt.v.AppendText(nil)); got != tt.text {
			t.Errorf("%s: AppendText: got %q, want %q", tt.why, got, tt.text)
		}
		if got := string(tt.v.Append(nil)); got != tt.packed {
			t.Errorf("%s: Append: got %q, want %q", tt.why, got, tt.packed)
		}
		if got := tt.v.Truth(); got != tt.truth {
			t.Errorf("%s: Truth: got %v, want %v", tt.why, got, tt.truth)
		}
	}
}

// Numbers and texts of numbers convert; a value out of range is clamped.
func TestConversions(t *testing.T) {
	for _, tt := range []struct {
		v     Value
		f     float64
		i     int64
		isNum bool
	}{
		{OfInt(-7), -7, -7, true}, {OfFloat(-7.9), -7.9, -7, true}, {OfBool(true), 1, 1, true},
		{OfString("42"), 42, 42, true}, {OfString("9007199254740993"), 9007199254740992, 9007199254740993, true},
		{OfString("-1.5e3"), -1500, -1500, true}, {OfString("x"), 0, 0, false}, {OfString(""), 0, 0, false}, {Null, 0, 0, false},
		{OfFloat(1e300), 1e300, math.MaxInt64, true}, {OfFloat(-1e300), -1e300, math.MinInt64, true},
	} {
		f, ok := tt.v.Number()
		if f != tt.f || ok != tt.isNum {
			t.Errorf("Number of %s: got %v, %v, want %v, %v", tt.v.AppendJSON(nil), f, ok, tt.f, tt.isNum)
		}
		if got := tt.v.Int(); got != tt.i {
			t.Errorf("Int of %s: got %d, want %d", tt.v.AppendJSON(nil), got, tt.i)
		}
	}
	if got := ToInt(math.NaN()); got != 0 {
		t.Errorf("ToInt(NaN): got %d, want 0", got)
	}
}

// Values compare with values of their kind; values without an order may still be equal.
func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		a, b    Value
		order   int
		ordered bool
		equal   bool
	}{
		{OfInt(1), OfInt(2), -1, true, false}, {OfInt(1 << 60), OfInt(1<<60 + 1), -1, true, false},
		{OfInt(2), OfFloat(1.5), 1, true, false}, {OfInt(1), OfFloat(1), 0, true, true},
		{OfFloat(math.NaN()), OfFloat(1), 0, false, false},
		{OfString("a"), OfString("b"), -1, true, false}, {OfString("1"), OfInt(1), 0, false, false},
		{OfBool(false), OfBool(true), -1, true, false}, {Null, Null, 0, true, true}, {Null, OfInt(0), 0, false, false},
		{parsed(t, `[1,{"a":2.0}]`), parsed(t, `[1,{"a":2}]`), 0, false, true},
		{parsed(t, `[1,2]`), parsed(t, `[1]`), 0, false, false},
		{parsed(t, `{"a":1,"b":2}`), parsed(t, `{"b":2,"a":1}`), 0, false, false},
		{parsed(t, `[]`), parsed(t, `{}`), 0, false, false},
		{row(t, `1`, `[2]`), parsed(t, `{"a":1,"b":[2]}`), 0, false, true},
		{row(t, `1`, `[2]`), parsed(t, `{"a":1,"c":[2]}`), 0, false, false},
		{row(t, `1`), row(t, `1`), 0, false, true}, {row(t, `1`), row(t, `2`), 0, false, false}, {row(t, `1`), row(t, `1`, `2`), 0, false, false},
	} {
		for _, swapped := range []bool{false, true} {
			a, b, want := tt.a, tt.b, tt.order
			if swapped {
				a, b, want = b, a, -want
			}
			if order, ok := Compare(a, b); ok != tt.ordered || ok && order != want {
				t.Errorf("Compare(%s, %s): got %d, %v, want %d, %v", a.AppendJSON(nil), b.AppendJSON(nil), order, ok, want, tt.ordered)
			}
			if got := Equal(a, b); got != tt.equal {
				t.Errorf("Equal(%s, %s): got %v, want %v", a.AppendJSON(nil), b.AppendJSON(nil), got, tt.equal)
			}
		}
	}
}

// Parts are found by name and by number; what is not there is null.
func TestParts(t *testing.T) {
	array, object, cells := parsed(t, `[10,[20],"x"]`), parsed(t, `{"a":1,"b":{"c":2},"a":3}`), row(t, `1`, `{"c":2}`)
	for _, tt := range []struct {
		what string
		got  Value
		want string
	}{
		{"array 0", array.Index(OfInt(0)), "10"}, {"array 1", array.Index(OfInt(1)), "[20]"},
		{"array 3", array.Index(OfInt(3)), "null"}, {"array -1", array.Index(OfInt(-1)), "null"}, {"array by name", array.Field("a"), "null"},
		{"object b", object.Field("b"), `{"c":2}`}, {"object a, twice there", object.Index(OfString("a")), "1"}, {"object z", object.Field("z"), "null"}, {"object 0", object.Index(OfInt(0)), "null"},
		{"row b", cells.Field("b"), `{"c":2}`}, {"row z", cells.Field("z"), "null"}, {"string", OfString("x").Field("a"), "null"},
	} {
		if got := string(tt.got.AppendJSON(nil)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.what, got, tt.want)
		}
	}
	for _, tt := range []struct {
		v    Value
		want int
	}{{array, 3}, {object, 3}, {cells, 2}, {OfString("four"), 4}, {OfInt(9), 0}, {Null, 0}} {
		if got := tt.v.Len(); got != tt.want {
			t.Errorf("Len of %s: got %d, want %d", tt.v.AppendJSON(nil), got, tt.want)
		}
	}
	if n, isMap, _ := object.Items(); n != 3 || !isMap {
		t.Errorf("Items of %s: got %d, %v, want 3, true", object.AppendJSON(nil), n, isMap)
	}
	for _, tt := range []struct {
		v     Value
		depth int
		fits  bool
	}{
		{array, 2, true}, {array, 1, false}, {object, 1, false}, {cells, 2, true}, {cells, 1, false}, {OfInt(1), 0, true}, {parsed(t, `[]`), 0, false},
	} {
		if got := tt.v.Within(tt.depth).K != Nil; got != tt.fits {
			t.Errorf("%s within %d levels: got %v, want %v", tt.v.AppendJSON(nil), tt.depth, got, tt.fits)
		}
	}
}

// A clone is not changed when the memory of its original is.
func TestClone(t *testing.T) {
	b := []byte("text")
	v := OfBytes(b)
	clone := v.Clone()
	copy(b, "gone")
	if got := clone.S(); got != "text" || v.S() != "gone" {
		t.Errorf("Clone: got %q of a value that is now %q, want \"text\" and \"gone\"", got, v.S())
	}
}

// What AppendJSON writes, encoding/json and jsonbody read as the same value.
func TestJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var draw func(depth int) any
		draw = func(depth int) any {
			switch kind := rapid.IntRange(0, 6).Draw(t, "kind"); {
			case kind == 0:
				return rapid.Int64().Draw(t, "int")
			case kind == 1:
				return rapid.Float64Range(-1e300, 1e300).Draw(t, "float")
			case kind == 2:
				return rapid.String().Draw(t, "string")
			case kind == 3:
				return rapid.Bool().Draw(t, "bool")
			case kind == 4 || depth > 3:
				return nil
			case kind == 5:
				list := []any{}
				for range rapid.IntRange(0, 20).Draw(t, "n") {
					list = append(list, draw(depth+1))
				}
				return list
			}
			object := map[string]any{}
			for range rapid.IntRange(0, 20).Draw(t, "n") {
				object[rapid.String().Draw(t, "name")] = draw(depth + 1)
			}
			return object
		}
		packed, err := msgp.AppendIntf(nil, []any{draw(0)})
		if err != nil {
			t.Fatal(err)
		}
		v, rest := First(string(packed))
		if rest != "" {
			t.Fatalf("First left %d bytes of % x", len(rest), packed)
		}
		text := v.AppendJSON(nil)
		if !json.Valid(text) {
			t.Fatalf("AppendJSON of % x: got %s, which is not JSON", packed, text)
		}
		if back := parsed(t, string(text)); !Equal(back, v) {
			t.Fatalf("%s: parsed again it is %s", text, back.AppendJSON(nil))
		}
	})
}
