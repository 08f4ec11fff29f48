// SPDX-License-Identifier: Apache-2.0

package template

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// literal appends lit.
func (in *step) literal(dst []byte) []byte {
	return value.AppendPiece(dst, in.lit, len(in.lit)-value.Reach)
}

// openString appends lit, the header of a string, and before. The header has the
// size of the previous one.
func (in *step) openString(dst []byte) []byte {
	switch in.head {
	case 1:
		return in.literal(dst)
	case 2:
		return value.AppendPiece(dst, in.long, len(in.long)-value.Reach)
	}
	return in.openLong(dst, int(in.head))
}

// openLong is openString for a header of any size, which the caller writes.
func (in *step) openLong(dst []byte, size int) []byte {
	text := in.lit[:len(in.lit)-value.Reach]
	at := len(text) - in.before - 1 // the header
	dst = append(dst, text[:at]...)
	dst = append(dst, "\x00\x00\x00\x00\x00"[:size]...)
	return append(dst, text[at+1:]...)
}

// appendString appends lit and a string: before, the text of v, and after.
func (in *step) appendString(dst []byte, v value.Value) []byte {
	n := in.around + len(v.S())
	switch {
	case n < 32:
		dst = in.literal(dst)
		dst[len(dst)-in.before-1] = 0xa0 | byte(n)
	case n <= math.MaxUint8:
		dst = value.AppendPiece(dst, in.long, len(in.long)-value.Reach)
		dst[len(dst)-in.before-1] = byte(n)
	default:
		var h [5]byte
		size := len(appendStringHeader(h[:0], n))
		dst = in.openLong(dst, size)
		copy(dst[len(dst)-in.before-size:], h[:size])
	}
	dst = v.AppendS(dst)
	return value.AppendPiece(dst, in.after, in.around-in.before)
}

// closeContainer writes the header of a container with n members, in the shortest
// form, to the room bytes reserved for it at at.
func closeContainer(dst []byte, at, room, n int, isMap bool) []byte {
	if n < 16 && room == 1 {
		dst[at] = 0x90 | byte(n)
		if isMap {
			dst[at] = 0x80 | byte(n)
		}
		return dst
	}
	var h [5]byte
	header := msgp.AppendArrayHeader(h[:0], uint32(n))
	if isMap {
		header = msgp.AppendMapHeader(h[:0], uint32(n))
	}
	return slices.Replace(dst, at, at+room, header...)
}

// appendStringHeader appends the shortest header of a string of n bytes.
func appendStringHeader(dst []byte, n int) []byte {
	switch {
	case n < 32:
		return append(dst, 0xa0|byte(n))
	case n <= math.MaxUint8:
		return append(dst, 0xd9, byte(n))
	case n <= math.MaxUint16:
		return append(dst, 0xda, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xdb), uint32(n))
}

// closeString writes the shortest header of the string that in opened at at. The
// string ends at the end of dst.
func closeString(dst []byte, at int, in *step) []byte {
	switch n := len(dst) - at - int(in.head); {
	case in.head == 1 && n < 32:
		dst[at] = 0xa0 | byte(n)
	case in.head == 2 && n >= 32 && n <= math.MaxUint8:
		dst[at+1] = byte(n)
	default:
		dst = in.fit(dst, at, n)
	}
	return dst
}

// fit resizes the header at at for a string of n bytes, and reserves as much for the
// next string.
func (in *step) fit(dst []byte, at, n int) []byte {
	var h [5]byte
	header := appendStringHeader(h[:0], n)
	dst = slices.Replace(dst, at, at+int(in.head), header...)
	in.head = uint8(len(header))
	return dst
}

// pad inserts a string at the place of pad so that the body, which begins at start,
// has the requested size. If the body is too long already, the string is empty.
func (p *Program) pad(dst []byte, start int) []byte {
	at := p.run.padAt
	gap := max(p.run.padTo-(len(dst)-start), 1)
	// The header may be longer than necessary: no fixstr has 33 bytes in total, but a
	// str8 does.
	var h [5]byte
	header := append(h[:0], 0xa0|byte(gap-1))
	switch {
	case gap <= 32:
	case gap <= math.MaxUint8+2:
		header = append(h[:0], 0xd9, byte(gap-2))
	case gap <= math.MaxUint16+3:
		header = binary.BigEndian.AppendUint16(append(h[:0], 0xda), uint16(gap-3))
	default:
		header = binary.BigEndian.AppendUint32(append(h[:0], 0xdb), uint32(gap-5))
	}
	end := len(dst)
	dst = slices.Grow(dst, gap)[:end+gap]
	copy(dst[at+gap:], dst[at:end])
	copy(dst[at:], header)
	// The letters differ from record to record, so that padding does not improve the
	// compression.
	rnd := seed.At(p.rec.Key, math.MaxUint64)
	fill := dst[at+len(header) : at+gap]
	for len(fill) > 0 {
		v := rnd.Uint64()
		for i := 0; i < 8 && i < len(fill); i++ {
			fill[i] = padding[v&63]
			v >>= 8
		}
		fill = fill[min(8, len(fill)):]
	}
	return dst
}

// padding is the alphabet of pad: 64 characters.
const padding = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
