// SPDX-License-Identifier: Apache-2.0

// Package recordid defines the identity of a record: the run and the instance that
// made it, its number, the moment at which it was due, and a checksum of its body.
//
// The normal path has two sides. The engine that makes a record adds its identity,
// which is one string, with an [Appender] and [SumBody]. An audit reads the string
// from the output of the pipeline with [Parse], or with [Find] in other text, and
// compares its sum with that of the values around it.
//
// # The string
//
//	gd1.rrrrrrrrrrrrii.ssssssssss.ttttttttttttt.cccccccmkkk
//
// It has [Size] bytes: digits, lower-case letters and dots, which no encoder escapes
// and no language parses as a number. The parts are numbers in base 32 with the
// digits 0-9a-v, so that strings sort as the numbers do:
//
//	r  run, 60 random bits, new at every start
//	i  instance within the run, 10 bits
//	s  sequence number, from 0, 50 bits
//	t  when the record was due, nanoseconds since 1970, 65 bits of which 63 are used
//	c  sum of the body, 35 bits (see [Sum])
//	m  the number of members of the body modulo 16, and the bit Coarse
//	k  check over all of the above, 15 bits: a damaged identity is not an identity
package recordid

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

// Size is the length of an identity, in bytes.
const Size = 55

// Prefix is the beginning of every identity.
const Prefix = "gd1."

// DefaultKey is the default name of the field that contains the identity.
const DefaultKey = "gdummy"

// The limits of the numbers in an identity.
const (
	MaxInstance = 1<<10 - 1
	MaxSeq      = 1<<50 - 1

	// SumMask has the bits of Sum.Hash.
	SumMask = 1<<35 - 1
)

// Run identifies one start of a generator among all starts on all machines.
type Run uint64

const runMask = 1<<60 - 1

// NewRun draws a run from a source of random bytes; nil means the system's source.
func NewRun(random io.Reader) (Run, error) {
	if random == nil {
		random = rand.Reader
	}
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return 0, fmt.Errorf("cannot draw the identity of the run: %w", err)
	}
	return Run(binary.LittleEndian.Uint64(b[:]) & runMask), nil
}

// String returns the run as in identities: 12 digits in base 32.
func (r Run) String() string {
	var b [12]byte
	put(b[:], uint64(r))
	return string(b[:])
}

// ParseRun parses the result of String.
func ParseRun(s string) (Run, error) {
	v, err := strconv.ParseUint(s, len(digits), 64)
	if err != nil || Run(v).String() != s {
		return 0, fmt.Errorf("invalid run %q: expected 12 digits of 0-9a-v", s)
	}
	return Run(v), nil
}

// ID is an identity.
type ID struct {
	Run      Run
	Instance uint16 // at most MaxInstance
	Seq      uint64 // at most MaxSeq
	Time     int64  // when the record was due, nanoseconds since 1970
	Sum      Sum    // of the body as it was sent
}

// Append appends the identity as text, Size bytes.
func (id ID) Append(dst []byte) []byte {
	n := len(dst)
	dst = append(dst, "gd1.rrrrrrrrrrrrii.ssssssssss.ttttttttttttt.cccccccmkkk"...)
	b := dst[n:]
	put(b[4:16], uint64(id.Run))
	put(b[16:18], uint64(id.Instance))
	put(b[19:29], id.Seq)
	put(b[30:43], uint64(id.Time))
	put(b[44:51], id.Sum.Hash)
	put(b[51:52], id.Sum.tail())
	put(b[52:55], id.check())
	return dst
}

// String returns the identity as text.
func (id ID) String() string { return string(id.Append(nil)) }

// check returns the check of the other numbers, 15 bits.
func (id ID) check() uint64 { return id.checkAfter(mix(uint64(id.Run) ^ uint64(id.Instance)<<50)) }

// checkAfter returns the check from that of the run and the instance.
func (id ID) checkAfter(h uint64) uint64 {
	h = mix(h ^ id.Seq)
	h = mix(h ^ uint64(id.Time))
	h = mix(h ^ (id.Sum.Hash<<5 | id.Sum.tail()))
	return h >> 49
}

// Parse parses a text that is one identity and nothing else, and reports whether it is
// valid.
func Parse(text []byte) (ID, bool) { return new(Parser).Parse(text) }

// Parser parses identities. It is faster than [Parse] if they are of the same instance as the
// one before.
type Parser struct {
	head     [headSize]byte // of the last identity
	run      Run
	instance uint16
	mixed    uint64 // the part of the check
}

// headSize is the length of the prefix, the run and the instance.
const headSize = 19

// Parse is like the function Parse.
func (p *Parser) Parse(text []byte) (ID, bool) {
	if len(text) != Size || text[0] != Prefix[0] || text[29] != '.' || text[43] != '.' || text[30] > '7' {
		return ID{}, false
	}
	if string(text[:headSize]) != string(p.head[:]) && !p.begin(text) {
		return ID{}, false
	}
	// Eight digits at a time. Some are read twice.
	s0, bad0 := get8(text[19:])  // of the number
	s1, bad1 := get8(text[21:])  // likewise
	t0, bad2 := get8(text[30:])  // of the time
	t1, bad3 := get8(text[35:])  // likewise
	sum, bad4 := get8(text[44:]) // the sum and the following parts
	end, bad5 := get8(text[47:]) // with the check
	id := ID{
		Run: p.run, Instance: p.instance,
		Seq: s0>>30<<40 | s1, Time: int64(t0>>15<<40 | t1),
		Sum: Sum{Hash: sum >> 5, Members: int(sum >> 1 & 15), Coarse: sum&1 != 0},
	}
	return id, bad0|bad1|bad2|bad3|bad4|bad5 == 0 && id.checkAfter(p.mixed) == end&(1<<15-1)
}

// begin parses the head of an identity, and reports whether it is valid.
func (p *Parser) begin(text []byte) bool {
	r0, bad0 := get8(text[4:])  // of the run
	r1, bad1 := get8(text[10:]) // of the run, and the instance
	if string(text[:4]) != Prefix || text[18] != '.' || bad0|bad1 != 0 {
		return false
	}
	p.head = [headSize]byte(text)
	p.run, p.instance = Run(r0<<20|r1>>10&(1<<20-1)), uint16(r1&(1<<10-1))
	p.mixed = mix(uint64(p.run) ^ uint64(p.instance)<<50)
	return true
}

// get8 parses eight digits at once, as the bytes of a word. bad is 0 if all of them are
// digits.
func get8(b []byte) (v, bad uint64) {
	const each, top = 0x0101010101010101, 0x8080808080808080
	x := binary.BigEndian.Uint64(b)
	letter := x >> 6 & each // 1 for bytes from @ on, 0 for those below
	v = x | top
	v -= each*'0' + letter*('a'-'0') // the top bits stay if no byte is below its first digit
	bad = ^v&top | x&top
	v &^= top
	bad |= ^((top | (each*9 + letter*('v'-'a'-9))) - v) & top
	v += letter * 10
	// Pairs, fours, eight.
	v = v&0x001f001f001f001f | v&0x1f001f001f001f00>>3
	v = v&0x000003ff000003ff | v&0x03ff000003ff0000>>6
	return v&0xfffff | v>>32<<20, bad
}

// Find returns the first identity in text and the offset of its end, or -1.
func Find(text []byte) (id ID, end int) {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(Prefix))
		if i < 0 || len(text) < at+i+Size {
			return ID{}, -1
		}
		at += i
		if id, ok := Parse(text[at : at+Size]); ok {
			return id, at + Size
		}
		at++
	}
}

const digits = "0123456789abcdefghijklmnopqrstuv"

// pairs are all pairs of digits.
var pairs = func() (p [1024][2]byte) {
	for i := range p {
		p[i] = [2]byte{digits[i>>5], digits[i&31]}
	}
	return p
}()

// put fills b with the last digits of v in base 32.
func put(b []byte, v uint64) {
	i := len(b)
	for ; i >= 2; i -= 2 {
		p := &pairs[v&1023]
		b[i-2], b[i-1] = p[0], p[1]
		v >>= 10
	}
	if i == 1 {
		b[0] = digits[v&31]
	}
}
