// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// FormatError reports that a source has a format that is not read. Nothing of it was.
type FormatError struct {
	Format string // such as "Parquet"
	Entry  string // of an archive, if it is not the source itself
}

// Error implements error.
func (e *FormatError) Error() string {
	what := "it looks like "
	if e.Entry != "" {
		what = fmt.Sprintf("its entry %q looks like ", e.Entry)
	}
	return what + e.Format + "; expected JSON, MessagePack or text, plain or in " + packings
}

// packings are the formats that files may be packed in.
const packings = "gzip, zstd, xz, bzip2, lz4, snappy, zip or tar"

// Unreadable names the format of data that begins with head, if that is one that is
// not read; otherwise it returns "". What is not told by the beginning, such as what
// an archive holds, [Scanner.Read] tells.
func Unreadable(head []byte) string {
	if isJSON(head) || files.PackingOf(head) != files.Unpacked {
		return ""
	}
	return foreignFormat(head)
}

// isJSON reports whether data begins as JSON does, and is no MessagePack of which the
// first byte is broken.
func isJSON(data []byte) bool {
	return len(data) > 0 && (data[0] == '{' || data[0] == '[') && files.Controls(data[:min(len(data), 64)]) == 0
}

// foreignFormat names the format that data begins in, if it is neither text nor
// MessagePack.
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

// isBinary reports whether data is no text in any encoding: one byte in twenty is a
// control character that text does not have. Of what is compressed or encrypted it
// is one in ten. A hole in a file, which is many NULs, does not count: it is what a
// crash or a rotation by copying leaves behind.
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

// isOTLP reports whether data begins as a request to export logs, metrics or traces, or
// as such requests behind their lengths:
//
//	1 resource_logs { 1 resource  2 scope_logs { 1 scope  2 log_records {
func isOTLP(data []byte) bool {
	if len(data) > 4 && data[0] == 0 {
		data = data[4:]
	}
	if len(data) == 0 || data[0] != 0x0a {
		return false
	}
	for _, field := range []uint64{1, 2, 2} {
		if data = message(data, field); data == nil {
			return false
		}
	}
	return true
}

// message returns the first message that is the given field of protobuf, as far as it
// is there; nil if there is none, or something else before it.
func message(data []byte, field uint64) []byte {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1000 {
			return nil
		}
		data = data[n:]
		size := uint64(0)
		switch tag & 7 {
		case 0:
			_, n := binary.Uvarint(data)
			size = uint64(max(n, 0))
		case 1:
			size = 8
		case 2:
			s, n := binary.Uvarint(data)
			if n <= 0 || s > 1<<31 {
				return nil
			}
			size, data = s, data[n:]
			if tag>>3 == field {
				return data[:min(size, uint64(len(data)))]
			}
		case 5:
			size = 4
		default:
			return nil
		}
		if size == 0 && tag&7 != 2 || size > uint64(len(data)) {
			return nil
		}
		data = data[size:]
	}
	return nil
}

// hasEvent reports whether data has the beginning of an event as Fluent Bit packs it:
// its time and the map behind that.
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

// isPacked reports whether data begins as maps or lists of maps in MessagePack do. It
// may end within one.
func isPacked(data []byte) bool {
	if c := data[0]; len(data) < fewBytes && (isMap(c) || isArray(c)) && (len(data) == 1 || data[1] >= 0x80 || files.Controls(data) > 0) {
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
		switch n, err := f.Next(b, maxRecord); err {
		case nil:
			at += n
		case msgpack.ErrShort:
			return named
		default:
			return false
		}
	}
	return true
}

// hasName reports whether the first map in data has a name for its first member.
func hasName(data []byte) bool {
	for len(data) > 0 {
		n := 1
		switch c := data[0]; {
		case c == 0xdc || c == 0xde:
			n = 3
		case c == 0xdd || c == 0xdf:
			n = 5
		case isMap(c), isArray(c):
		case c == 0xd7 || c == 0xd8:
			n = 10 // the time of an event
		default:
			return false
		}
		if len(data) < n+1 {
			return false
		}
		is := isMap(data[0])
		if data = data[n:]; !is {
			continue
		}
		p := packReader{b: data}
		if data[0]&0xe0 != 0xa0 && data[0] != 0xd9 {
			return false
		}
		name, ok := p.name()
		return ok && len(name) > 0 && files.Controls(name) == 0 && strconv.CanBackquote(string(bytes.ReplaceAll(name, []byte("`"), nil)))
	}
	return false
}
