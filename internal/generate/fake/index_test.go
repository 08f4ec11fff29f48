// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"testing"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// The elements of a constant are those that value.Value.Index returns, with any key.
func TestConstantIndex(t *testing.T) {
	array := value.OfRaw([]byte("\x94\xa1a\x07\x91\xa1b\xc0")) // ["a", 7, ["b"], null]
	object := value.OfRaw([]byte("\x81\xa1k\x07"))             // {"k": 7}
	for _, v := range []value.Value{array, object, value.Null} {
		for _, key := range []value.Value{
			value.OfInt(-1), value.OfInt(0), value.OfInt(1), value.OfInt(2), value.OfInt(3), value.OfInt(4), value.OfFloat(1.5),
			value.OfString("k"), value.OfString("1"), value.OfBool(true), value.Null,
		} {
			got := constantIndex(v, func(*Record) value.Value { return key })(new(Record))
			if want := v.Index(key); string(got.Append(nil)) != string(want.Append(nil)) {
				t.Errorf("%s: element %s is %s, want %s", v.AppendText(nil), key.AppendText(nil), got.AppendText(nil), want.AppendText(nil))
			}
		}
	}
}
