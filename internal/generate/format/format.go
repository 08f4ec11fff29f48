// SPDX-License-Identifier: Apache-2.0

// Package format contains the built-in templates: records in well-known formats.
//
// Each is a file NAME.tmpl in this directory. The comments in its first lines
// describe it and link to the documentation of the format. Users may copy and change
// the templates. The records of text formats contain the line in `log`, as those of
// Fluent Bit's tail input do, so that parsers can be tested. The record of a JSON
// format is the document, unless the document is a line of a file.
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
	Text string // the template, with its comments
}

// All returns the formats, sorted by name.
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

// Find returns the format with the given name.
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
