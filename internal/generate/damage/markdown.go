// SPDX-License-Identifier: Apache-2.0

package damage

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed broken.tmpl
var page string

// Markdown returns the documentation of the option broken: the page
// docs/reference/broken.md.
func Markdown() []byte {
	var rows strings.Builder
	for _, info := range infos[1:] {
		fmt.Fprintf(&rows, "| `%s` | %g | %s |\n", info.Name, info.Weight, info.Doc)
	}
	return []byte(strings.Replace(page, "{{kinds}}", rows.String(), 1))
}
