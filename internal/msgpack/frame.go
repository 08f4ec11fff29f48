// SPDX-License-Identifier: Apache-2.0

package msgpack

// Frame finds the end of a value that arrives in pieces. It reads each byte once, for
// any size of the pieces, and needs no stack for nested values.
type Frame struct {
	at   int    // offset of the next header, or the end of the complete value
	left uint64 // number of values still expected; 0 if the value is complete
}

// NewFrame returns a frame of the value at the front of a buffer.
func NewFrame() Frame { return Frame{left: 1} }

// Next continues with b, which contains all that has arrived, and returns the size
// of the value. The error is ErrShort if the value is not complete, ErrTooLarge if it
// has more than max bytes, ErrInvalid if it is not MessagePack.
func (f *Frame) Next(b []byte, max int) (size int, err error) {
	for f.left > 0 {
		if uint64(max-min(f.at, max)) < f.left {
			return 0, ErrTooLarge // each value has at least one byte
		}
		if f.at >= len(b) {
			return 0, ErrShort
		}
		h := Read(b[f.at:])
		switch h.Kind {
		case Invalid:
			return 0, ErrInvalid
		case Incomplete:
			return 0, ErrShort
		}
		n := h.Payload()
		if n > uint64(max) || f.at+h.Size+int(n) > max {
			return 0, ErrTooLarge
		}
		if len(b)-f.at-h.Size < int(n) {
			return 0, ErrShort
		}
		f.at += h.Size + int(n)
		f.left += h.Values() - 1
	}
	return f.at, nil
}

// Skip returns the bytes after the value at the front of b. It takes one pass, for any
// nesting depth.
func Skip(b []byte) (rest []byte, err error) {
	if h := Read(b); h.Kind > Incomplete && h.Kind < Array {
		if n := h.Payload(); n <= uint64(len(b)-h.Size) {
			return b[h.Size+int(n):], nil
		}
	}
	f := NewFrame()
	n, err := f.Next(b, len(b))
	return b[n:], err
}

// Member returns where the value of a member of the map at the front of b begins and ends.
// Of several members of that name, it is the first. Both are 0 if there is none.
func Member(b []byte, name string) (at, end int) {
	h := Read(b)
	if h.Kind != Map {
		return 0, 0
	}
	rest := b[h.Size:]
	for range h.N {
		key, value, after, err := Pair(rest)
		if err != nil {
			return 0, 0
		}
		if k := Read(key); k.Kind == String && string(key[k.Size:]) == name {
			end = len(b) - len(after)
			return end - len(value), end
		}
		rest = after
	}
	return 0, 0
}

// Pair returns the two values at the front of b, as in a map, and the bytes after them.
func Pair(b []byte) (key, value, rest []byte, err error) {
	after, err := Skip(b)
	if err != nil {
		return nil, nil, b, err
	}
	if rest, err = Skip(after); err != nil {
		return nil, nil, b, err
	}
	return b[:len(b)-len(after)], after[:len(after)-len(rest)], rest, nil
}
