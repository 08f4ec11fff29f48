// SPDX-License-Identifier: Apache-2.0

// Package event writes and reads Fluent Bit's log events in MessagePack.
//
// An event is a record's body with its time and metadata. There are two forms:
//
//	Legacy  [time, body]                 every Fluent Bit
//	V2      [[time, metadata], body]     Fluent Bit 2.1 and later
//
// time is an extension value of type 0 with eight bytes: seconds, then
// nanoseconds, both big-endian and unsigned. metadata and body are maps. A
// chunk is a sequence of events: one malformed byte makes the rest of it
// unreadable. The functions therefore append complete values only.
package event

import (
	"encoding/binary"
	"time"
)

// Form is the form in which events are written.
type Form uint8

// The two forms of an event.
const (
	Legacy Form = iota + 1
	V2
)

// String names the form as the documentation does.
func (f Form) String() string { return [...]string{"unknown", "legacy", "v2"}[f] }

// EmptyMap is the MessagePack of an empty map: the metadata of an event without
// metadata.
var EmptyMap = []byte{0x80}

const (
	fixarray2   = 0x92
	fixext8     = 0xd7
	timeExtType = 0x00

	// timeSize is the length, in bytes, of an event time with its header.
	timeSize = 10
)

// Overhead is the number of bytes that form adds to body and metadata.
func Overhead(f Form) int {
	if f == Legacy {
		return 1 + timeSize
	}
	return 2 + timeSize
}

// Append appends one event to dst. metadata and body are MessagePack maps;
// the legacy form omits metadata. t is in nanoseconds since the Unix epoch, from
// 0 to [MaxTime].
func Append(dst []byte, f Form, t int64, metadata, body []byte) []byte {
	dst = AppendHead(dst, f, t, metadata)
	return append(dst, body...)
}

// AppendHead appends an event without its body, which the caller must append.
func AppendHead(dst []byte, f Form, t int64, metadata []byte) []byte {
	if f == Legacy {
		dst = append(dst, fixarray2)
		return AppendTime(dst, t)
	}
	at := len(dst)
	// fixarray2, fixarray2, fixext8, timeExtType, and the time.
	dst = append(dst, "\x92\x92\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	binary.BigEndian.PutUint64(dst[at+4:], fields(t))
	if len(metadata) == 1 {
		return append(dst, metadata[0])
	}
	return append(dst, metadata...)
}

// AppendTime appends an event time: t nanoseconds since the Unix epoch.
func AppendTime(dst []byte, t int64) []byte {
	dst = append(dst, fixext8, timeExtType)
	return binary.BigEndian.AppendUint64(dst, fields(t))
}

// SetTime writes time t into the event at the start of events.
func SetTime(events []byte, f Form, t int64) {
	binary.BigEndian.PutUint64(events[timeAt(f):], fields(t))
}

// SetTimes writes the times t, t+step, t+2*step, … into consecutive events of the
// same size, in bytes. step must be less than a second, and no time may exceed
// MaxTime.
func SetTimes(events []byte, f Form, size int, t, step int64) {
	v := fields(t)
	for at := timeAt(f); at < len(events)-7; at += size {
		binary.BigEndian.PutUint64(events[at:], v)
		// The nanoseconds are the lower half: carry a full second.
		if v += uint64(step); uint32(v) >= uint32(time.Second) {
			v += 1<<32 - uint64(time.Second)
		}
	}
}

// timeAt returns the offset of the eight bytes of the time in an event.
func timeAt(f Form) int { return Overhead(f) - timeSize + 2 }

// fields returns the seconds and, in the lower half, the nanoseconds of t.
func fields(t int64) uint64 {
	sec := uint64(t) / uint64(time.Second)
	return sec<<32 | (uint64(t) - sec*uint64(time.Second))
}

// MaxTime is the latest time, in nanoseconds since the Unix epoch, that an
// event can represent: 2106-02-07T06:28:15.999999999Z.
const MaxTime = int64(1<<32)*int64(time.Second) - 1

// Slice is a part of a buffer with events, to be emitted at a future time.
type Slice struct {
	End     int           // end of the slice in the buffer, and start of the next one
	Records int           // number of events
	Due     time.Duration // when to emit it, since the call
	Emitted time.Duration // when it was emitted, since the call
}
