// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/seed"
)

var patterns = []Func{
	{
		Name: "regex", Section: secText, Result: "string", Example: "regex `[A-Z]{3}-\\d{4,6}`",
		Doc: "A text that matches PATTERN, in Go's syntax of regular expressions; backquotes keep its backslashes. Alternatives, the characters of a class and numbers of " +
			"repeats are each equally likely. Repeats must have a bound: write `{0,8}` instead of `*`. " +
			"`.`, `[^,]` and other classes without an end are printable ASCII; `^` and `$` may only be at the ends.",
		Args: []Arg{{Name: "PATTERN", Type: Text}},
		build: func(c *Call) (Gen, error) {
			text, err := newRegexText(c.str(0))
			if err != nil {
				return nil, argErr(0, "regex: %v", err)
			}
			place := c.Place
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				return text.append(dst, &rnd)
			}), nil
		},
	},
}

// maxRegexText is the longest text of a pattern, in bytes.
const maxRegexText = 64 << 10

// regexText is a part of a pattern, from which texts are generated. It has either parts
// in sequence, or alternatives, or a set of characters, or a text.
type regexText struct {
	text     string
	set      []rune // pairs of the first and the last
	size     uint64 // of the set
	parts    []regexText
	anyOf    bool   // one of the parts, not all
	min, max uint64 // number of repeats
}

// newRegexText returns the parts of a pattern, or an error if no text matches.
func newRegexText(pattern string) (*regexText, error) {
	if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
		if e, ok := errors.AsType[*syntax.Error](err); ok {
			return nil, fmt.Errorf("%s: %s", e.Code, e.Expr)
		}
		return nil, err
	}
	tree, err := syntax.Parse(markAlternatives(pattern), syntax.Perl)
	if err != nil {
		return nil, err
	}
	text, longest, err := regexPart(tree, true, true)
	switch {
	case err != nil:
		return nil, err
	case longest > maxRegexText:
		return nil, fmt.Errorf("texts have up to %d bytes, expected at most %d", longest, maxRegexText)
	}
	return &text, nil
}

// mark is an empty group, which begins each alternative. The parser joins alternatives
// that begin alike, so that ab|ac|d would have d as often as the other two together. Each
// group is different.
const mark = "()"

// tokens matches what a valid pattern consists of, as far as it matters to find its
// alternatives: a quoted text, an escape, the beginning of a group or flags without one, a
// class, or a character.
var tokens = regexp.MustCompile(`(?s)\\Q.*?(?:\\E|$)|\\.|\(\?(?:P?<\w+>|[a-zA-Z-]*[:)])|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|.`)

// markAlternatives begins each alternative of a pattern with a mark.
func markAlternatives(pattern string) string {
	return mark + tokens.ReplaceAllStringFunc(pattern, func(token string) string {
		if token == "|" || token == "(" || strings.HasPrefix(token, "(?") && !strings.HasSuffix(token, ")") {
			return token + mark
		}
		return token
	})
}

// isMark reports whether a part of a pattern is a mark.
func isMark(tree *syntax.Regexp) bool {
	return tree.Op == syntax.OpCapture && tree.Sub[0].Op == syntax.OpEmptyMatch
}

// withoutMarks returns the text of a part of a pattern.
func withoutMarks(tree *syntax.Regexp) string { return strings.ReplaceAll(tree.String(), mark, "") }

// isEmpty reports whether no text of a part of a pattern has a character.
func isEmpty(tree *syntax.Regexp) bool {
	switch tree.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText:
		return true
	case syntax.OpConcat, syntax.OpAlternate, syntax.OpCapture:
		return !slices.ContainsFunc(tree.Sub, func(sub *syntax.Regexp) bool { return !isEmpty(sub) })
	}
	return false
}

// regexPart converts a part of a pattern, and returns the maximum length of its texts, in
// bytes. first and last report whether a text of the pattern begins and ends with it.
func regexPart(tree *syntax.Regexp, first, last bool) (part regexText, longest uint64, err error) {
	part.min, part.max = 1, 1
	switch tree.Op {
	case syntax.OpEmptyMatch:
		return part, 0, nil
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpEndLine, syntax.OpEndText:
		if begin := tree.Op == syntax.OpBeginLine || tree.Op == syntax.OpBeginText; begin && !first || !begin && !last {
			return part, 0, errors.New("^ or $ within the pattern: expected them at its ends only")
		}
		return part, 0, nil
	case syntax.OpLiteral:
		part.literal(tree)
	case syntax.OpCharClass:
		part.class(tree.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		part.class([]rune{0, unicode.MaxRune})
	case syntax.OpStar, syntax.OpPlus:
		return part, 0, unboundedRepeat(tree)
	case syntax.OpQuest:
		part.min = 0
	case syntax.OpRepeat:
		if tree.Max < 0 {
			return part, 0, unboundedRepeat(tree)
		}
		part.min, part.max = uint64(tree.Min), uint64(tree.Max)
		if part.max > 1 {
			first, last = false, false
		}
	case syntax.OpAlternate:
		part.anyOf = true
	case syntax.OpConcat, syntax.OpCapture:
	default:
		return part, 0, fmt.Errorf("no text matches %s", withoutMarks(tree))
	}
	if tree.Op == syntax.OpCharClass && len(part.set) == 0 {
		return part, 0, fmt.Errorf("no text matches %s", withoutMarks(tree))
	}
	if part.size = setSize(part.set); part.size > 0 {
		return part, utf8.UTFMax, nil
	}
	longest = uint64(len(part.text) + utf8.UTFMax*len(part.parts))
	end := len(tree.Sub) // of the parts before which no text ends
	for tree.Op == syntax.OpConcat && end > 0 && isEmpty(tree.Sub[end-1]) {
		end--
	}
	for i, sub := range tree.Sub {
		if isMark(sub) && !part.anyOf {
			continue
		}
		p, n, err := regexPart(sub, first, last && (i >= end-1 || part.anyOf))
		if err != nil {
			return part, 0, err
		}
		part.parts = append(part.parts, p)
		first = first && (part.anyOf || isEmpty(sub))
		if part.anyOf {
			longest = max(longest, n)
		} else {
			longest += n
		}
	}
	if len(part.parts) == 1 && part.min == 1 && part.max == 1 {
		return part.parts[0], longest, nil
	}
	return part, longest * max(part.max, 1), nil
}

// literal sets the part to a text, in which letters may be upper or lower case.
func (p *regexText) literal(tree *syntax.Regexp) {
	for _, r := range tree.Rune {
		if other := unicode.SimpleFold(r); tree.Flags&syntax.FoldCase != 0 && r < utf8.RuneSelf {
			for other >= utf8.RuneSelf { // the Kelvin sign is a k
				other = unicode.SimpleFold(other)
			}
			p.parts = append(p.parts, regexText{set: []rune{r, r, other, other}, size: 2, min: 1, max: 1})
			continue
		}
		p.parts = append(p.parts, regexText{text: string(r), min: 1, max: 1})
	}
	if !slices.ContainsFunc(p.parts, func(q regexText) bool { return q.size > 0 }) {
		p.text, p.parts = string(tree.Rune), nil
	}
}

// class sets the part to a set of characters. A set that includes the last character of
// Unicode is probably a complement: only its printable ASCII is used, if there is any.
func (p *regexText) class(pairs []rune) {
	within := func(first, last rune) (set []rune) {
		for i := 0; i < len(pairs); i += 2 {
			if lo, hi := max(pairs[i], first), min(pairs[i+1], last); lo <= hi {
				set = append(set, lo, hi)
			}
		}
		return set
	}
	if len(pairs) > 0 && pairs[len(pairs)-1] == unicode.MaxRune {
		if p.set = within(' ', '~'); len(p.set) > 0 {
			return
		}
	}
	p.set = append(within(0, 0xD7FF), within(0xE000, unicode.MaxRune)...) // no surrogates, which are not characters
}

func setSize(set []rune) (size uint64) {
	for i := 0; i < len(set); i += 2 {
		size += uint64(set[i+1]-set[i]) + 1
	}
	return size
}

func unboundedRepeat(tree *syntax.Regexp) error {
	return fmt.Errorf("%s may be repeated without end: expected a bound, such as {0,8}", withoutMarks(tree))
}

// append appends a text.
func (p *regexText) append(dst []byte, rnd *seed.Rand) []byte {
	n := p.min
	if p.max > p.min {
		n += rnd.Below(p.max - p.min + 1)
	}
	for range n {
		switch {
		case p.size > 0:
			dst = appendRuneOf(dst, p.set, rnd.Below(p.size))
		case p.anyOf:
			dst = p.parts[rnd.Below(uint64(len(p.parts)))].append(dst, rnd)
		default:
			dst = append(dst, p.text...)
			for i := range p.parts {
				dst = p.parts[i].append(dst, rnd)
			}
		}
	}
	return dst
}

// appendRuneOf appends character i of a set.
func appendRuneOf(dst []byte, set []rune, i uint64) []byte {
	for ; ; set = set[2:] {
		n := uint64(set[1]-set[0]) + 1
		if i < n {
			return utf8.AppendRune(dst, set[0]+rune(i))
		}
		i -= n
	}
}
