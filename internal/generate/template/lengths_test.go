// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

// Every instruction for strings writes the complete string with the shortest header,
// independent of the length of the string and of the one before it.
func TestLengths(t *testing.T) {
	testenv.SkipRace(t)
	lengths := []int{0, 65536, 1, 31, 255, 32, 31, 65535, 33, 30, 256, 255, 254, 64, 65536, 65535, 65537, 63, 29}
	long := strings.Repeat("0123456789abcdef", 4097)
	var list strings.Builder
	for _, n := range lengths {
		fmt.Fprintf(&list, " %d", n)
	}
	for _, around := range []int{0, 1, 2, 15, 31, 32, 33, 200, 65500} {
		before, after := strings.Repeat("b", around), strings.Repeat("a", around)
		// Each is the value of a member, and then a name.
		for form, text := range map[string]string{
			"put":      `{{ lower (trunc $n "` + long + `") }}`,
			"value":    `{{ trunc $n "` + long + `" }}`,
			"variable": `{{ $v }}`,
			"composed": `{{ print (trunc $n "` + long + `") }}`,
			"range":    `{{ range $i := 2 }}{{ if $i }}{{ lower $v }}{{ end }}{{ end }}`,
		} {
			p := mustCompile(t, `{{ $n := cycle`+list.String()+` }}{{ $v := cat (trunc $n "`+long+`") }}{"x": "`+before+text+after+`", "`+before+text+after+`": 1}`)
			var dst []byte
			for k := range uint64(3 * len(lengths)) {
				s := before + long[:lengths[k%uint64(len(lengths))]] + after
				want := append(value.AppendString(append(value.AppendString([]byte{0x82}, "x"), value.AppendString(nil, s)...), s), 1)
				dst = p.AppendBody(dst[:0], exampleTime, k)
				if string(dst) != string(want) {
					t.Fatalf("%s, a string of %d bytes, %d before and after: %d bytes, want %d", form, len(s), around, len(dst), len(want))
				}
				if tight := p.AppendBody(make([]byte, 0, len(want)-1), exampleTime, k); string(tight) != string(want) {
					t.Fatalf("%s, a string of %d bytes, %d before and after: differs without spare capacity", form, len(s), around)
				}
			}
		}
	}
}
