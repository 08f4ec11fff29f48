// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The YAML package has the position of the start of a scalar, not of each of its
// characters. So the scalar is read here once more: if that gives the same
// text, the places are right.

// placed is a text that grows along with the places of its bytes.
type placed struct {
	text []byte
	from []int
}

func (p *placed) add(s string, from int, one bool) {
	for i := range len(s) {
		p.text = append(p.text, s[i])
		if one {
			p.from = append(p.from, from)
		} else {
			p.from = append(p.from, from+i)
		}
	}
}

// places returns where the bytes of a scalar stand that begins at start and is
// text, white space around it removed.
func places(f *file, start int, text string) (func(int) int, bool) {
	if start >= len(f.text) {
		return nil, false
	}
	var p placed
	switch f.text[start] {
	case '"':
		p.double(f.text, start+1)
	case '\'':
		p.single(f.text, start+1)
	case '|', '>':
		p.block(f, start, -1)
		// With an indentation of its own, as in |2, the block's first line
		// may be indented further: that of the parent counts as well,
		// which is not known here.
		for indent := 1; indent < maxYAMLDepth; indent++ {
			if _, ok := p.found(start, text); ok {
				break
			}
			p = placed{}
			p.block(f, start, indent)
		}
	default:
		p.plain(f.text, start, len(text))
	}
	return p.found(start, text)
}

// found returns where the bytes of text stand, if text is what was read.
func (p *placed) found(start int, text string) (func(int) int, bool) {
	all := string(p.text)
	at := strings.Index(all, text)
	if at < 0 || strings.Trim(all[:at], space) != "" {
		return nil, false
	}
	return func(offset int) int {
		switch i := at + offset; {
		case i < len(p.from):
			return p.from[i]
		case len(p.from) > 0:
			return p.from[len(p.from)-1] + 1
		default:
			return start
		}
	}, true
}

// fold reads a line break within a quoted or plain scalar, with the white space
// around it, and returns where to go on.
func (p *placed) fold(s string, i int) int {
	for n := len(p.text); n > 0 && (p.text[n-1] == ' ' || p.text[n-1] == '\t'); n = len(p.text) {
		p.text, p.from = p.text[:n-1], p.from[:n-1]
	}
	at, breaks := i, 0
	for ; i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0; i++ {
		if s[i] == '\n' {
			breaks++
		}
	}
	if breaks == 1 {
		p.add(" ", at, true)
	} else {
		p.add(strings.Repeat("\n", breaks-1), at, true)
	}
	return i
}

func atBreak(s string, i int) bool {
	return s[i] == '\n' || s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n'
}

func (p *placed) single(s string, i int) {
	for i < len(s) {
		switch {
		case strings.HasPrefix(s[i:], "''"):
			p.add("'", i, true)
			i += 2
		case s[i] == '\'':
			return
		case atBreak(s, i):
			i = p.fold(s, i)
		default:
			p.add(s[i:i+1], i, false)
			i++
		}
	}
}

func (p *placed) double(s string, i int) {
	simple := map[byte]string{
		'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
		' ': " ", '"': `"`, '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
	}
	for i < len(s) {
		switch {
		case s[i] == '"':
			return
		case atBreak(s, i):
			i = p.fold(s, i)
		case s[i] != '\\':
			p.add(s[i:i+1], i, false)
			i++
		case i+1 >= len(s):
			return
		case s[i+1] == '\n':
			// An escaped line break joins the lines.
			for i += 2; i < len(s) && (s[i] == ' ' || s[i] == '\t'); i++ {
			}
		default:
			digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i+1]]
			if digits == 0 {
				p.add(simple[s[i+1]], i, true)
				i += 2
				continue
			}
			r, n := hexRune(s, i+2, digits)
			if digits == 4 && r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(s[i+2+n:], `\u`) {
				low, m := hexRune(s, i+4+n, 4)
				r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
				n += 2 + m
			}
			p.add(string(utf8.AppendRune(nil, r)), i, true)
			i += 2 + n
		}
	}
}

func hexRune(s string, i, digits int) (r rune, n int) {
	n = min(digits, max(len(s)-i, 0))
	v, _ := strconv.ParseUint(s[min(i, len(s)):min(i, len(s))+n], 16, 32)
	return rune(v), n
}

// plain reads as much as gives size bytes: what ends a plain scalar depends on
// all around it.
func (p *placed) plain(s string, i, size int) {
	for i < len(s) && len(p.text) < size {
		if atBreak(s, i) {
			i = p.fold(s, i)
			continue
		}
		p.add(s[i:i+1], i, false)
		i++
	}
}

// block reads a literal (|) or folded (>) scalar whose lines are indented by
// indent characters, or as the first one is.
func (p *placed) block(f *file, start, indent int) {
	folded := f.text[start] == '>'
	line := f.pos(start).Line // of the header; in f.lines that is the next one
	breaks, more := 0, false
	for ; line < len(f.lines); line++ {
		from := f.lines[line]
		to := len(f.text)
		if line+1 < len(f.lines) {
			to = f.lines[line+1] - 1
		}
		text := strings.TrimSuffix(f.text[from:to], "\r")
		lead := len(text) - len(strings.TrimLeft(text, " "))
		blank := strings.Trim(text, " \t") == ""
		if blank && (indent < 0 || len(text) <= indent) {
			breaks++
			continue
		}
		if indent < 0 {
			indent = lead
		}
		if lead < indent && !blank {
			return
		}
		body := text[min(indent, len(text)):]
		// Folding joins two lines unless one of them is indented further.
		deeper := strings.HasPrefix(body, " ") || strings.HasPrefix(body, "\t")
		if len(p.text) > 0 {
			switch {
			case !folded || deeper || more:
				p.add(strings.Repeat("\n", breaks+1), from-1, true)
			case breaks == 0:
				p.add(" ", from-1, true)
			default:
				p.add(strings.Repeat("\n", breaks), from-1, true)
			}
		}
		breaks, more = 0, deeper
		p.add(body, from+min(indent, len(text)), false)
	}
}
