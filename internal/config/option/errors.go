// SPDX-License-Identifier: Apache-2.0

package option

import "strings"

// Errors are all errors of a configuration.
type Errors []*Error

// Error returns one line for each error.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Lines returns the lines of all errors.
func (es Errors) Lines() []string {
	var lines []string
	for _, e := range es {
		lines = append(lines, e.Lines()...)
	}
	return lines
}
