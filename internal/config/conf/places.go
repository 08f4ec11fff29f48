// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"strconv"
	"strings"
)

// places returns the offset in the file of each byte of text, the scalar at start
// without surrounding white space, and of its end. The YAML package has the position of
// a scalar only.
//
// It aligns the text with the file. Both have the same characters in the same order,
// except for escapes, indentation and folded lines, which differ in white space. It
// returns false if they do not match.
func places(f *file, start int, text string) (func(int) int, bool) {
	s, i := f.text, start
	if i >= len(s) {
		return nil, false
	}
	style := s[start]
	switch style {
	case '"', '\'':
		i++
	case '|', '>': // the content begins on the next line
		if i = strings.IndexByte(s[start:], '\n') + start; i < start {
			i = len(s)
		}
	}
	var from []int
	for rest := text; rest != ""; {
		as, n := "", 1 // the next bytes of the text, and their length in the file
		switch {
		case i >= len(s):
			return nil, false
		case style == '"' && s[i] == '\\':
			if as, n = unescape(s[i:]); !strings.HasPrefix(rest, as) {
				if strings.Trim(as, space) != "" {
					return nil, false
				}
				as = ""
			}
		case style == '\'' && strings.HasPrefix(s[i:], "''") && rest[0] == '\'':
			as, n = "'", 2
		case s[i] == rest[0]:
			as = rest[:1]
		case isSpace(s[i]) && isSpace(rest[0]): // a folded line
			as, n = rest[:1], 0
		case !isSpace(s[i]):
			return nil, false
		}
		for range len(as) {
			from = append(from, i)
		}
		rest = rest[len(as):]
		i += n
	}
	return func(offset int) int {
		if offset < len(from) {
			return from[offset]
		}
		return i
	}, true
}

func isSpace(c byte) bool { return strings.IndexByte(space, c) >= 0 }

// escapes are the single characters after a backslash in double quotes, and their text.
var escapes = strings.NewReplacer(`0`, "\x00", `a`, "\a", `b`, "\b", `t`, "\t", `n`, "\n", `v`, "\v", `f`, "\f", `r`, "\r", `e`, "\x1b",
	`N`, "\u0085", `_`, "\u00a0", `L`, "\u2028", `P`, "\u2029", "\n", "")

// unescape returns the text of the escape at the start of s, and its length.
func unescape(s string) (text string, n int) {
	if len(s) < 2 {
		return "", len(s)
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits == 0 {
		return escapes.Replace(s[1:2]), 2
	}
	hex := func(s string, n int) rune {
		v, _ := strconv.ParseUint(s[:min(n, len(s))], 16, 32)
		return rune(v)
	}
	r, n := hex(s[2:], digits), min(2+digits, len(s))
	if digits == 4 && r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(s[n:], `\u`) {
		r = 0x10000 + (r-0xd800)<<10 + (hex(s[n+2:], 4) - 0xdc00)
		n = min(n+6, len(s))
	}
	return string(r), n
}
