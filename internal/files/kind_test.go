// SPDX-License-Identifier: Apache-2.0

package files

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// encode returns a text in UTF-16.
func encode(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, c := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, c)
	}
	return string(b)
}

// The format of a file that is not text is named. Text in any alphabet is text.
func TestNotText(t *testing.T) {
	const text = "[INPUT]\n    name gdummy\n"
	tar := make([]byte, 512)
	copy(tar, "fluent-bit.conf")
	copy(tar[148:], "        ")
	sum := 0
	for _, c := range tar {
		sum += int(c)
	}
	copy(tar[148:], []byte{byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0})
	for data, want := range map[string]string{
		"\x1f\x8b\x08\x00" + text:              "it is compressed with gzip, expected text",
		"\x28\xb5\x2f\xfd" + text:              "it is compressed with zstd, expected text",
		"PK\x03\x04" + text:                    "it is a zip archive, expected text",
		string(tar):                            "it is a tar archive, expected text",
		encode(binary.LittleEndian, "\ufeffa"): "it is UTF-16, expected UTF-8; `iconv -f UTF-16 -t utf-8` converts it",
		encode(binary.BigEndian, "\ufeffa"):    "it is UTF-16, expected UTF-8; `iconv -f UTF-16 -t utf-8` converts it",
		encode(binary.LittleEndian, text):      "it is UTF-16, expected UTF-8; `iconv -f UTF-16LE -t utf-8` converts it",
		encode(binary.BigEndian, text):         "it is UTF-16, expected UTF-8; `iconv -f UTF-16BE -t utf-8` converts it",
		"\xff\xfe\x00\x00a\x00\x00\x00":        "it is UTF-32, expected UTF-8; `iconv -f UTF-32 -t utf-8` converts it",
		"PAR1\x15\x00" + text:                  "it is Parquet, expected text",
		"\x7fELF\x02" + text:                   "it is an ELF binary, expected text",
		text:                                   "",
		"":                                     "",
		"\ufeff" + text:                        "",
		"PAR1,x\nORC,y\n":                      "",
		"name,\xfcmlaut\n":                     "",
		strings.Repeat("日志\n", 50):             "",
	} {
		if got := NotText([]byte(data)); got != want {
			t.Errorf("%.20q: %q, expected %q", data, got, want)
		}
	}
}

// Lines must end as in Fluent Bit.
func TestNotLines(t *testing.T) {
	for data, want := range map[string]string{
		"a\nb\r\n": "", "{}": "", "a\rb\r": "its lines end in CR alone, expected LF or CRLF",
		"\x1f\x8b\x08\x00\r": "it is compressed with gzip, expected text",
	} {
		if got := NotLines([]byte(data)); got != want {
			t.Errorf("%q: %q, expected %q", data, got, want)
		}
	}
}

func TestLoneCR(t *testing.T) {
	for text, want := range map[string]bool{"": false, "a": false, "a\n": false, "a\r\n": false, "a\rb\r": true, "a\rb\n": false} {
		if got := LoneCR([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
