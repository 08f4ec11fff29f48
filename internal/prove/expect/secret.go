// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/url"
	"slices"

	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// shortSecret is the length, in bytes, below which a secret is looked for between
// characters that are neither letters nor digits: three digits are part of many
// numbers.
const shortSecret = 6

// form is a secret in one encoding.
type form struct {
	encoding string // "" is as it is
	text     []byte
}

// speller spells secrets in all encodings. Its results are valid until the next call.
type speller struct {
	forms  []form
	buf    []byte // of base64
	padded []byte
}

// of returns the forms of a secret, without those in base64 that are longer than longest,
// in bytes.
func (s *speller) of(secret []byte, longest int) []form {
	s.forms, s.buf = append(s.forms[:0], form{"", secret}), s.buf[:0]
	if !isPlain(secret) {
		s.escaped(secret)
	}
	if len(secret) >= shortSecret && longest >= leastBase64(len(secret)) {
		s.base64(secret)
	}
	return s.forms
}

// leastBase64 returns the length of the shortest form in base64 of a secret of n bytes: it
// has all groups of three bytes but for the first and the last one.
func leastBase64(n int) int { return (n - 2) / 3 * 4 }

// isPlain reports whether a text has only letters and digits of ASCII, which no encoding
// escapes.
func isPlain(text []byte) bool {
	for _, c := range text {
		if !isWord(c) || c >= 0x80 {
			return false
		}
	}
	return true
}

// escaped adds the forms in URLs and in JSON.
func (s *speller) escaped(secret []byte) {
	if escaped := url.QueryEscape(string(secret)); escaped != string(secret) {
		s.forms = append(s.forms, form{"URL", []byte(escaped)})
		if path := url.PathEscape(string(secret)); path != escaped && path != string(secret) {
			s.forms = append(s.forms, form{"URL", []byte(path)})
		}
	}
	if quoted, err := json.Marshal(string(secret)); err == nil && len(quoted)-2 != len(secret) {
		s.forms = append(s.forms, form{"JSON", quoted[1 : len(quoted)-1]})
	}
}

// base64 adds the forms in base64. In a longer text, it begins at one of three bits, and
// the characters at both ends depend on what is around it.
func (s *speller) base64(secret []byte) {
	for shift := range 3 {
		s.padded = append(append(s.padded[:0], "\x00\x00"[:shift]...), secret...)
		whole, from := len(s.padded)/3*3, 0
		if shift > 0 {
			from = 3
		}
		if whole-from < 3 {
			continue
		}
		at := len(s.buf)
		s.buf = base64.RawStdEncoding.AppendEncode(s.buf, s.padded[from:whole])
		text := s.buf[at:len(s.buf):len(s.buf)]
		s.forms = append(s.forms, form{"base64", text})
		if bytes.IndexByte(text, '+') >= 0 || bytes.IndexByte(text, '/') >= 0 {
			s.forms = append(s.forms, form{"base64", base64.RawURLEncoding.AppendEncode(nil, s.padded[from:whole])})
		}
	}
}

// leak is a place where a secret was found.
type leak struct {
	path, encoding string
}

// finder looks for secrets in a body: begin, then find for each.
type finder struct {
	speller
	text    []byte
	right   []string  // paths of members that are as expected
	numbers []float64 // in the body
	longest int       // text in it, in bytes
}

// begin begins a body. Most have no secret, which numbers and longest show at once.
func (f *finder) begin(b []byte) {
	f.numbers, f.longest = f.numbers[:0], 0
	for len(b) > 0 {
		h := msgpack.Read(b)
		switch h.Kind {
		case msgpack.Integer:
			n := float64(h.N)
			if h.Negative {
				n = -n
			}
			f.numbers = append(f.numbers, n)
		case msgpack.Float:
			f.numbers = append(f.numbers, math.Float64frombits(h.N))
		case msgpack.String, msgpack.Binary:
			f.longest = max(f.longest, int(min(h.N, math.MaxInt32)))
		}
		size := uint64(h.Size) + h.Payload()
		if size == 0 || size > uint64(len(b)) {
			return // not MessagePack, of which walk finds no more
		}
		b = b[size:]
	}
}

// find returns where a secret is in a body, if it is. A short one may be equal to the
// value of a member that is as expected, which are those of right.
func (f *finder) find(secret value.Value, b []byte, right []string) (leak, bool) {
	if secret.K == value.Nil || secret.K == value.Omit {
		return leak{}, false
	}
	f.text = secret.AppendText(f.text[:0])
	if len(f.text) == 0 {
		return leak{}, false
	}
	f.of(f.text, f.longest)
	hit := slices.ContainsFunc(f.forms, func(form form) bool { return bytes.Contains(b, form.text) })
	if f.right = right; len(f.text) >= shortSecret {
		f.right = nil
	}
	number, isNumber := 0.0, false
	if len(f.numbers) > 0 {
		number, isNumber = numberOf(secret, f.text)
	}
	if !hit && !(isNumber && slices.Contains(f.numbers, number)) {
		return leak{}, false
	}
	return f.walk(b, "", number, isNumber)
}

// numberOf returns a secret as a number, if it is one, or the text of one. Other texts, which
// most are, cost no error.
func numberOf(secret value.Value, text []byte) (float64, bool) {
	if secret.K != value.String {
		return secret.Number()
	}
	whole, n := 0 < len(text) && len(text) < 20, uint64(0)
	for _, c := range text {
		digit := c - '0'
		if digit > 9 {
			if bytes.IndexByte([]byte("+-.eE"), c) < 0 {
				return 0, false
			}
			whole = false
		}
		n = 10*n + uint64(digit)
	}
	if whole {
		return float64(n), true
	}
	return secret.Number()
}

func (f *finder) walk(v []byte, path string, number float64, isNumber bool) (leak, bool) {
	if slices.Contains(f.right, path) {
		return leak{}, false
	}
	h := msgpack.Read(v)
	switch h.Kind {
	case msgpack.String, msgpack.Binary:
		for _, form := range f.forms {
			if holds(v[h.Size:], form.text) {
				return leak{path, form.encoding}, true
			}
		}
	case msgpack.Integer, msgpack.Float:
		got, _ := value.First(string(v))
		if n, ok := got.Number(); isNumber && ok && n == number {
			return leak{path, ""}, true
		}
	case msgpack.Map:
		for _, m := range appendMembers(make(members, 0, 16), v) {
			p := string(m.name)
			if path != "" {
				p = path + "." + p
			}
			if l, ok := f.walk(m.value, p, number, isNumber); ok {
				return l, true
			}
		}
	case msgpack.Array:
		for _, e := range appendElements(make([][]byte, 0, 16), v) {
			if l, ok := f.walk(e, path+"[]", number, isNumber); ok {
				return l, true
			}
		}
	}
	return leak{}, false
}

// holds reports whether a text has a secret in it.
func holds(text, secret []byte) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], secret)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(secret)
		if len(secret) >= shortSecret || (from == 0 || !isWord(text[from-1])) && (to == len(text) || !isWord(text[to])) {
			return true
		}
		at = from + 1
	}
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// mask replaces all forms of the secrets in a text.
func mask(text []byte, secrets [][]form) []byte {
	for _, forms := range secrets {
		for _, f := range forms {
			if len(f.text) > 1 {
				text = bytes.ReplaceAll(text, f.text, []byte("***"))
			}
		}
	}
	return text
}
