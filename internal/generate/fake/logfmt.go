// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// logfmt returns an object or a row as logfmt, or null for another value.
func logfmt(r *Record, v value.Value) value.Value {
	if v.K == value.Row {
		start := len(r.Scratch)
		r.Scratch = v.Append(r.Scratch)
		v = raw(r.text(start))
	}
	n, isMap, rest := v.Items()
	if !isMap {
		return value.Null
	}
	start := len(r.Scratch)
	for i := range n {
		if i > 0 {
			r.Scratch = append(r.Scratch, ' ')
		}
		var key, member value.Value
		key, rest = value.First(rest)
		member, rest = value.First(rest)
		r.Scratch = append(appendLogfmtKey(r.Scratch, key.S()), '=')
		r.Scratch = appendLogfmt(r.Scratch, member)
	}
	return r.text(start)
}

// appendLogfmtKey appends a name. Invalid characters, and an empty name, are replaced
// by _.
func appendLogfmtKey(dst []byte, name string) []byte {
	if name == "" {
		return append(dst, '_')
	}
	for _, c := range name {
		if c <= ' ' || c == '=' || c == '"' || c == 0x7f || c == utf8.RuneError {
			c = '_'
		}
		dst = utf8.AppendRune(dst, c)
	}
	return dst
}

func appendLogfmt(dst []byte, v value.Value) []byte {
	if v.K != value.String {
		if v.K != value.Raw {
			return v.AppendJSON(dst)
		}
		return value.AppendQuoted(dst, string(v.AppendJSON(nil)))
	}
	plain := v.S() != "" && v.S() != "null" && utf8.ValidString(v.S())
	for i := 0; plain && i < len(v.S()); i++ {
		c := v.S()[i]
		plain = c > ' ' && c != '=' && c != '"' && c != '\\' && c != 0x7f
	}
	if !plain {
		return value.AppendQuoted(dst, v.S())
	}
	return append(dst, v.S()...)
}
