// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// FormatError reports that a source has an unsupported format. No part of it was read.
type FormatError struct {
	Format string // such as "Parquet"
	Entry  string // the file in an archive; empty for the source itself
}

// Error implements error.
func (e *FormatError) Error() string {
	what := "it looks like "
	if e.Entry != "" {
		what = fmt.Sprintf("its entry %q looks like ", e.Entry)
	}
	return what + e.Format + "; expected JSON, MessagePack or text, plain or in " + packings
}

// packings lists the supported compression and archive formats.
const packings = "gzip, zstd, xz, bzip2, lz4, snappy, zip or tar"

// Unreadable returns the format of data that begins with head if it is unsupported, or
// "". It cannot detect unsupported files in an archive; [Scanner.Read] reports them.
func Unreadable(head []byte) string {
	if isJSON(head) || files.PackingOf(head) != files.Unpacked {
		return ""
	}
	return foreignFormat(head)
}

// isJSON reports whether data begins like JSON and is not MessagePack with a broken
// first byte.
func isJSON(data []byte) bool {
	return len(data) > 0 && (data[0] == '{' || data[0] == '[') && files.Controls(data[:min(len(data), 64)]) == 0
}

// foreignFormat returns the format of data if it is neither text nor MessagePack, or "".
func foreignFormat(head []byte) string {
	if name := files.Foreign(head); name != "" {
		return name
	}
	switch {
	case isOTLP(head):
		return "OTLP as protobuf"
	case IsMsgpack(head):
		return ""
	case files.IsUTF16(head):
		return "UTF-16 without a byte order mark"
	case isBinary(head):
		return "binary data"
	}
	return ""
}

// isBinary reports whether data is not text in any encoding: at least one byte in twenty
// is a control character that does not occur in text. In compressed or encrypted data it
// is one in ten. Long sequences of NUL do not count: a crash, or rotation with
// copytruncate, leaves such holes in a log.
func isBinary(data []byte) bool {
	hole := make([]byte, 16)
	n, bad := 0, 0
	for len(data) > 0 {
		i := bytes.Index(data, hole)
		part := data
		if i >= 0 {
			part = data[:i]
		}
		n += len(part)
		bad += files.Controls(part)
		data = bytes.TrimLeft(data[len(part):], "\x00")
	}
	return bad >= 4 && bad*20 >= n
}

// isOTLP reports whether data begins like an export request of OTLP, which a length may
// precede:
//
//	1 resource_logs { 1 resource  2 scope_logs { 1 scope  2 log_records {
func isOTLP(data []byte) bool {
	if len(data) > 4 && data[0] == 0 {
		data = data[4:]
	}
	if len(data) == 0 || data[0] != 0x0a {
		return false
	}
	for _, field := range []protowire.Number{1, 2, 2} {
		if data = message(data, field); data == nil {
			return false
		}
	}
	return true
}

// message returns the available part of the first protobuf message that is the given
// field. It returns nil if there is none, or if something invalid precedes it.
func message(data []byte, field protowire.Number) []byte {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 || number > 1000 {
			return nil
		}
		data = data[n:]
		if number == field && kind == protowire.BytesType {
			size, n := protowire.ConsumeVarint(data)
			if n < 0 || size > 1<<31 {
				return nil
			}
			return data[n:][:min(size, uint64(len(data)-n))]
		}
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			return nil
		}
		data = data[n:]
	}
	return nil
}

// hasEvent reports whether data contains the beginning of a Fluent Bit event: its time,
// followed by a map.
func hasEvent(data []byte) bool {
	for at := 0; ; {
		i := bytes.Index(data[at:], eventSign)
		if i < 0 {
			return false
		}
		t := data[at+i+len(eventSign):]
		if at+i <= 1 || len(t) > 8 && isMap(t[8]) && binary.BigEndian.Uint32(t[4:]) < 1e9 {
			return true
		}
		at += i + 1
	}
}

// isPacked reports whether data is a sequence of MessagePack maps or lists of maps, the
// last of which may be incomplete. Only a map with a name shows that an incomplete
// sequence is not something else; of little data, the first two bytes decide.
func isPacked(data []byte) bool {
	if len(data) < fewBytes && isPackedHead(data) {
		return true
	}
	named := false
	for at := 0; at < len(data); {
		b := data[at:]
		if !isMap(b[0]) && !isArray(b[0]) {
			return false
		}
		named = named || hasName(b)
		f := msgpack.NewFrame()
		n, err := f.Next(b, maxRecord)
		if err != nil {
			return err == msgpack.ErrShort && named
		}
		at += n
	}
	return true
}

// isPackedHead reports whether data begins with the header of a map or an array that no
// text follows.
func isPackedHead(data []byte) bool {
	return (isMap(data[0]) || isArray(data[0])) && (len(data) == 1 || data[1] >= 0x80 || files.Controls(data) > 0)
}

// hasName reports whether the first member of the first map with members in data has a name.
// Arrays, and the time and empty metadata of an event, may precede the map.
func hasName(data []byte) bool {
	for len(data) > 0 {
		h := msgpack.Read(data)
		switch {
		case h.Size == 0: // cut
			return false
		case h.Kind == msgpack.Map && h.N > 0:
			return hasText(data[h.Size:])
		case h.Kind != msgpack.Map && h.Kind != msgpack.Array && data[0] != 0xd7 && data[0] != 0xd8:
			return false
		}
		data = data[min(h.Size+int(h.Payload()), len(data)):]
	}
	return false
}

// hasText reports whether data begins with a short string of printable text.
func hasText(data []byte) bool {
	h := msgpack.Read(data)
	if h.Kind != msgpack.String || data[0] > 0xd9 || h.N == 0 || h.N > uint64(len(data)-h.Size) {
		return false
	}
	text := data[h.Size:][:h.N]
	return files.Controls(text) == 0 && strconv.CanBackquote(string(bytes.ReplaceAll(text, []byte("`"), nil)))
}
