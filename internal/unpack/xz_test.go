// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/gdummy/gdummy/internal/files"
)

// xzWith returns data compressed with xz.
func xzWith(t testing.TB, c xz.WriterConfig, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unXZ decompresses xz.
func unXZ(data []byte) ([]byte, error) {
	z, err := New(files.XZ, bufio.NewReader(bytes.NewReader(data)), 0)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// All types of checksums, several blocks, and several streams with zeros between them are
// supported, and so is empty data. A changed byte is detected wherever it changes the data:
// the first one of a compressed chunk has no meaning.
func TestXZ(t *testing.T) {
	text := make([]byte, 20_000)
	r := rand.NewChaCha8([32]byte{6})
	r.Read(text[:7000])
	checks := map[string]xz.WriterConfig{
		"CRC32": {CheckSum: xz.CRC32, BlockSize: 3001, DictCap: 4 << 10}, "CRC64": {CheckSum: xz.CRC64, BlockSize: 3002, DictCap: 4 << 10},
		"SHA-256": {CheckSum: xz.SHA256, BlockSize: 3003, DictCap: 4 << 10}, "none": {NoCheckSum: true, BlockSize: 3000, DictCap: 4 << 10}, "one block": {DictCap: 4 << 10},
	}
	for name, c := range checks {
		for _, size := range []int{0, 1, 3000, len(text)} {
			data := xzWith(t, c, text[:size])
			twice := append(append(bytes.Clone(data), make([]byte, 8)...), data...)
			if got, err := unXZ(twice); err != nil || !bytes.Equal(got, append(bytes.Clone(text[:size]), text[:size]...)) {
				t.Errorf("%s, %d bytes: %d bytes, %v", name, size, len(got), err)
			}
		}
		data := xzWith(t, c, text)
		for i := 0; i < len(data); i += 1 + i/20 {
			bad := bytes.Clone(data)
			bad[i] ^= 0x10
			if got, err := unXZ(bad); err == nil && !bytes.Equal(got, text) && name != "none" {
				t.Errorf("%s: no error with byte %d of %d changed", name, i, len(data))
			}
			if got, err := unXZ(data[:i]); err != io.ErrUnexpectedEOF || !bytes.HasPrefix(text, got) {
				t.Errorf("%s: %d of %d bytes: %v", name, i, len(data), err)
			}
		}
	}
}

// The output of the xz command is supported.
func TestXZCommand(t *testing.T) {
	path, err := exec.LookPath("xz")
	if err != nil {
		t.Skip("### SKIPPED: xz is not in PATH (Debian: apt-get install xz-utils): ITS OUTPUT WAS NOT TESTED")
	}
	text := []byte(strings.Repeat("{\"message\":\"dummy\"}\n", 5000))
	for _, args := range []string{"-0", "-9", "-T2 --block-size=9000", "-C sha256", "-C none", "-C crc32", "--lzma2=dict=4KiB"} {
		cmd := exec.Command(path, append(strings.Fields(args), "-c")...)
		cmd.Stdin = bytes.NewReader(text)
		data, err := cmd.Output()
		if err != nil {
			t.Fatalf("xz %s: %v", args, err)
		}
		if got, err := unXZ(data); err != nil || !bytes.Equal(got, text) {
			t.Errorf("xz %s: %d bytes, %v", args, len(got), err)
		}
	}
}
