// SPDX-License-Identifier: Apache-2.0

// Package docs has the pages that the command prints.
package docs

import _ "embed"

// Templates teaches templates.
//
//go:embed reference/templates.md
var Templates string

// Audit tells how to prove what arrived.
//
//go:embed reference/audit.md
var Audit string
