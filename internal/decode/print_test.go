package decode

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/body"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/ident"
)

// Fluent Bit's print of any body, whatever is in its strings: it is intact or
// cannot be checked, and is found once. One whose strings have no quotes and
// whose doubles have no more than six decimals is intact.
func TestPrinted(t *testing.T) {
	intact, unchecked := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.Bool().Draw(t, "plain")
		text := drawBody(t, plain)
		b, err := body.Parse(text)
		if err != nil {
			t.Skip(err)
		}
		m := ident.NewMark(source{b[0], event.EmptyMap}, ident.MarkOptions{Run: 42, Now: now,
			InMetadata: rapid.Bool().Draw(t, "metadata")})
		e, _, err := event.Decode(m.Append(nil, event.V2, 1732300000123456789, 7))
		if err != nil {
			t.Fatal(err)
		}
		line, err := event.AppendText(nil, 3, "a.tag", e)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(line, []byte{'\n'}) != 1 {
			t.Skip("more than one line")
		}
		got, broken := scan(Options{}, string(line))
		switch {
		case len(got) != 1 || broken > 0:
			t.Fatalf("%s\n%v, %d broken", line, got, broken)
		case got[0] == "7 intact":
			intact++
		case got[0] == "7 unchecked" && !plain:
			unchecked++
		default:
			t.Fatalf("%s\n%v", line, got)
		}
	})
	if intact == 0 || unchecked == 0 {
		t.Errorf("%d intact, %d unchecked: nothing was tried", intact, unchecked)
	}
}

// drawBody draws the JSON of a body. A plain one has a print that can be read in
// one way only.
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
