// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/gdummy/gdummy/internal/recordid"
)

// xzWith returns data compressed with xz.
func xzWith(t testing.TB, c xz.WriterConfig, data []byte) []byte {
	return through(t, data, func(w io.Writer) (io.WriteCloser, error) { return c.NewWriter(w) })
}

// A block that needs too much memory causes an error, wherever it is. The data before it is
// scanned.
func TestXZDictionary(t *testing.T) {
	const dictionary = 4 // in a block's header of 12 bytes
	huge := func(block []byte) {
		block[dictionary] = 40
		binary.LittleEndian.PutUint32(block[8:], crc32.ChecksumIEEE(block[:8]))
	}
	line := []byte("{\"a\":1}\n")
	first := xzWith(t, xz.WriterConfig{}, line)
	second := bytes.Clone(first)
	huge(second[12:])
	blocks := xzWith(t, xz.WriterConfig{BlockSize: int64(len(line))}, bytes.Repeat(line, 3))
	head := blocks[12:24]
	at := 24 + bytes.LastIndex(blocks[24:], head)
	if at < 24 {
		t.Fatal("no second block")
	}
	huge(blocks[at:])
	for _, c := range []struct {
		why     string
		data    []byte
		records int
		format  bool
	}{
		{"the first block", second, 0, true},
		{"the first block of another stream", append(bytes.Clone(first), second...), 1, false},
		{"the last block", blocks, 2, false},
	} {
		n := 0
		err := New(Options{Take: func(recordid.ID, State, int64) { n++ }}).Read(bytes.NewReader(c.data))
		var format *FormatError
		if n != c.records || errors.As(err, &format) != c.format || err == nil || !strings.Contains(err.Error(), "a dictionary of more than 128 MB") {
			t.Errorf("%s: %d records, expected %d; %v", c.why, n, c.records, err)
		}
	}
}
