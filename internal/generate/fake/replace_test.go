// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// replace equals strings.ReplaceAll, with one byte and with texts, as a value and as text
// appended to a record.
func TestReplace(t *testing.T) {
	for _, text := range []string{"", " ", "a b c", "  two  ", "none", "été à la", "   "} {
		for _, old := range []string{" ", "a", "  ", "é", "b c"} {
			for _, repl := range []string{"", "+", " ", "é", "ab"} {
				call := &Call{Func: Find("replace"), Args: []Operand{
					Constant(value.OfString(old)), Constant(value.OfString(repl)),
					{Gen: func(*Record) value.Value { return value.OfString(text) }},
				}}
				op, err := call.Build()
				if err != nil {
					t.Fatal(err)
				}
				want := strings.ReplaceAll(text, old, repl)
				if got := op.Gen(new(Record)).S(); got != want {
					t.Errorf("replace %q %q %q: got %q, want %q", old, repl, text, got, want)
				}
				if op.Text == nil {
					continue
				}
				if got := string(op.Text([]byte("before "), new(Record))); got != "before "+want {
					t.Errorf("replace %q %q %q: appended %q, want %q", old, repl, text, got, "before "+want)
				}
			}
		}
	}
}
