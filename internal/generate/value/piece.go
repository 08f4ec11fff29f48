// SPDX-License-Identifier: Apache-2.0

package value

import "unsafe"

// Reach is the number of bytes that AppendPiece may read and write at once.
const Reach = 32

// Piece returns a copy of s for AppendPiece, followed by Reach more bytes.
func Piece(s string) []byte {
	return append(append(make([]byte, 0, len(s)+Reach), s...), make([]byte, Reach)...)
}

// block is Reach bytes that the compiler moves in registers. It would copy an array of
// bytes with a call, because source and destination might overlap.
type block struct{ a, b, c, d uint64 }

// AppendPiece appends the first n bytes of b, which has at least Reach more. It
// copies a short text of any length by one move of a constant size: records consist
// mostly of short texts, and a branch on their length is unpredictable. Bytes after
// the end of dst, up to its capacity, may be overwritten.
func AppendPiece(dst, b []byte, n int) []byte {
	at := len(dst)
	if n <= Reach && cap(dst)-at >= Reach {
		d := dst[at : at+Reach]
		*(*block)(unsafe.Pointer(unsafe.SliceData(d))) = *(*block)(unsafe.Pointer(unsafe.SliceData(b[:Reach])))
		return dst[:at+n]
	}
	return append(dst, b[:n]...)
}

// Block returns Reach bytes from the start of the text of a string of at most Reach
// bytes, or nil if those cannot be read.
func (v Value) Block() *[Reach]byte {
	if v.N > wide+Reach || v.N < wide {
		return nil
	}
	return (*[Reach]byte)(v.p)
}

// AppendS appends S, the text of a string, with AppendPiece if possible.
func (v Value) AppendS(dst []byte) []byte {
	if b := v.Block(); b != nil {
		return AppendPiece(dst, b[:], int(v.N&^wide))
	}
	return append(dst, v.S()...)
}
