// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"testing"
)

// A message that arrives byte by byte is read once, not once a byte: what Next has
// passed is overwritten with a byte that is no MessagePack, and it does not see it.
func TestFrameReadsOnce(t *testing.T) {
	msg := append([]byte{0x92, 0xa1, 'x', 0xdd, 0, 0, 3, 0}, bytes.Repeat([]byte{0x92, 1, 0x80}, 3<<8)...)
	f, seen := NewFrame(), bytes.Clone(msg)
	for i := range len(msg) {
		if err := f.Next(seen[:i], len(msg)); err != ErrShort {
			t.Fatalf("after %d of %d bytes: %v", i, len(msg), err)
		}
		for j := range f.at {
			seen[j] = 0xc1
		}
	}
	if err := f.Next(seen, len(msg)); err != nil || f.Len() != len(msg) {
		t.Fatalf("%v, %d bytes, want %d", err, f.Len(), len(msg))
	}
}
