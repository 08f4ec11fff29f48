// SPDX-License-Identifier: Apache-2.0

// Package format has the templates that come with gdummy: records in well-known
// formats.
//
// Each is a file NAME.tmpl beside this one, with comments in its first lines: what
// it is, and where the format is described. Users may copy them and change what
// they like. Formats of lines of text have records with the line in `log`, as
// Fluent Bit's tail input does, for parsers to take apart; those of JSON
// documents have the document as the record, unless it is a line of a file.
package format

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.tmpl
var files embed.FS

// Format is one of the templates.
type Format struct {
	Name string
	Doc  string // one line
	Text string // the template, with its comment
}

// All returns the formats in the order of their names.
func All() []Format {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // they are part of the program
	}
	var all []Format
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".tmpl")
		f, _ := Find(name)
		all = append(all, f)
	}
	return all
}

// Find returns the format of a name.
func Find(name string) (Format, bool) {
	if strings.ContainsAny(name, "/\\.") {
		return Format{}, false
	}
	text, err := files.ReadFile(name + ".tmpl")
	if err != nil {
		return Format{}, false
	}
	f := Format{Name: name, Text: string(text)}
	line, _, _ := strings.Cut(f.Text, "\n")
	line = strings.TrimPrefix(line, "{{- /* ")
	f.Doc = strings.TrimSuffix(strings.TrimSuffix(line, " */ -}}"), " */}}")
	return f, true
}

// Names returns the names of all formats, sorted.
func Names() []string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}
