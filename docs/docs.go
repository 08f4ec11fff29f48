// Package docs has the pages that the command prints.
package docs

import _ "embed"

// Templates teaches templates.
//
//go:embed templates.md
var Templates string

// Audit tells how to prove what arrived.
//
//go:embed audit.md
var Audit string
