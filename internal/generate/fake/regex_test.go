// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/seed"
)

// What a pattern makes matches it, as a whole.
func TestRegexMatches(t *testing.T) {
	for _, pattern := range []string{
		`[a-z]{5,8}-\d{3}`, `^\w{1,3}\s?[^,\n]{2}$`, `(?i)abc[d-f]k`, `(GET|HEAD|) /(a|ab|abc)?`, `\Q|(\E[]|(]x`, `(?P<a>x|y)(?:z|(?i:q|w))`,
		`\pL{2}\p{Greek}`, `[[:alpha:]|]{3}`, `.{0,20}`, `a{0}b`, ``, `\x{1F600}-[é-ü]`, `(?s).`, `(?U)a{1,3}?b`, `[^ -~]`, `\|\(a|b\)`, `((a|b){2}|c){1,2}`,
	} {
		text, err := newRegexText(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		whole := regexp.MustCompile(`\A(?:` + pattern + `)\z`)
		for k := range uint64(500) {
			rnd := seed.At(k, 1)
			if b := text.append(nil, &rnd); !whole.Match(b) || !utf8.Valid(b) {
				t.Errorf("%s: %q does not match", pattern, b)
				break
			}
		}
	}
}

// Alternatives, characters and numbers of repeats are equally likely, also of
// alternatives that begin alike, which Go's parser joins.
func TestRegexIsUniform(t *testing.T) {
	for pattern, want := range map[string]int{
		`ab|ac|d`: 3, `a|b|c`: 3, `foo|foobar`: 2, `(x|xy|xyz|q)`: 4, `[a-e]`: 5, `a{2,5}`: 4, `z?`: 2, `|a`: 2, `(?i)x`: 2, `a(b|c)`: 2, `[[:digit:]]`: 10,
	} {
		text, err := newRegexText(pattern)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]float64{}
		const n = 20_000
		for k := range uint64(n) {
			rnd := seed.At(seed.Mix(k), 1)
			counts[string(text.append(nil, &rnd))]++
		}
		if len(counts) != want {
			t.Errorf("%s: %d texts, want %d: %v", pattern, len(counts), want, counts)
		}
		for s, c := range counts { // five standard deviations
			if mean := n / float64(want); (c-mean)*(c-mean) > 25*mean {
				t.Errorf("%s: %q came %v times, want about %v", pattern, s, c, mean)
			}
		}
	}
}

// Errors name what is wrong.
func TestRegexErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		`a(b`:                                   "missing closing ): a(b",
		`a\d*`:                                  `[0-9]* may be repeated without end: expected a bound, such as {0,8}`,
		`(x|y){2,}`:                             `(x|y){2,} may be repeated without end: expected a bound, such as {0,8}`,
		`[^\x00-\x{10FFFF}]`:                    `no text matches [^\x00-\x{10FFFF}]`,
		`a^b`:                                   "^ or $ within the pattern: expected them at its ends only",
		`a$b`:                                   "^ or $ within the pattern: expected them at its ends only",
		`(^a){2}`:                               "^ or $ within the pattern: expected them at its ends only",
		`a?^b`:                                  "^ or $ within the pattern: expected them at its ends only",
		`a|b^|c`:                                "^ or $ within the pattern: expected them at its ends only",
		`(a|b$)c`:                               "^ or $ within the pattern: expected them at its ends only",
		`(^a|^^b|(?:^)c?)(d$|$|$$)$`:            "",
		`(?m:^)()^()a$()\z`:                     "",
		"^" + strings.Repeat("3", 60_000) + "$": "", // and in a moment
		`[a-z ]\b[a-z ]`:                        "no text matches \\b",
		`(a{1000}){66}`:                         "invalid repeat count: {66}",
		`((abcd){500}){2}`:                      "",
		`(?:.{1000}|b){1}.{9}`:                  "",
		"\U000F0001":                            "",
		strings.Repeat(`.{999}`, 20):            "texts have up to 79920 bytes, expected at most 65536",
	} {
		_, err := newRegexText(pattern)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v\nwant %s", pattern, err, want)
		}
	}
}

// Any pattern is refused or makes texts that match it.
func FuzzRegex(f *testing.F) {
	for _, s := range []string{`a|b`, `[a-z]{5,8}-\d{3}`, `(?i:x)|(?P<n>y)`, `\Q|\E`, `[[:alpha:]\]]`, `^$`, `(?m)^a$`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		text, err := newRegexText(pattern)
		if err != nil {
			return
		}
		tree, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		rnd := seed.At(seed.Text(pattern), 1)
		b := text.append(nil, &rnd)
		if len(pattern)*len(b) > 1<<20 {
			return // Go's matching would take seconds
		}
		if !regexp.MustCompile(`\A(?:` + tree.String() + `)\z`).Match(b) {
			t.Errorf("%q: %q does not match", pattern, b)
		}
	})
}

// A composed pattern draws each part.
func TestRegexProperty(t *testing.T) {
	part := rapid.SampledFrom([]string{`a`, `[b-d]`, `\d`, `(e|ef|g)`, `(?i:h)`, `\.`, `[^x]`, `(?:i|j[k|l])`})
	rapid.Check(t, func(t *rapid.T) {
		pattern := strings.Join(rapid.SliceOfN(part, 1, 8).Draw(t, "parts"), rapid.SampledFrom([]string{"", "|", "{1,2}"}).Draw(t, "join"))
		text, err := newRegexText(pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		rnd := seed.At(rapid.Uint64().Draw(t, "key"), 1)
		if b := text.append(nil, &rnd); !regexp.MustCompile(`\A(?:` + pattern + `)\z`).Match(b) {
			t.Errorf("%s: %q does not match", pattern, b)
		}
	})
}
