// SPDX-License-Identifier: Apache-2.0

package option

import "github.com/gdummy/gdummy/internal/config/diag"

// Errors are all errors of a configuration.
type Errors []*Error

// Error returns one line for each error.
func (es Errors) Error() string {
	return diag.Join(es)
}

// Lines returns the lines of all errors.
func (es Errors) Lines() []string {
	var lines []string
	for _, e := range es {
		lines = append(lines, e.Lines()...)
	}
	return lines
}
