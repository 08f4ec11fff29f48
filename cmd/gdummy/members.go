// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/gdummy/gdummy/docs"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/source"
)

// auditReport is the output of `audit --json`.
type auditReport struct {
	Clean  bool     `json:"clean"`
	Known  bool     `json:"known"` // the verdict covers everything
	Faults []string `json:"faults"`
	*audit.Verdict
}

// refusedReport is the output of `audit --json` for sources that it cannot read.
type refusedReport struct {
	Clean      bool                `json:"clean"`
	Known      bool                `json:"known"`
	Unreadable []source.Unreadable `json:"unreadable"`
}

// memberTables returns the rows of each table of the page on --json: the path of a member,
// and what it is. A test compares them with the types.
func memberTables() (tables [][][2]string) {
	for _, table := range strings.Split(docs.JSON, "| member | |\n|---|---|\n")[1:] {
		var rows [][2]string
		for line := range strings.Lines(table) {
			path, text, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | ")
			if !ok {
				break
			}
			rows = append(rows, [2]string{path, strings.TrimSuffix(text, " |\n")})
		}
		tables = append(tables, rows)
	}
	return tables
}

// checkMembers returns the members of a checkReport, which are the last on the page.
func checkMembers() [][2]string {
	tables := memberTables()
	return tables[len(tables)-1]
}
