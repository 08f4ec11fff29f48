// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// appendLogfmtKey appends a name: it can't have spaces, quotes or = in it, nor
// be empty.
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
