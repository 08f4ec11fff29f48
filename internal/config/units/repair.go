// SPDX-License-Identifier: Apache-2.0

package units

import (
	"regexp"
	"slices"
	"strings"
)

// words are the units in words.
var words = map[string]string{
	"nanosecond": "ns", "nsec": "ns", "nanos": "ns",
	"microsecond": "us", "usec": "us", "micros": "us",
	"millisecond": "ms", "msec": "ms", "millis": "ms",
	"second": "s", "sec": "s",
	"minute": "m", "min": "m",
	"hour": "h", "hr": "h",
	"day":      "d",
	"thousand": "k", "kilo": "k", "million": "M", "mio": "M", "mega": "M", "billion": "G", "giga": "G",
	"byte": "B", "bytes": "B", "percent": "%", "rps": "/s", "hertz": "/s", "hz": "/s",
	"kilobyte": "kB", "megabyte": "MB", "gigabyte": "GB",
}

var (
	per       = regexp.MustCompile(`(?i)\s+(per|an?)\s+`)
	between   = regexp.MustCompile(`(\d)[\s_'](\d{3})`)
	apart     = regexp.MustCompile(`\d\s+\d`)
	thousands = regexp.MustCompile(`(\d),(\d{3})\b`)
	word      = regexp.MustCompile(`\pL{2,}`)
	spaces    = strings.NewReplacer(" ", "", "\t", "")
)

// repairs returns corrected spellings of a text, which may be valid.
func repairs(text string) []string {
	if len(text) > maxNumber {
		return nil
	}
	s := per.ReplaceAllString(text, "/")
	for range 2 { // matches overlap in 1_2_3
		s = between.ReplaceAllString(s, "$1$2")
		s = thousands.ReplaceAllString(s, "$1$2")
	}
	if apart.MatchString(s) {
		return nil // two numbers
	}
	s = spaces.Replace(s)
	s = strings.Replace(s, ",", ".", 1)
	return []string{s, word.ReplaceAllStringFunc(s, unitOf)}
}

// unitOf returns the unit with a name, or the name.
func unitOf(w string) string {
	lower := strings.ToLower(w)
	for _, name := range []string{lower, strings.TrimSuffix(lower, "s")} {
		if unit, ok := words[name]; ok {
			return unit
		}
	}
	if len(lower) < 4 { // too short to guess
		return w
	}
	names := make([]string, 0, 2*len(words))
	for name := range words {
		if len(name) > 3 {
			names = append(names, name, name+"s")
		}
	}
	if near := Nearest(lower, slices.Sorted(slices.Values(names))); near != "" {
		if unit, ok := words[near]; ok {
			return unit
		}
		return words[strings.TrimSuffix(near, "s")]
	}
	return w
}
