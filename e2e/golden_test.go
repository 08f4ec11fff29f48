// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// goldenFile has the records of v5.1's dummy input for each configuration of the table, as
// text:
//
//	== NAME
//	  PROPERTY
//	[TIME] METADATA BODY  (N times)
type goldenFile struct {
	mu    sync.Mutex
	lines map[string][]string // by configuration
}

const goldenPath = "testdata/dropin.golden"

const goldenHead = `# The records of the dummy input of Fluent Bit v5.1, as metadata and body, with the
# time where it is exact. Renew: FLUENT_BIT=.../fluent-bit go test ./e2e -run DropIn -update
`

func readGolden(t *testing.T) *goldenFile {
	g := &goldenFile{lines: map[string][]string{}}
	text, err := os.ReadFile(goldenPath)
	if err != nil && !*update {
		t.Fatal(err)
	}
	name := ""
	for _, line := range lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "== "):
			name = line[3:]
		case line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "  "):
		default:
			g.lines[name] = append(g.lines[name], line)
		}
	}
	if *update {
		t.Cleanup(func() { g.write(t) })
	}
	return g
}

func (g *goldenFile) set(c dropIn, theirs []record) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines[c.name] = fold(c.show(theirs))
}

func (g *goldenFile) get(t *testing.T, c dropIn) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	want, ok := g.lines[c.name]
	if !ok {
		t.Fatalf("%s has no records of %q: renew it with -update and a Fluent Bit v5.1", goldenPath, c.name)
	}
	return want
}

func (g *goldenFile) write(t *testing.T) {
	var b strings.Builder
	b.WriteString(goldenHead)
	for _, c := range dropIns {
		b.WriteString("\n== " + c.name + "\n")
		for _, p := range c.props {
			if len(p) > 200 {
				p = p[:80] + "..."
			}
			if !utf8.ValidString(p) || strings.ContainsFunc(p, func(c rune) bool { return c < ' ' && c != '\t' }) {
				p = strconv.Quote(p)
			}
			b.WriteString("  " + p + "\n")
		}
		for _, line := range g.lines[c.name] {
			b.WriteString(line + "\n")
		}
	}
	if err := os.WriteFile(goldenPath, []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}
