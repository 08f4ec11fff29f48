// SPDX-License-Identifier: Apache-2.0

// This file recognizes formats by their first bytes. It contains no decoders, so that
// programs that only recognize a format do not link one.

package files

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
)

// Packing is a compression or archive format.
type Packing uint8

// The packings.
const (
	Unpacked Packing = iota
	Gzip
	Zstd
	XZ
	Bzip2
	LZ4
	Snappy
	Zip
	Tar
	UTF16
)

// PackingOf returns the packing of data from its first bytes: at least 512, unless
// the data is shorter.
func PackingOf(head []byte) Packing {
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case begins("\x1f\x8b"):
		return Gzip
	case begins("\x28\xb5\x2f\xfd"):
		return Zstd
	case begins("\xfd7zXZ\x00"):
		return XZ
	case len(head) > 9 && begins("BZh") && (string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90"):
		return Bzip2
	case begins("\x04\x22\x4d\x18"), begins("\x02\x21\x4c\x18"):
		return LZ4
	case begins("\xff\x06\x00\x00sNaPpY"), begins("\xff\x06\x00\x00S2sTwO"):
		return Snappy
	case begins("PK\x03\x04"), begins("PK\x05\x06"), begins("PK\x07\x08"):
		return Zip
	case len(head) > 7 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		// A skippable frame, in zstd or lz4. The output of pzstd starts with one.
		if size := uint64(binary.LittleEndian.Uint32(head[4:])); size+8 < uint64(len(head)) {
			if p := PackingOf(head[8+size:]); p == LZ4 {
				return p
			}
		}
		return Zstd
	case isTar(head):
		return Tar
	case (begins("\xff\xfe") || begins("\xfe\xff")) && !begins("\xff\xfe\x00\x00"):
		return UTF16
	}
	return Unpacked
}

// String returns the name of the packing.
func (p Packing) String() string {
	return [...]string{"unpacked", "gzip", "zstd", "xz", "bzip2", "lz4", "framed snappy", "zip", "tar", "UTF-16"}[p]
}

// isTar reports whether data starts with the header of a tar archive, with a valid
// checksum.
func isTar(head []byte) bool {
	const size, at, length = 512, 148, 8
	if len(head) < size || head[0] == 0 {
		return false
	}
	sum := int64(length * ' ')
	for i, c := range head[:size] {
		if i < at || i >= at+length {
			sum += int64(c)
		}
	}
	text := bytes.Trim(head[at:at+length], " \x00")
	want, err := strconv.ParseInt(string(text), 8, 64)
	return err == nil && want == sum
}

// magics are the first bytes of formats that are neither text nor a [Packing]. If text
// may start with the same bytes, a control character must follow.
var magics = []struct {
	magic, name string
	text        bool
}{
	{"PAR1", "Parquet", true},
	{"PARE", "encrypted Parquet", true},
	{"Obj\x01", "Avro", false},
	{"ORC", "ORC", true},
	{"ARROW1\x00\x00", "Arrow", false},
	{"FEA1", "Feather", true},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", false},
	{"Rar!\x1a\x07", "a RAR archive", false},
	{"LZIP", "lzip", true},
	{"\x89LZO\x00", "lzop", false},
	{"\x1f\x9d", "compress (.Z)", false},
	{"\x5d\x00\x00", "LZMA without xz", false},
	{"!<arch>\n", "an ar archive", false},
	{"\xd4\xc3\xb2\xa1", "a packet capture", false},
	{"\xa1\xb2\xc3\xd4", "a packet capture", false},
	{"\x4d\x3c\xb2\xa1", "a packet capture", false},
	{"\xa1\xb2\x3c\x4d", "a packet capture", false},
	{"\x0a\x0d\x0d\x0a", "a packet capture", false},
	{"SQLite format 3\x00", "an SQLite database", false},
	{"LPKSHHRH", "a systemd journal", false},
	{"\x89HDF\r\n\x1a\n", "HDF5", false},
	{"\x7fELF", "an ELF binary", false},
	{"%PDF-", "PDF", false},
	{"\x89PNG\r\n\x1a\n", "a PNG image", false},
	{"\xff\xd8\xff", "a JPEG image", false},
	{"GIF8", "a GIF image", true},
	{"ElfFile\x00", "a Windows event log", false},
	{"\xff\xfe\x00\x00", "UTF-32", false},
	{"\x00\x00\xfe\xff", "UTF-32", false},
}

// Foreign returns the name of the format of data, or "" if its first bytes are not
// those of a known format.
func Foreign(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) && (!m.text || Controls(head[:min(len(head), 64)]) > 0) {
			return m.name
		}
	}
	return ""
}

// Controls counts the control characters in data that do not occur in text.
func Controls(data []byte) (n int) {
	for _, c := range data {
		if c < ' ' && (c < '\a' || c > '\r') && c != 0x1b || c == 0x7f {
			n++
		}
	}
	return n
}

// IsUTF16 reports whether data is ASCII in UTF-16 without a byte order mark: every other
// byte is NUL.
func IsUTF16(data []byte) bool {
	data = data[:min(len(data), 64)&^1]
	if len(data) < 8 {
		return false
	}
	for _, zero := range []int{0, 1} {
		is := true
		for i := 0; i < len(data) && is; i += 2 {
			is = data[i+zero] == 0 && data[i+1-zero]-1 < 0x7f
		}
		if is {
			return true
		}
	}
	return false
}

// NotText describes why a file that starts with head is not UTF-8 text, or returns ""
// if it may be.
func NotText(head []byte) string {
	switch p := PackingOf(head); p {
	case Unpacked:
	case UTF16:
		return notUTF8("UTF-16", "")
	case Tar, Zip:
		return fmt.Sprintf("it is a %v archive, expected text", p)
	default:
		return fmt.Sprintf("it is compressed with %v, expected text", p)
	}
	switch name := Foreign(head); {
	case name == "UTF-32":
		return notUTF8(name, "")
	case name != "":
		return "it is " + name + ", expected text"
	case IsUTF16(head) && head[0] == 0:
		return notUTF8("UTF-16", "BE")
	case IsUTF16(head):
		return notUTF8("UTF-16", "LE")
	}
	return ""
}

func notUTF8(name, order string) string {
	return fmt.Sprintf("it is %s, expected UTF-8; `iconv -f %[1]s%s -t utf-8` converts it", name, order)
}

// NotLines is like [NotText] for text that is read line by line: its lines must not
// end in CR alone.
func NotLines(head []byte) string {
	if what := NotText(head); what != "" || !LoneCR(head) {
		return what
	}
	return "its lines end in CR alone, expected LF or CRLF"
}

// LoneCR reports whether the lines of a text end in CR alone, as they did on old Macs.
func LoneCR(text []byte) bool {
	return bytes.IndexByte(text, '\r') >= 0 && bytes.IndexByte(text, '\n') < 0
}
