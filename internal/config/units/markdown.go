// SPDX-License-Identifier: Apache-2.0

package units

import _ "embed"

// Markdown is the section of the documentation on values. A test reads its examples.
//
//go:embed values.md
var Markdown string
