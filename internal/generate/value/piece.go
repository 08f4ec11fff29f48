// SPDX-License-Identifier: Apache-2.0

package value

import "unsafe"

// Reach is how many bytes AppendPiece may read, and write, at once.
const Reach = 32

// Piece returns a copy of s for AppendPiece: its bytes, and Reach more.
func Piece(s string) []byte {
	return append(append(make([]byte, 0, len(s)+Reach), s...), make([]byte, Reach)...)
}

// block is Reach bytes that are moved through registers. An array of bytes would be
// moved by a call, since it might overlap with where it goes.
type block struct{ a, b, c, d uint64 }

// AppendPiece appends the first n bytes of b, which has at least Reach more. A
// short text is copied by one move of a constant size, whatever its length: most
// of a record is made of those, and a branch that depends on a length can't be
// predicted. Bytes after the end of dst, up to its capacity, may be
// overwritten.
func AppendPiece(dst, b []byte, n int) []byte {
	at := len(dst)
	if n <= Reach && cap(dst)-at >= Reach {
		d := dst[at : at+Reach]
		*(*block)(unsafe.Pointer(unsafe.SliceData(d))) = *(*block)(unsafe.Pointer(unsafe.SliceData(b[:Reach])))
		return dst[:at+n]
	}
	return append(dst, b[:n]...)
}

// Block returns the text of a string, if it has at most Reach bytes, and what
// follows it, Reach bytes together; nil if those cannot be read.
func (v Value) Block() *[Reach]byte {
	if v.N > wide+Reach || v.N < wide {
		return nil
	}
	return (*[Reach]byte)(v.p)
}

// AppendS appends S, the text of a string, as AppendPiece does if that can be.
func (v Value) AppendS(dst []byte) []byte {
	if b := v.Block(); b != nil {
		return AppendPiece(dst, b[:], int(v.N&^wide))
	}
	return append(dst, v.S()...)
}
