// SPDX-License-Identifier: Apache-2.0

package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/msgpack"
)

// Event is one decoded event. Metadata and Body are parts of the slice that it was
// decoded from.
type Event struct {
	Time     int64  // nanoseconds since the Unix epoch
	Metadata []byte // a MessagePack map; EmptyMap in the legacy form
	Body     []byte // a MessagePack map
}

var errShort = errors.New("event: the bytes end within an event")

// Decode decodes the first event in b, of either form, and returns the rest of b. It
// also accepts times that are integers or floats, which older hosts write.
func Decode(b []byte) (ev Event, rest []byte, err error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return ev, b, wrap("no event", err)
	}
	if n != 2 {
		return ev, b, fmt.Errorf("event: an array of %d, expected one of 2", n)
	}
	if len(b) == 0 {
		return ev, b, errShort
	}
	ev.Metadata = EmptyMap
	if msgp.NextType(b) == msgp.ArrayType {
		n, b, err = msgp.ReadArrayHeaderBytes(b)
		if err != nil {
			return ev, b, wrap("time and metadata", err)
		}
		if n != 2 {
			return ev, b, fmt.Errorf("event: time and metadata are an array of %d, expected one of 2", n)
		}
		if ev.Time, b, err = readTime(b); err != nil {
			return ev, b, err
		}
		if ev.Metadata, b, err = readMap(b, "metadata"); err != nil {
			return ev, b, err
		}
	} else if ev.Time, b, err = readTime(b); err != nil {
		return ev, b, err
	}
	ev.Body, b, err = readMap(b, "body")
	return ev, b, err
}

// Size returns the length of the first event in b, in bytes.
func Size(b []byte) (int, error) {
	rest, err := msgpack.Skip(b)
	if err != nil {
		return 0, wrap("no event", err)
	}
	return len(b) - len(rest), nil
}

func readTime(b []byte) (int64, []byte, error) {
	if len(b) >= timeSize && b[0] == fixext8 && b[1] == timeExtType {
		v := binary.BigEndian.Uint64(b[2:])
		return int64(v>>32)*int64(time.Second) + int64(v&0xffffffff), b[timeSize:], nil
	}
	if len(b) == 0 {
		return 0, b, errShort
	}
	switch msgp.NextType(b) {
	case msgp.IntType, msgp.UintType:
		sec, b, err := msgp.ReadInt64Bytes(b)
		return sec * int64(time.Second), b, wrap("time", err)
	case msgp.Float64Type, msgp.Float32Type:
		sec, b, err := msgp.ReadFloat64Bytes(b)
		return int64(sec * float64(time.Second)), b, wrap("time", err)
	}
	return 0, b, fmt.Errorf("event: the byte %#02x does not begin a time", b[0])
}

func readMap(b []byte, what string) (m, rest []byte, err error) {
	if len(b) == 0 {
		return nil, b, errShort
	}
	if t := msgp.NextType(b); t != msgp.MapType {
		return nil, b, fmt.Errorf("event: the %s is a %s, expected a map", what, t)
	}
	rest, err = msgpack.Skip(b)
	if err != nil {
		return nil, b, wrap(what, err)
	}
	return b[:len(b)-len(rest)], rest, nil
}

func wrap(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, msgp.ErrShortBytes), errors.Is(err, msgpack.ErrShort), errors.Is(err, msgpack.ErrTooLarge):
		return errShort
	}
	return fmt.Errorf("event: %s: %w", what, err)
}

// Split returns the metadata and the body of the event b. They are parts of b.
func Split(b []byte, f Form) (metadata, body []byte, err error) {
	at := Overhead(f)
	if len(b) < at {
		return nil, nil, errShort
	}
	if f == Legacy {
		return EmptyMap, b[at:], nil
	}
	rest, err := msgpack.Skip(b[at:])
	if err != nil {
		return nil, nil, wrap("metadata", err)
	}
	return b[at : len(b)-len(rest)], rest, nil
}
