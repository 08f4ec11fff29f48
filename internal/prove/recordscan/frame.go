// SPDX-License-Identifier: Apache-2.0

package recordscan

import "encoding/binary"

// Frame finds the end of a MessagePack value that comes in pieces. Each byte is
// looked at once, whatever the pieces; nothing is deeper than another, so that
// nesting costs nothing.
type Frame struct {
	at   int    // the next header, or the end of the value before
	left uint64 // values that are yet to come; 0 is the end
}

// NewFrame begins at the front of a buffer.
func NewFrame() Frame { return Frame{left: 1} }

// Len returns the length of the value, once Next has returned nil.
func (f *Frame) Len() int { return f.at }

// Next goes on with b, which has all pieces that have come. It returns ErrShort
// if the value is not there as a whole, ErrTooLarge if it is longer than max
// bytes, ErrBad if it is none.
func (f *Frame) Next(b []byte, max int) error {
	for f.left > 0 {
		if uint64(max-min(f.at, max)) < f.left {
			return ErrTooLarge // each value has a byte at least
		}
		if f.at >= len(b) {
			return ErrShort
		}
		c := b[f.at]
		head, size, values := 1, uint64(0), uint64(0)
		switch {
		case c < 0x80 || c >= 0xe0:
		case c < 0x90:
			values = 2 * uint64(c&0x0f)
		case c < 0xa0:
			values = uint64(c & 0x0f)
		case c < 0xc0:
			size = uint64(c & 0x1f)
		default:
			k := kinds0xc0[c-0xc0]
			if k.bad {
				return ErrBad
			}
			head += k.width
			if len(b)-f.at < head {
				return ErrShort
			}
			n := uint64(0)
			switch k.width {
			case 1:
				n = uint64(b[f.at+1])
			case 2:
				n = uint64(binary.BigEndian.Uint16(b[f.at+1:]))
			case 4:
				n = uint64(binary.BigEndian.Uint32(b[f.at+1:]))
			}
			size, values = k.fixed+n*k.each, n*k.values
		}
		if size > uint64(max) || f.at+head+int(size) > max {
			return ErrTooLarge
		}
		// A value that has not come as a whole is only skipped when it has.
		if len(b)-f.at-head < int(size) {
			return ErrShort
		}
		f.at += head + int(size)
		f.left += values - 1
	}
	return nil
}

// kind is what stands behind a header.
type kind struct {
	width  int    // bytes of the count
	fixed  uint64 // bytes behind it
	each   uint64 // bytes for each of the count
	values uint64 // values for each of the count
	bad    bool
}

// kinds0xc0 are the kinds of the headers from 0xc0 to 0xdf.
var kinds0xc0 = [32]kind{
	{}, {bad: true}, {}, {}, // nil, -, false, true
	{width: 1, each: 1}, {width: 2, each: 1}, {width: 4, each: 1}, // bin
	{width: 1, fixed: 1, each: 1}, {width: 2, fixed: 1, each: 1}, {width: 4, fixed: 1, each: 1}, // ext
	{fixed: 4}, {fixed: 8}, // float
	{fixed: 1}, {fixed: 2}, {fixed: 4}, {fixed: 8}, // uint
	{fixed: 1}, {fixed: 2}, {fixed: 4}, {fixed: 8}, // int
	{fixed: 2}, {fixed: 3}, {fixed: 5}, {fixed: 9}, {fixed: 17}, // fixext
	{width: 1, each: 1}, {width: 2, each: 1}, {width: 4, each: 1}, // str
	{width: 2, values: 1}, {width: 4, values: 1}, // array
	{width: 2, values: 2}, {width: 4, values: 2}, // map
}

// Skip returns what is behind the MessagePack value at the front of b. However
// deep that nests, it takes no more than a pass.
func Skip(b []byte) (rest []byte, err error) {
	f := NewFrame()
	if err := f.Next(b, len(b)); err != nil {
		return nil, err
	}
	return b[f.at:], nil
}
