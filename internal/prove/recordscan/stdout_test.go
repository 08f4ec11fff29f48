// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
)

// scanPrinted returns the result of scan for a marked record with the given body in the
// format of Fluent Bit's stdout output, and the line.
func scanPrinted(t rapid.TB, text string, inMetadata bool) (found []string, broken uint64, line []byte) {
	b, err := jsonbody.Parse(text)
	if err != nil {
		t.Skip(err)
	}
	m := engine.Mark(source{b[0], event.EmptyMap}, engine.MarkOptions{Run: 42, InMetadata: inMetadata})
	e, _, err := event.Decode(m.Append(nil, event.V2, 1732300000123456789, 7))
	if err != nil {
		t.Fatal(err)
	}
	if line, err = event.AppendText(nil, 3, "a.tag", e); err != nil {
		t.Fatal(err)
	}
	if bytes.Count(line, []byte{'\n'}) != 1 {
		t.Skip("more than one line")
	}
	found, broken = scan(Options{}, string(line))
	return found, broken, line
}

// A printed record is found once, as intact or unchecked, whatever is in its strings. It
// is intact if its strings have no quotes and its doubles at most six decimals.
func TestPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.Bool().Draw(t, "plain")
		got, broken, line := scanPrinted(t, drawBody(t, plain), rapid.Bool().Draw(t, "metadata"))
		if len(got) != 1 || broken > 0 || got[0] != "7 intact" && (plain || got[0] != "7 unchecked") {
			t.Fatalf("%s\ngot %v, %d broken", line, got, broken)
		}
	})
}

// Both outcomes that TestPrinted accepts occur.
func TestPrintedOutcomes(t *testing.T) {
	for text, want := range map[string]string{
		`{"m0":"é b","m1":[1,{"k0":0.25}]}`: "7 intact",
		`{"m0":"a\"","m1":1.23456789e-3}`:   "7 unchecked",
	} {
		for _, inMetadata := range []bool{false, true} {
			got, broken, line := scanPrinted(t, text, inMetadata)
			if len(got) != 1 || broken > 0 || got[0] != want {
				t.Errorf("%s\ngot %v, %d broken, want %s", line, got, broken, want)
			}
		}
	}
}

// drawBody draws the JSON of a body. The printed form of a plain one is unambiguous.
func drawBody(t *rapid.T, plain bool) string {
	var b []byte
	str := func() {
		s := rapid.SampledFrom([]string{"", "a", "é b", "x=>1", "k, v", "[1]", "{}", "}]"}).Draw(t, "text")
		if !plain && rapid.Bool().Draw(t, "quoted") {
			s += rapid.SampledFrom([]string{`\"`, `\"}`, `\", \"a\"=>1`, `{\"a\": \"b\"}`, `\"]`, `\\`}).Draw(t, "quotes")
		}
		b = append(append(append(b, '"'), s...), '"')
	}
	var value func(depth int)
	value = func(depth int) {
		switch rapid.IntRange(0, 7-depth).Draw(t, "kind") {
		case 0:
			str()
		case 1:
			numbers := []string{"0", "-5", "18446744073709551615", "1234567890123456", "0.25", "-3.5", "1e20", "1.23456789e-3"}
			if plain {
				numbers = numbers[:7]
			}
			b = append(b, rapid.SampledFrom(numbers).Draw(t, "number")...)
		case 2, 3:
			b = append(b, rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "literal")...)
		case 4, 5:
			b = append(b, '[')
			for i := range rapid.IntRange(0, 3).Draw(t, "elements") {
				if i > 0 {
					b = append(b, ',')
				}
				value(depth + 1)
			}
			b = append(b, ']')
		default:
			b = append(b, '{')
			for i := range rapid.IntRange(0, 3).Draw(t, "members") {
				if i > 0 {
					b = append(b, ',')
				}
				b = append(append(b, '"', 'k', byte('0'+i)), `":`...)
				value(depth + 1)
			}
			b = append(b, '}')
		}
	}
	b = append(b, '{')
	for i := range rapid.IntRange(1, 4).Draw(t, "members") {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, '"', 'm', byte('0'+i)), `":`...)
		value(0)
	}
	return string(append(b, '}'))
}
