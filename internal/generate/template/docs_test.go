// SPDX-License-Identifier: Apache-2.0

package template

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The templates in docs/reference/templates.md produce the output shown there.
func TestDocs(t *testing.T) {
	const page = "../../../docs/reference/templates.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```template\n(.*?)```\n```output\n(.*?)```")
	n := 0
	renewed := block.ReplaceAllStringFunc(string(text), func(found string) string {
		n++
		m := block.FindStringSubmatch(found)
		p, err := compile(m[1])
		if err != nil {
			t.Errorf("%s%v", m[1], err)
			return found
		}
		var b strings.Builder
		for k := range uint64(3) {
			b.WriteString(record(p, k) + "\n")
		}
		if !*update && b.String() != m[2] {
			t.Errorf("%sgot\n%swant, as in docs/reference/templates.md\n%s", m[1], b.String(), m[2])
		}
		return "```template\n" + m[1] + "```\n```output\n" + b.String() + "```"
	})
	if n < 10 {
		t.Errorf("%d templates in the page, want 10 or more", n)
	}
	if *update {
		if err := os.WriteFile(page, []byte(renewed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
