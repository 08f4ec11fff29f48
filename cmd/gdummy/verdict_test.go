// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/gdummy/gdummy/internal/prove/audit"
)

// A name from a ledger cannot control the terminal or break the table.
func TestStreamName(t *testing.T) {
	for name, want := range map[string]string{
		"":               "run 3",
		"gdummy.0":       "run gdummy.0",
		"日志 a":           "run 日志 a",
		"\x1b[2Jcleared": `run "\x1b[2Jcleared"`,
		"a\nlost: none":  `run "a\nlost: none"`,
		"a\tb":           `run "a\tb"`,
		"\u202eabc\xff":  `run "\u202eabc\xff"`,
	} {
		if got := streamName(&audit.Stream{Run: "run", Instance: 3, Name: name}); got != want {
			t.Errorf("streamName(%q) = %s, want %s", name, got, want)
		}
	}
}
