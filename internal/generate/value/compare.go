// SPDX-License-Identifier: Apache-2.0

package value

import (
	"cmp"
	"slices"
	"strings"
)

// Compare compares two values: numbers with numbers, texts with texts, booleans
// with booleans. Other pairs have no order: ok is false.
func Compare(a, b Value) (order int, ok bool) {
	switch {
	case a.K == String && b.K == String:
		return strings.Compare(a.S(), b.S()), true
	case a.K == Int && b.K == Int:
		return cmp.Compare(int64(a.N), int64(b.N)), true
	case (a.K == Int || a.K == Float) && (b.K == Int || b.K == Float):
		x, y := a.Float(), b.Float()
		return cmp.Compare(x, y), x == x && y == y
	case a.K == Bool && b.K == Bool:
		return int(a.N) - int(b.N), true
	case a.K == Nil && b.K == Nil:
		return 0, true
	}
	return 0, false
}

// Equal reports whether two values are equal. A number never equals a text. Arrays,
// objects and rows are equal if their contents are, in the same order.
func Equal(a, b Value) bool {
	if order, ok := Compare(a, b); ok {
		return order == 0
	}
	switch {
	case a.K == Raw && b.K == Raw:
		same, _, _ := equal(a.S(), b.S())
		return same
	case a.K == Row && b.K == Raw:
		return a.equals(b)
	case a.K == Raw && b.K == Row:
		return b.equals(a)
	case a.K == Row && b.K == Row:
		same := slices.Equal(*a.names, *b.names)
		for i, x, y := 0, a.S(), b.S(); same && i < len(*a.names); i++ {
			same, x, y = equal(x, y)
		}
		return same
	}
	return false
}

// equals reports whether a row equals an array or object.
func (v Value) equals(object Value) bool {
	n, isMap, inner := object.Items()
	if !isMap || n != len(*v.names) {
		return false
	}
	same, rest := true, v.S()
	for _, name := range *v.names {
		var key Value
		if key, inner = First(inner); key.S() != name {
			return false
		}
		if same, rest, inner = equal(rest, inner); !same {
			return false
		}
	}
	return true
}

// equal compares the first values of two MessagePack sequences, and returns the rest
// of each if they are equal.
func equal(a, b string) (same bool, restA, restB string) {
	v, n, isMap, after := open(Bytes(a))
	w, m, isMap2, after2 := open(Bytes(b))
	restA, restB = a[len(a)-len(after):], b[len(b)-len(after2):]
	if v.K != Raw || w.K != Raw {
		order, ok := Compare(v, w)
		return ok && order == 0, restA, restB
	}
	if n != m || isMap != isMap2 {
		return false, "", ""
	}
	if isMap {
		n *= 2
	}
	for range n {
		if same, restA, restB = equal(restA, restB); !same {
			return false, "", ""
		}
	}
	return true, restA, restB
}
