// SPDX-License-Identifier: Apache-2.0

// Package docs has the pages that the command prints.
package docs

import (
	_ "embed"
	"strings"
)

// Templates teaches templates.
//
//go:embed reference/templates.md
var Templates string

// Audit describes how to prove what arrived.
//
//go:embed reference/audit.md
var Audit string

// JSON describes the members of what --json prints.
//
//go:embed reference/json.md
var JSON string

//go:embed how-to/install.md
var install string

// Install returns the short form of the page on installation: the section that has a
// line or two for each way.
func Install() string {
	_, text, _ := strings.Cut(install, "\n## In short\n\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		b.WriteString(strings.TrimPrefix(line, "    "))
	}
	return b.String()
}
